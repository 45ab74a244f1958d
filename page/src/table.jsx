// SPDX-License-Identifier: Apache-2.0
// The table behind a chart: the same figures for those who cannot or do not want to see a picture.
import { useState } from 'preact/hooks';

/** `columns`: [{ head, cell(row), figure }]; `rows`: anything; `label`: what it is a table of. */
export function Table({ label, columns, rows, empty }) {
  if (!rows.length) return <p class="quiet">{empty ?? 'There is nothing to list.'}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <caption class="unseen">{label}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.head} scope="col" class={c.figure ? 'figure' : undefined}>
                {c.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={row.id ?? i} class={row.chosen ? 'chosen' : undefined}>
              {columns.map((c) => (
                <td key={c.head} class={c.figure ? 'figure' : undefined}>
                  {c.cell(row, i)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Closed until somebody asks; only then is it made. `rows` is a function. */
export function TableBehind({ label, columns, rows }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="behind" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{label} as a table</summary>
      {open && <Table label={label} columns={columns} rows={rows()} />}
    </details>
  );
}
