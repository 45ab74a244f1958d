// SPDX-License-Identifier: Apache-2.0
// The documents of the API: fetched once for all who look at them, again when an event says that
// they have changed, and kept as they were while ebbd is away.
import { useEffect, useState } from 'preact/hooks';
import { listen } from './live.js';

const BASE = 'api/v1/';
const SETTLE_MS = 250; // several events in a row are one change
const entries = new Map();

/** What an answer that is an error says. */
async function failure(response) {
  try {
    const { error } = await response.json();
    return { what: error.what, do: error.do, status: response.status };
  } catch {
    return { what: `ebbd answered ${response.status}`, status: response.status };
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(BASE + path, { headers: { accept: 'application/json' }, ...options });
  } catch {
    throw { what: 'ebbd does not answer', do: 'This page tries again by itself.', away: true };
  }
  if (!response.ok) throw await failure(response);
  return response.json();
}

/** An order: `post('resources/data/now')`. Throws { what, do }. */
export const post = (path) => ask(path, { method: 'POST' });

function entry(path) {
  if (!entries.has(path))
    entries.set(path, {
      value: null,
      error: null,
      users: new Set(),
      on: {},
      timer: 0,
      turn: 0,
      asked: 0,
    });
  return entries.get(path);
}

async function fetchInto(path) {
  const e = entry(path);
  const turn = ++e.turn;
  e.asked = Date.now();
  try {
    const value = await ask(path);
    if (turn !== e.turn) return;
    Object.assign(e, { value, error: null });
  } catch (error) {
    if (turn !== e.turn) return;
    e.error = error;
  }
  for (const user of e.users) user({ value: e.value, error: e.error });
}

function soon(path) {
  const e = entry(path);
  clearTimeout(e.timer);
  e.timer = setTimeout(() => fetchInto(path), SETTLE_MS);
}

function changed(type) {
  for (const [path, e] of entries) {
    if (!e.users.size) {
      entries.delete(path);
      continue;
    }
    const rest = e.on[type]; // how old it must be, in seconds, for that event to matter
    const old = rest !== undefined && Date.now() - e.asked >= rest * 1000;
    if (type === 'up' || (old && !document.hidden)) soon(path);
  }
}

listen((type) => type !== 'down' && changed(type));
document.addEventListener('visibilitychange', () => !document.hidden && changed('up'));

/**
 * { value, error } of a document; `on` says after which events it is fetched again when it is so
 * many seconds old: { job: 0, status: 60 }. A null path is no document.
 */
export function useDocument(path, on = {}) {
  const [seen, setSeen] = useState({ path: null, value: null, error: null });
  useEffect(() => {
    if (!path) return undefined;
    const e = entry(path);
    const user = (now) => setSeen({ path, ...now });
    e.users.add(user);
    e.on = on;
    if (e.value) user(e);
    fetchInto(path);
    return () => e.users.delete(user);
  }, [path]);
  return seen.path === path ? seen : { value: null, error: null };
}
