/** What a registry asks for before it answers. */
export type Challenge =
  | { scheme: 'basic'; realm: string }
  | { scheme: 'bearer'; realm: string; service: string | undefined; scope: string | undefined };

/**
 * Reads WWW-Authenticate (RFC 9110, 11.6.1; token flow: distribution, "Token Authentication Specification"). Bearer is taken
 * before Basic when both are offered. undefined when there is none that we know.
 */
export function parseChallenge(header: string): Challenge | undefined {
  const found = new Map<string, Map<string, string>>();
  let params: Map<string, string> | undefined;
  const token =
    /\s*,?\s*(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([A-Za-z][A-Za-z0-9-]*)(?=\s|$))/gy;
  for (let match = token.exec(header); match; match = token.exec(header)) {
    const [, key, quoted, bare, scheme] = match;
    if (scheme !== undefined) {
      params = new Map();
      found.set(scheme.toLowerCase(), params);
    } else if (key !== undefined)
      params?.set(key.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '');
  }
  const bearer = found.get('bearer');
  const realm = bearer?.get('realm');
  if (bearer && realm !== undefined)
    return { scheme: 'bearer', realm, service: bearer.get('service'), scope: bearer.get('scope') };
  const basic = found.get('basic');
  return basic ? { scheme: 'basic', realm: basic.get('realm') ?? '' } : undefined;
}
