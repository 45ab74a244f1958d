// SPDX-License-Identifier: Apache-2.0
// What stands around every view: the way to the others, whether ebbd is there, light or dark.
import { useEffect, useState } from 'preact/hooks';
import { useLive } from './live.js';
import { link } from './route.js';
import { useTheme } from './theme.js';
import { clock, span } from './words.js';

const VIEWS = [
  ['now', 'Now'],
  ['forecast', 'Forecast'],
  ['decisions', 'Decisions'],
  ['data', 'Data'],
];

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 20" width="32" height="20" aria-hidden="true">
      <path d="M2 7c5 0 5 6 10 6S18 3 23 3s4 3 7 3" />
      <path class="under" d="M2 14c5 0 6 4 11 4s5-6 10-6 4 2 7 2" />
    </svg>
  );
}

/** Seconds since 1970, anew every so often. */
export function useNow(everyMs = 1000) {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

function Away({ since }) {
  const now = useNow();
  return (
    <div class="away" role="alert">
      <strong>ebbd does not answer.</strong> What you see is from {clock(since)}
      <span aria-hidden="true">, {span(now - since)} ago</span>. Volumes go on by themselves; this
      page does when ebbd is back.
    </div>
  );
}

function LiveDot({ live }) {
  const said = live.up === null ? 'connecting' : live.up ? 'live' : 'away';
  return (
    <span class={`live ${said}`} role="status">
      <i aria-hidden="true" />
      {said}
    </span>
  );
}

function ThemeButton() {
  const [theme, toggle] = useTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      class="icon"
      onClick={toggle}
      aria-label={`Use ${other} colours`}
      title={`Use ${other} colours`}
    >
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        <circle cx="10" cy="10" r="7" class="rim" />
        <path d="M10 3a7 7 0 0 1 0 14z" class="half" />
      </svg>
    </button>
  );
}

export function Frame({ view, children }) {
  const live = useLive();
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('content').focus();
        }}
      >
        To the content
      </a>
      <header class="top">
        <a class="brand" href={link.now()} aria-label="ebb, to Now">
          <Mark />
          <span>ebb</span>
        </a>
        <nav aria-label="Views">
          {VIEWS.map(([id, word]) => (
            <a key={id} href={link[id]()} aria-current={view === id ? 'page' : undefined}>
              {word}
            </a>
          ))}
        </nav>
        <LiveDot live={live} />
        <ThemeButton />
      </header>
      {live.up === false && <Away since={live.since} />}
      <main id="content" tabIndex={-1} class={live.up === false ? 'stale' : undefined}>
        {children}
      </main>
    </>
  );
}
