// SPDX-License-Identifier: Apache-2.0
// Choosing what is shown, by links: another resource, another horizon.

/** Few resources are tabs, many are a list to choose from. */
export function Chooser({ resources, chosen, to, all }) {
  if (resources.length < 2) return null;
  const list = all ? [null, ...resources.map((r) => r.name)] : resources.map((r) => r.name);
  if (list.length > 6) {
    return (
      <label class="choose">
        <span class="unseen">Resource</span>
        <select
          value={chosen ?? ''}
          onChange={(event) => {
            location.hash = to(event.currentTarget.value || undefined);
          }}
        >
          {list.map((name) => (
            <option key={name} value={name ?? ''}>
              {name ?? all}
            </option>
          ))}
        </select>
      </label>
    );
  }
  return (
    <nav class="segments" aria-label="Resource">
      {list.map((name) => (
        <a
          key={name}
          href={to(name ?? undefined)}
          aria-current={(chosen ?? null) === name ? 'true' : undefined}
        >
          {name ?? all}
        </a>
      ))}
    </nav>
  );
}

export function Horizon({ all, chosen, to }) {
  return (
    <nav class="segments" aria-label="How far to look ahead">
      {all.map((h) => (
        <a key={h} href={to(h)} aria-current={chosen === h ? 'true' : undefined}>
          {h}
        </a>
      ))}
    </nav>
  );
}
