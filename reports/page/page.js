// Enhancement only: the page says everything without it. Filters rows and pictures, sorts tables. Text is only ever set as
// text, never as markup.
(() => {
  'use strict';

  /** A cost or number as printed, as something to sort by: '+6.1 %' → 1.061, '13.2×' → 13.2, '11 500' → 11500. */
  const valueOf = (cell) => {
    const text = (cell.querySelector('.cost') ?? cell).textContent.trim();
    const number = parseFloat(text.replace(/\u2212/g, '-').replace(/[\u202f\u00a0 ](?=\d{3})/g, ''));
    if (Number.isNaN(number)) return text;
    return /%/.test(text) ? 1 + number / 100 : number;
  };

  const compare = (a, b) =>
    typeof a === 'number' && typeof b === 'number'
      ? a - b
      : String(a) < String(b)
        ? -1
        : String(a) > String(b)
          ? 1
          : 0;

  const makeSortable = (table) => {
    const heads = [...table.querySelectorAll('thead th')];
    heads.forEach((head, column) => {
      if (head.textContent.trim() === '') return;
      const button = document.createElement('button');
      button.type = 'button';
      button.title = 'Sort by this column';
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const descending = head.getAttribute('aria-sort') === 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        const body = table.tBodies[0];
        const rows = [...body.rows].map((row) => ({ row, key: valueOf(row.cells[column]) }));
        rows.sort((a, b) => (descending ? compare(b.key, a.key) : compare(a.key, b.key)));
        body.append(...rows.map(({ row }) => row));
      });
    });
  };

  const select = (name, choices, onChange) => {
    const label = document.createElement('label');
    const box = document.createElement('select');
    label.append(name, box);
    for (const [value, text] of [['', 'all'], ...choices]) {
      const option = document.createElement('option');
      option.value = value;
      option.textContent = text;
      box.append(option);
    }
    box.addEventListener('change', () => onChange(box.value));
    return label;
  };

  const show = (attribute, wanted) => {
    for (const element of document.querySelectorAll(`[data-${attribute}]`))
      element.toggleAttribute(`data-no-${attribute}`, wanted !== '' && element.dataset[attribute] !== wanted);
    for (const element of document.querySelectorAll('[data-workload],[data-metric],[data-arm]'))
      element.hidden = ['workload', 'metric', 'arm'].some((one) => element.hasAttribute(`data-no-${one}`));
  };

  const unique = (pairs) => [...new Map(pairs).entries()];
  const table = document.getElementById('answer-table');
  if (table) {
    const rows = [...table.tBodies[0].rows];
    const tools = document.createElement('div');
    tools.className = 'tools';
    tools.setAttribute('role', 'group');
    tools.setAttribute('aria-label', 'Show only');
    tools.append(
      select(
        'Workload',
        unique(rows.map((row) => [row.dataset.workload, row.cells[0].firstChild.textContent])),
        (wanted) => show('workload', wanted),
      ),
      select(
        'Metric',
        unique(rows.map((row) => [row.dataset.metric, row.querySelector('th small').textContent])),
        (wanted) => show('metric', wanted),
      ),
      select(
        'Box',
        [...table.querySelectorAll('thead th[data-arm]')].map((head) => [head.dataset.arm, head.textContent]),
        (wanted) => show('arm', wanted),
      ),
    );
    table.closest('.scroll').before(tools);
  }
  for (const one of document.querySelectorAll('table.answer, .work table.numbers')) makeSortable(one);
})();
