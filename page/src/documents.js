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
      due: 0,
    });
  return entries.get(path);
}

function show(e) {
  for (const user of e.users) user({ value: e.value, error: e.error });
}

async function fetchInto(path) {
  const e = entry(path);
  const turn = ++e.turn;
  const seen = { value: e.value, error: null };
  e.asked = Date.now();
  try {
    seen.value = await ask(path);
  } catch (error) {
    seen.error = error;
  }
  if (turn !== e.turn) return; // a newer one was asked for, or told
  Object.assign(e, seen);
  show(e);
}

/** Once it is `rest` seconds old; what was to come sooner still does. */
function soon(path, rest) {
  const e = entry(path);
  const now = Date.now();
  const due = Math.max(now + SETTLE_MS, e.asked + rest * 1000);
  if (e.due > now && e.due <= due) return;
  clearTimeout(e.timer);
  e.due = due;
  e.timer = setTimeout(() => {
    if (e.users.size && !document.hidden) fetchInto(path);
  }, due - now);
}

/** A status tells all resources: that document needs no asking. */
function take(data) {
  const e = entries.get('resources');
  if (!e || !data?.resources) return;
  e.turn++;
  Object.assign(e, { value: data, error: null, asked: Date.now() });
  show(e);
}

function changed(type, data) {
  if (type === 'status') take(data);
  for (const [path, e] of entries) {
    if (!e.users.size) {
      entries.delete(path);
      continue;
    }
    const rest = type === 'again' ? 0 : e.on[type];
    if (rest !== undefined) soon(path, rest);
  }
}

listen(changed);

/**
 * { value, error } of a document; `on` says after which events it is fetched again, and how old in
 * seconds it is then at least: { job: 0, status: 60 }. A null path is no document.
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
