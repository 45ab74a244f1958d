// SPDX-License-Identifier: Apache-2.0
// Data: where it lies, which moments can be had back, and whether that was proved.
import { Chooser } from './choose.jsx';
import { Copy } from './copy.jsx';
import { useDocument } from './documents.js';
import { Facts } from './facts.jsx';
import { useNow } from './frame.jsx';
import { Awaiting } from './notice.jsx';
import { link } from './route.js';
import { Table } from './table.jsx';
import { useTitle } from './title.js';
import { took } from './verdict.js';
import { ago, figure, moment, plural, size } from './words.js';

const FRESH = { point: 0, job: 0, status: 60 };

function tierColumns(now) {
  return [
    { head: 'Where', cell: (t) => <code>{t.where}</code> },
    { head: 'Holds', cell: (t) => <Names of={t.resources} /> },
    { head: 'Newest point', cell: (t) => (t.newest ? ago(t.newest, now) : 'none yet') },
  ];
}

function Names({ of }) {
  return of.map((name, i) => (
    <span key={name}>
      {i > 0 && ', '}
      <a href={link.forecast(name)}>{name}</a>
    </span>
  ));
}

/** A point counts once it was read back: what is listed was. */
function Proved({ point, now }) {
  const at = point.verified;
  return (
    <>
      <i class={at ? 'sign is-good' : 'sign is-running'} aria-hidden="true" />
      {at ? `read back ${ago(at, now)}` : 'not read back yet'}
    </>
  );
}

function pointColumns(now) {
  return [
    { head: 'As of', cell: (p) => <a href={link.point(p.id)}>{moment(p.start, now)}</a> },
    { head: 'Of', cell: (p) => <a href={link.forecast(p.resource)}>{p.resource}</a> },
    { head: 'Proved', cell: (p) => <Proved point={p} now={now} /> },
    { head: 'By job', figure: true, cell: (p) => <a href={link.job(p.job)}>{p.job}</a> },
    { head: 'Read and written', figure: true, cell: (p) => size(p.bytes) },
  ];
}

const VOLUME_COLUMNS = [
  { head: 'Volume', cell: (v) => v.name },
  { head: 'Reads', figure: true, cell: (v) => figure(v.reads_total) },
  { head: 'Writes', figure: true, cell: (v) => figure(v.writes_total) },
  { head: 'Read', figure: true, cell: (v) => size(v.read_bytes_total) },
  { head: 'Written', figure: true, cell: (v) => size(v.written_bytes_total) },
];

/** As `ebb restore` names it: what a folder is called, and the moment when the point was there. */
function restoreLine(p, resource) {
  const source = resource?.path ?? p.resource;
  const name = source.split('/').filter(Boolean).at(-1) ?? p.resource;
  const what = source.startsWith('/') ? name : source;
  return `ebb restore ${what}@${p.end.slice(0, 19)} TARGET --repo ${p.tier ?? 'REPOSITORY'}`;
}

function Point({ point: p, now, resource }) {
  const facts = [
    ['as of', moment(p.start, now)],
    ['read back', p.verified ? moment(p.verified, now) : 'not yet'],
    ['took', took({ started: p.start, ended: p.end })],
    ['read and written', size(p.bytes)],
    ['where', p.tier ?? 'not known'],
  ];
  return (
    <section class="card" aria-label={`Point ${p.id}`}>
      <h2>
        <code>{p.id}</code>
      </h2>
      <Facts facts={facts} />
      <p class="links">
        <a href={link.job(p.job)}>The job that made it</a>
        <a href={link.forecast(p.resource)}>Forecast of {p.resource}</a>
      </p>
      <Copy label="bring it back" text={restoreLine(p, resource)} />
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
  const of = query.resource ? `?resource=${encodeURIComponent(query.resource)}` : '';
  const tiers = useDocument('tiers', FRESH);
  const points = useDocument(`points${of}`, FRESH);
  const volumes = useDocument('volumes', { status: 30 });
  const resources = useDocument('resources', { status: 60 });
  const list = resources.value?.resources ?? [];
  const all = points.value?.points ?? [];
  const chosen = all.find((p) => p.id === query.point);
  useTitle(query.resource ? `Data of ${query.resource}` : 'Data');
  return (
    <>
      <div class="heading">
        <h1>Data</h1>
        <Chooser resources={list} chosen={query.resource} to={link.data} all="all" />
      </div>
      {chosen && (
        <Point point={chosen} now={now} resource={list.find((r) => r.name === chosen.resource)} />
      )}
      {query.point && points.value && !chosen && (
        <p class="failure">There is no point {query.point} among the newest.</p>
      )}
      <Part title="Places" document={tiers}>
        {(value) => <Table label="Places" columns={tierColumns(now)} rows={value.tiers} />}
      </Part>
      <Part
        title="Recovery points"
        document={points}
        about={points.value && `${plural(all.length, 'moment')} can be had back.`}
      >
        {() => (
          <Table
            label="Recovery points, newest first"
            columns={pointColumns(now)}
            rows={all.map((p) => ({ ...p, chosen: p === chosen }))}
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
