// SPDX-License-Identifier: Apache-2.0
// Data: where it lies, which moments can be had back, and whether that was proved.
import { Chooser } from './choose.jsx';
import { Copy } from './copy.jsx';
import { useDocument } from './documents.js';
import { useNow } from './frame.jsx';
import { Awaiting } from './notice.jsx';
import { link } from './route.js';
import { Table } from './table.jsx';
import { useTitle } from './title.js';
import { ago, moment, plural, seconds, size, span } from './words.js';

const FRESH = { point: 0, job: 0, status: 60 };
const CLASSES = ['hot', 'warm', 'cold', 'offsite'];
const percent = (x) => (typeof x === 'number' ? `${Math.round(x * 100)} %` : '');

function tierColumns(now) {
  return [
    { head: 'Tier', cell: (t) => t.name },
    {
      head: 'Class',
      cell: (t) => (typeof t.class === 'number' ? (CLASSES[t.class] ?? t.class) : (t.class ?? '')),
    },
    { head: 'Where', cell: (t) => <code>{t.url ?? t.where ?? t.to ?? t.path ?? ''}</code> },
    { head: 'Points', figure: true, cell: (t) => t.points ?? '' },
    {
      head: 'Newest',
      cell: (t) => ((t.newest ?? t.newest_point) ? ago(t.newest ?? t.newest_point, now) : 'none'),
    },
    { head: 'Stored', figure: true, cell: (t) => size(t.bytes) },
    { head: 'Full', figure: true, cell: (t) => percent(t.used) },
  ];
}

function provedWords(p, now) {
  if (p.broken)
    return (
      <span class="bad">
        <i class="sign is-bad" aria-hidden="true" />
        damaged
      </span>
    );
  const at = p.verified ?? p.verified_at ?? p.proved_at;
  if (at)
    return (
      <>
        <i class="sign is-good" aria-hidden="true" />
        {at === true ? 'read back' : `read back ${ago(at, now)}`}
      </>
    );
  return p.suspicious ? <span class="bad">suspicious</span> : 'not yet';
}

function pointColumns(now, resourceOf) {
  return [
    {
      head: 'Point',
      cell: (p) => (
        <a href={link.point(p.id)}>
          <code>{p.id.slice(0, 8)}</code>
        </a>
      ),
    },
    {
      head: 'Of',
      cell: (p) => {
        const name = resourceOf(p);
        return name ? <a href={link.forecast(name)}>{name}</a> : p.resource;
      },
    },
    { head: 'As of', cell: (p) => moment(p.start ?? p.at, now) },
    { head: 'Kind', cell: (p) => `${p.kind}${p.held ? ', held' : ''}` },
    { head: 'Holds', figure: true, cell: (p) => size(p.source_bytes) },
    { head: 'Added', figure: true, cell: (p) => size(p.written_bytes) },
    { head: 'Proved', cell: (p) => provedWords(p, now) },
  ];
}

const VOLUME_COLUMNS = [
  { head: 'Volume', cell: (v) => v.name },
  { head: 'Size', figure: true, cell: (v) => size(v.size) },
  { head: 'Filled', figure: true, cell: (v) => size(v.used ?? v.allocated) },
  {
    head: 'Snapshots',
    figure: true,
    cell: (v) => (Array.isArray(v.snapshots) ? v.snapshots.length : (v.snapshots ?? '')),
  },
  { head: 'In use by', figure: true, cell: (v) => v.clients ?? '' },
  { head: 'State', cell: (v) => v.state ?? 'well' },
];

function Point({ point: p, now, name }) {
  const facts = [
    ['as of', moment(p.start, now)],
    ['took', span(seconds(p.end) - seconds(p.start))],
    ['kind', p.kind],
    ['entries', p.entries],
    ['holds', size(p.source_bytes)],
    ['read', size(p.read_bytes)],
    ['added', size(p.written_bytes)],
    ['host', p.host],
    ['path', p.path],
  ].filter(([, value]) => value !== undefined && value !== null);
  return (
    <section class="card" aria-label={`Point ${p.id}`}>
      <h2>
        Point <code>{p.id.slice(0, 8)}</code>
        {name && (
          <>
            {' '}
            of <a href={link.forecast(name)}>{name}</a>
          </>
        )}
      </h2>
      <p>{provedWords(p, now)}</p>
      <dl class="facts">
        {facts.map(([word, value]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Copy label="bring it back" text={`ebb restore ${p.id.slice(0, 8)} TARGET`} />
    </section>
  );
}

function Part({ title, about, document, children }) {
  return (
    <section>
      <h2>{title}</h2>
      {about && <p class="about">{about}</p>}
      <Awaiting document={document}>{children}</Awaiting>
    </section>
  );
}

export function DataView({ query }) {
  const now = useNow(10_000);
  const tiers = useDocument('tiers', FRESH);
  const points = useDocument(
    query.resource ? `points?resource=${encodeURIComponent(query.resource)}` : 'points',
    FRESH,
  );
  const volumes = useDocument('volumes', { status: 30 });
  const resources = useDocument('resources', { status: 60 });
  const list = resources.value?.resources ?? [];
  const nameOf = (p) =>
    list.find((r) => r.name === p.resource || (r.path && r.path === p.path))?.name;
  useTitle(query.resource ? `Data of ${query.resource}` : 'Data');
  const chosen = points.value?.points.find((p) => p.id.startsWith(query.point ?? '-'));
  return (
    <>
      <div class="heading">
        <h1>Data</h1>
        <Chooser resources={list} chosen={query.resource} to={link.data} all="all" />
      </div>
      {query.point &&
        points.value &&
        (chosen ? (
          <Point point={chosen} now={now} name={nameOf(chosen)} />
        ) : (
          <p class="failure">There is no point {query.point}.</p>
        ))}
      <Part title="Tiers" document={tiers}>
        {(value) => (
          <Table
            label="Tiers"
            columns={tierColumns(now)}
            rows={value.tiers}
            empty="No tier is known."
          />
        )}
      </Part>
      <Part
        title="Recovery points"
        document={points}
        about={points.value && `${plural(points.value.points.length, 'moment')} can be had back.`}
      >
        {(value) => (
          <Table
            label="Recovery points, newest first"
            columns={pointColumns(now, nameOf)}
            rows={value.points
              .slice()
              .reverse()
              .map((p) => ({ ...p, chosen: p === chosen }))}
            empty="There is no point yet."
          />
        )}
      </Part>
      <Part title="Volumes" document={volumes}>
        {(value) => (
          <Table
            label="Volumes"
            columns={VOLUME_COLUMNS}
            rows={value.volumes}
            empty="No volume is served on this node."
          />
        )}
      </Part>
    </>
  );
}
