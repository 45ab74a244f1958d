// SPDX-License-Identifier: Apache-2.0
// What ebbd tells by itself, and whether it is there. The browser repeats Last-Event-ID when it
// connects again; when the connection is refused for good, a new one is begun here. A page that
// nobody sees holds no connection: browsers allow six to a server, and readers open many tabs.
import { useEffect, useState } from 'preact/hooks';

const TYPES = ['status', 'job', 'decision', 'point'];
const AGAIN_MS = 2000;
const listeners = new Set();
let source = null;
let again = 0;
let state = { up: null, since: Date.now() / 1000 }; // up: null while the first answer is awaited

function tell(type, data) {
  for (const on of [...listeners]) on(type, data);
}

function setUp(up) {
  if (state.up === up) return;
  state = { up, since: Date.now() / 1000 };
  tell(up ? 'up' : 'down');
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
  source.onopen = () => setUp(true);
  source.onerror = () => {
    setUp(false);
    if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, AGAIN_MS);
  };
  for (const type of TYPES)
    source.addEventListener(type, (event) => tell(type, document_of(event)));
}

function onVisibility() {
  clearTimeout(again);
  if (!document.hidden) connect();
  else source.close();
}

/** Calls on(type, data) for each event, and for "up" and "down". Gives what ends that. */
export function listen(on) {
  listeners.add(on);
  if (!source) {
    connect();
    document.addEventListener('visibilitychange', onVisibility);
  }
  return () => listeners.delete(on);
}

export function useLive() {
  const [live, setLive] = useState(state);
  useEffect(() => {
    setLive(state); // it may have changed since this was drawn
    return listen((type) => {
      if (type === 'up' || type === 'down') setLive(state);
    });
  }, []);
  return live;
}
