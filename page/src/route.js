// SPDX-License-Identifier: Apache-2.0
// Where the page is: permalinks by the hash, so that any of them works from any server.
//
//   #/                         Now
//   #/forecast/NAME            the Forecast of a resource; ?horizon=24h
//   #/decisions                all, newest first; ?resource=NAME
//   #/decisions/job/12         one that became a job
//   #/decisions/resource/NAME  what is wanted of a resource now
//   #/data                     tiers, points, volumes; ?resource=NAME, ?point=ID
import { useEffect, useState } from 'preact/hooks';

const VIEWS = ['now', 'forecast', 'decisions', 'data'];

function decode(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

export function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const words = path.split('/').filter(Boolean).map(decode);
  const view = words[0] ?? 'now';
  return {
    view: VIEWS.includes(view) ? view : 'nowhere',
    words: words.slice(1),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

export const link = {
  now: () => '#/',
  forecast: (name) => (name ? `#/forecast/${encodeURIComponent(name)}` : '#/forecast'),
  decisions: (name) => (name ? `#/decisions?resource=${encodeURIComponent(name)}` : '#/decisions'),
  job: (id) => `#/decisions/job/${id}`,
  why: (name) => `#/decisions/resource/${encodeURIComponent(name)}`,
  data: (name) => (name ? `#/data?resource=${encodeURIComponent(name)}` : '#/data'),
  point: (id) => `#/data?point=${encodeURIComponent(id)}`,
};

export function useRoute() {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const on = () => setRoute(parse(location.hash));
    addEventListener('hashchange', on);
    return () => removeEventListener('hashchange', on);
  }, []);
  return route;
}
