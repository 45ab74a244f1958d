// SPDX-License-Identifier: Apache-2.0
// A text that is meant to be taken elsewhere: a command line, a link.
import { useState } from 'preact/hooks';

const SAID_MS = 1600;

export function Copy({ label, text }) {
  const [said, setSaid] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return; // not allowed here: the text can be selected
    }
    setSaid(true);
    setTimeout(() => setSaid(false), SAID_MS);
  };
  return (
    <div class="copy">
      <span class="quiet">{label}</span>
      <code>{text}</code>
      <button type="button" onClick={copy} aria-label={`Copy ${label}`}>
        {said ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
