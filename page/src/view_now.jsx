// SPDX-License-Identifier: Apache-2.0
// Now: one row for each resource, a sentence first, and how much of its time is used up.
import { useDocument } from './documents.js';
import { Facts } from './facts.jsx';
import { useNow } from './frame.jsx';
import { JobList } from './job_list.jsx';
import { Awaiting } from './notice.jsx';
import { Orders } from './orders.jsx';
import { link } from './route.js';
import { Strip } from './strip.jsx';
import { useTitle } from './title.js';
import { ago, plural, seconds, size, span } from './words.js';

const TURN = { status: 8, job: 0, decision: 2, point: 0 };

/** What needs the reader's eye; null: nothing. */
function trouble(r, now) {
  const age = seconds(r.point_at) === null ? null : now - seconds(r.point_at);
  if (age !== null && age > r.rpo_seconds) return 'late';
  if (r.state === 'failed' || r.failures > 0) return 'fails';
  return r.at_risk || r.plan?.will_miss ? 'at risk' : null;
}

/** How much of the time that a point may grow old is used up. */
function Used({ resource: r, now }) {
  const at = seconds(r.point_at);
  if (at === null) return <p class="quiet">There is no verified point yet.</p>;
  const share = (now - at) / r.rpo_seconds;
  const next = seconds(r.next_at);
  const nextShare = next === null ? null : (next - at) / r.rpo_seconds;
  const percent = (s) => `${Math.min(100, Math.max(0, s * 100)).toFixed(1)}%`;
  return (
    <div class={share > 1 ? 'used bad' : 'used'}>
      <div
        class="bar"
        role="meter"
        aria-valuemin="0"
        aria-valuemax="100"
        aria-valuenow={Math.min(100, Math.round(share * 100))}
        aria-label={`Age of the newest point of ${r.name}, of what it may be`}
      >
        <i style={{ width: percent(share) }} />
        {nextShare !== null && nextShare <= 1 && (
          <b style={{ left: percent(nextShare) }} title="the next one" />
        )}
      </div>
      <p class="quiet">
        <span>{ago(at, now)}</span>
        <span>at most {span(r.rpo_seconds)}</span>
      </p>
    </div>
  );
}

function Resource({ resource: r, now }) {
  const bad = trouble(r, now);
  const runs = r.state === 'ships' || r.state === 'proves' || Boolean(r.job);
  return (
    <article class={bad ? 'card resource bad' : 'card resource'}>
      <div class="what">
        <h2>
          <a href={link.forecast(r.name)}>{r.name}</a>
          {bad && <span class="badge">{bad}</span>}
          {!bad && runs && <span class="badge calm">{r.state}</span>}
        </h2>
        <p class="sentence">{r.sentence}.</p>
        <p class="links">
          <a href={link.forecast(r.name)}>Forecast</a> <a href={link.why(r.name)}>Why</a>{' '}
          <a href={link.decisions(r.name)}>Jobs</a> <a href={link.data(r.name)}>Points</a>
        </p>
        <Orders name={r.name} runs={runs} paused={r.state === 'paused' || r.paused} />
      </div>
      <div class="state">
        <a class="strip-link" href={link.forecast(r.name)} aria-label={`Forecast of ${r.name}`}>
          <Strip name={r.name} />
        </a>
        <Used resource={r} now={now} />
      </div>
    </article>
  );
}

function Heading({ list, now }) {
  const bad = list.filter((r) => trouble(r, now)).length;
  if (!list.length) return <h1>Nothing is protected yet</h1>;
  return (
    <h1>
      {bad
        ? `${plural(bad, 'resource needs', 'resources need')} your eye`
        : list.length === 1
          ? 'All is well'
          : `All ${list.length} are well`}
    </h1>
  );
}

function Node({ status: s }) {
  const host = s.host;
  const facts = [
    ['node', `${s.node}, ${s.region}`],
    ['up', span(s.uptime)],
    ['processors', host && `${Math.round(host.cpu_share * 100)} %`],
    ['memory free', host && `${size(host.memory_available)} of ${size(host.memory)}`],
    [
      host?.busiest_disk ? `disk ${host.busiest_disk.name}` : 'disk',
      host?.busiest_disk && `${Math.round(host.busiest_disk.busy_share * 100)} % busy`,
    ],
    ['ebb', s.version],
  ].filter(([, value]) => value);
  return (
    <>
      {s.degraded && (
        <p class="failure" role="alert">
          <strong>{s.degraded}</strong>
        </p>
      )}
      <Facts facts={facts} />
    </>
  );
}

function FirstStep() {
  return (
    <section class="card">
      <p>One line protects a folder, from then on:</p>
      <pre tabIndex={0}>
        <code>ebb protect ~/Documents --to /mnt/backup</code>
      </pre>
    </section>
  );
}

export function NowView() {
  const now = useNow();
  const resources = useDocument('resources', TURN);
  const status = useDocument('status', { status: 4 });
  const jobs = useDocument('jobs?limit=8', { job: 0, status: 60 });
  useTitle('Now');
  return (
    <Awaiting document={resources}>
      {({ resources: list }) => (
        <>
          <Heading list={list} now={now} />
          {status.value && <Node status={status.value} />}
          {!list.length && <FirstStep />}
          {list.map((r) => (
            <Resource key={r.name} resource={r} now={now} />
          ))}
          {jobs.value?.jobs.length > 0 && (
            <section>
              <h2>Lately</h2>
              <JobList jobs={jobs.value.jobs} />
              <p class="more">
                <a href={link.decisions()}>All decisions</a>
              </p>
            </section>
          )}
        </>
      )}
    </Awaiting>
  );
}
