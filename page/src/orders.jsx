// SPDX-License-Identifier: Apache-2.0
// What a reader may order of a resource, and what came of the order.
import { useState } from 'preact/hooks';
import { Copy } from './copy.jsx';
import { post } from './documents.js';

const DONE = {
  now: 'Asked for. It begins within a turn.',
  cancel: 'Told to end. The next one goes on from what is stored.',
  pause: 'Paused. Nothing new begins.',
  resume: 'Goes on.',
};

/** For whom may only look at the page: the machine itself knows who he is. */
const COMMANDS = { now: 'ebb job now', cancel: 'ebb job cancel' };

const sentences = (error) =>
  [error.what, error.do]
    .filter(Boolean)
    .map((text) => `${text}.`)
    .join(' ');

function useOrder(name) {
  const [said, setSaid] = useState(null);
  const [busy, setBusy] = useState(false);
  const order = async (verb) => {
    setBusy(true);
    try {
      await post(`resources/${encodeURIComponent(name)}/${verb}`);
      setSaid({ text: DONE[verb] });
    } catch (error) {
      const mayNot = error.status === 401 || error.status === 403;
      setSaid({ text: sentences(error), bad: true, command: mayNot && COMMANDS[verb] });
    }
    setBusy(false);
  };
  return { order, busy, said };
}

/** Says what it is for where its words alone do not; keeps the focus while it is busy. */
function OrderButton({ verb, name, order, busy, children }) {
  return (
    <button
      type="button"
      aria-disabled={busy}
      onClick={() => busy || order(verb)}
      aria-label={`${children}: ${name}`}
    >
      {children}
    </button>
  );
}

export function Orders({ name, runs, paused }) {
  const { order, busy, said } = useOrder(name);
  const given = { name, order, busy };
  const [verb, words] = runs ? ['cancel', 'Cancel the job'] : ['now', 'Protect now'];
  const [other, otherWords] = paused ? ['resume', 'Resume'] : ['pause', 'Pause'];
  return (
    <div class="orders">
      <OrderButton key={verb} verb={verb} {...given}>
        {words}
      </OrderButton>
      <OrderButton key={other} verb={other} {...given}>
        {otherWords}
      </OrderButton>
      <span class={said?.bad ? 'said bad' : 'said'} role="status">
        {said?.text}
      </span>
      {said?.command && <Copy label="on the machine" text={`${said.command} ${name}`} />}
    </div>
  );
}
