// SPDX-License-Identifier: Apache-2.0
// What ebbd tells by itself, and whether it is there. The browser repeats Last-Event-ID when it
// connects again; when the connection is refused for good, a new one is begun here. A page that
// nobody sees holds no connection: browsers allow six to a server, and readers open many tabs.
import { useEffect, useState } from 'preact/hooks';

const TYPES = ['status', 'job', 'decision', 'point'];
const AGAIN_MS = 2000;
const SILENT_MS = 90_000; // a machine that vanished says nothing, and closes nothing either
const listeners = new Set();
let source = null;
let again = 0;
let heard = 0; // when something came last
let state = { up: null, since: Date.now() / 1000 }; // up: null while the first answer is awaited

function tell(type, data) {
  for (const on of [...listeners]) on(type, data);
}

/** "again": what was seen before may be old. "live": whether ebbd is there has changed. */
function setUp(up) {
  if (state.up === up) return;
  const isBack = up && state.up === false;
  state = { up, since: Date.now() / 1000 };
  tell('live');
  if (isBack) tell('again');
}

function document_of(event) {
  try {
    return JSON.parse(event.data);
  } catch {
    return null;
  }
}

function connect() {
  clearTimeout(again);
  source?.close();
  source = new EventSource('api/v1/events');
  heard = Date.now();
  source.onopen = () => setUp(true);
  source.onerror = () => {
    setUp(false);
    if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, AGAIN_MS);
  };
  for (const type of TYPES)
    source.addEventListener(type, (event) => {
      heard = Date.now();
      tell(type, document_of(event));
    });
  source.addEventListener('reset', () => tell('again')); // too much was missed to be repeated
}

function onVisibility() {
  clearTimeout(again);
  if (document.hidden) {
    source.close();
    return;
  }
  connect();
  tell('again');
}

function watchSilence() {
  if (document.hidden || source.readyState === EventSource.CLOSED) return;
  if (Date.now() - heard > SILENT_MS) {
    setUp(false);
    connect();
  }
}

/** Calls on(type, data) for each event, for "live" and "again". Gives what ends that. */
export function listen(on) {
  listeners.add(on);
  if (!source) {
    connect();
    document.addEventListener('visibilitychange', onVisibility);
    setInterval(watchSilence, SILENT_MS / 6);
  }
  return () => listeners.delete(on);
}

export function useLive() {
  const [live, setLive] = useState(state);
  useEffect(() => {
    setLive(state); // it may have changed since this was drawn
    return listen((type) => {
      if (type === 'live') setLive(state);
    });
  }, []);
  return live;
}
