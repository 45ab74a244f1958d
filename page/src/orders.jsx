// SPDX-License-Identifier: Apache-2.0
// What a reader may order of a resource, and what came of the order.
import { useState } from 'preact/hooks';
import { post } from './documents.js';

const DONE = {
  now: 'Asked for. It begins within a turn.',
  cancel: 'Told to end. The next one goes on from what is stored.',
  pause: 'Paused. Nothing new begins.',
  resume: 'Goes on.',
};

function useOrder(name) {
  const [said, setSaid] = useState(null);
  const [busy, setBusy] = useState(false);
  const order = async (verb) => {
    setBusy(true);
    try {
      await post(`resources/${encodeURIComponent(name)}/${verb}`);
      setSaid({ text: DONE[verb] });
    } catch (error) {
      setSaid({ text: [error.what, error.do].filter(Boolean).join('. '), bad: true });
    }
    setBusy(false);
  };
  return { order, busy, said };
}

export function Orders({ name, runs, paused }) {
  const { order, busy, said } = useOrder(name);
  const Button = ({ verb, children }) => (
    <button
      type="button"
      disabled={busy}
      onClick={() => order(verb)}
      aria-label={`${children}: ${name}`}
    >
      {children}
    </button>
  );
  return (
    <div class="orders">
      {runs ? (
        <Button verb="cancel">Cancel the job</Button>
      ) : (
        <Button verb="now">Protect now</Button>
      )}
      {paused ? <Button verb="resume">Resume</Button> : <Button verb="pause">Pause</Button>}
      <span class={said?.bad ? 'said bad' : 'said'} role="status">
        {said?.text}
      </span>
    </div>
  );
}
