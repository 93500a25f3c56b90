import Handlebars from 'handlebars';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packagePath } from '../../results/package-root.ts';
import type { Svg } from '../charts/render.ts';
import { jsonMarkup, ownCode, svgMarkup } from './safe-markup.ts';

/** Strict: a name the model does not have is an error, not an empty string. No helper but the known ones can be called. */
const options: CompileOptions = {
  strict: true,
  knownHelpersOnly: true,
  knownHelpers: { picture: true, style: true, script: true, json: true } as CompileOptions['knownHelpers'],
  preventIndent: true,
};

/** The templates of some folders, `name.hbs` as partial `name`; compiled on first use and kept. */
export class TemplateFolder {
  readonly #handlebars = Handlebars.create();
  readonly #compiled = new Map<string, Handlebars.TemplateDelegate>();
  readonly #sources = new Map<string, string>();

  constructor(...folders: string[][]) {
    for (const parts of folders) this.#register(packagePath(...parts));
    this.#handlebars.registerHelper('picture', (svg: Svg, label: string) => svgMarkup(svg, label));
    this.#handlebars.registerHelper('style', (text: string) => ownCode(text));
    this.#handlebars.registerHelper('script', (text: string) => ownCode(text));
    this.#handlebars.registerHelper('json', (value: unknown) => jsonMarkup(value));
  }

  #register(folder: string): void {
    for (const file of readdirSync(folder)
      .filter((name) => name.endsWith('.hbs'))
      .sort()) {
      const name = basename(file, '.hbs');
      const source = readFileSync(join(folder, file), 'utf8');
      this.#sources.set(name, source);
      this.#handlebars.registerPartial(name, this.#handlebars.compile(source, options));
    }
  }

  render(name: string, model: object): string {
    const compiled =
      this.#compiled.get(name) ?? this.#handlebars.compile(this.#sources.get(name) ?? '', options);
    this.#compiled.set(name, compiled);
    return compiled(model, { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false });
  }
}
