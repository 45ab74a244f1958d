// SPDX-License-Identifier: Apache-2.0
// Decisions: what was chosen and what nearly was, on which facts, what came of it, was it right.
import { Chooser } from './choose.jsx';
import { Copy } from './copy.jsx';
import { useDocument } from './documents.js';
import { Facts } from './facts.jsx';
import { useNow } from './frame.jsx';
import { JobList } from './job_list.jsx';
import { Awaiting } from './notice.jsx';
import { link } from './route.js';
import { useTitle } from './title.js';
import { took, verdict } from './verdict.js';
import { localised, takeApart } from './why_text.js';
import { figure, moment, price, size, span } from './words.js';

const NO_OTHER = 'No other choice came near.';

/** A job that the planner did not want yet began because a person did. */
const ASKED = /: (wait|hold)\b/;

function Choice({ told, now, became }) {
  const words = (text) => localised(text, now);
  return (
    <div class="pair choice">
      <section class="card chosen">
        <h2>Chosen</h2>
        <p class="lead">{words(told.head)}</p>
        {told.facts.map((fact) => (
          <p key={fact}>{words(fact)}</p>
        ))}
        {became && ASKED.test(told.head) && <p>It began all the same: a point was asked for.</p>}
      </section>
      <section class="card">
        <h2>Runner-up</h2>
        <p>{told.otherwise ? words(told.otherwise) : NO_OTHER}</p>
        {told.changes && (
          <>
            <h3>What would change it</h3>
            <p>{words(told.changes)}</p>
          </>
        )}
        {told.remedy && (
          <>
            <h3>What to do</h3>
            <p>{words(told.remedy)}</p>
          </>
        )}
      </section>
    </div>
  );
}

function Inputs({ told, now }) {
  return (
    <section class="card">
      <h2>On these facts</h2>
      <ul class="because">
        {told.because.map((line) => (
          <li key={line}>{localised(line, now)}</li>
        ))}
      </ul>
    </section>
  );
}

function Outcome({ job, now }) {
  const facts = [
    ['state', job.state],
    ['began', moment(job.started, now)],
    ['took', took(job) || 'still under way'],
    ['due', job.late_after ? moment(job.late_after, now) : 'no deadline'],
    ['read and written', size(job.bytes)],
    ['disk time, expected', job.work ? span(job.work) : 'not known'],
    ['disk time, taken', span(job.took)],
    ['price', price(job.price)],
    ['harm to others', figure(job.harm)],
  ];
  return (
    <section class="card">
      <h2>What came of it</h2>
      <ul class="verdicts" aria-label="Was it right">
        {verdict(job, now).map((v) => (
          <li key={v.word} class={v.good === false ? 'bad' : v.good ? 'good' : undefined}>
            <i
              class={`sign ${v.good === false ? 'is-bad' : v.good ? 'is-good' : 'is-running'}`}
              aria-hidden="true"
            />
            {v.word}
          </li>
        ))}
      </ul>
      <Facts facts={facts} />
    </section>
  );
}

function Elsewhere({ command }) {
  return (
    <section class="elsewhere" aria-label="The same elsewhere">
      <Copy label="on the command line" text={command} />
      <Copy label="this page" text={location.href} />
    </section>
  );
}

function Why({ document, now, became, children }) {
  return (
    <Awaiting document={document}>
      {(why) => {
        const told = takeApart(why.text);
        return (
          <>
            <Choice told={told} now={now} became={became} />
            <Inputs told={told} now={now} />
            {children}
          </>
        );
      }}
    </Awaiting>
  );
}

function JobDecision({ id }) {
  const now = useNow(10_000);
  const job = useDocument(`jobs/${id}`, { job: 0 });
  const why = useDocument(`jobs/${id}/why`, {});
  useTitle(`Job ${id}`);
  return (
    <>
      <p class="crumbs">
        <a href={link.decisions()}>Decisions</a>
      </p>
      <Awaiting document={job}>
        {(one) => (
          <>
            <h1>
              Job {one.id} of <a href={link.forecast(one.resource)}>{one.resource}</a>
            </h1>
            <Outcome job={one} now={now} />
            <Why document={why} now={now} became />
            <p class="links">
              <a href={link.forecast(one.resource)}>Forecast of {one.resource}</a>{' '}
              <a href={link.decisions(one.resource)}>Its other jobs</a>{' '}
              <a href={link.data(one.resource)}>Its points</a>
            </p>
          </>
        )}
      </Awaiting>
      <Elsewhere command={`ebb job why ${id}`} />
    </>
  );
}

function ResourceDecision({ name }) {
  const now = useNow(10_000);
  const why = useDocument(`resources/${encodeURIComponent(name)}/why`, {
    decision: 0,
    job: 0,
    status: 30,
  });
  useTitle(`Why ${name}`);
  return (
    <>
      <p class="crumbs">
        <a href={link.decisions()}>Decisions</a>
      </p>
      <h1>
        What is wanted of <a href={link.forecast(name)}>{name}</a> now
      </h1>
      <Why document={why} now={now}>
        <p class="links">
          <a href={link.forecast(name)}>Forecast of {name}</a>{' '}
          <a href={link.decisions(name)}>Its jobs</a> <a href={link.data(name)}>Its points</a>
        </p>
      </Why>
      <Elsewhere command={`ebb job why ${name}`} />
    </>
  );
}

function Wanted({ resources }) {
  if (!resources.length) return null;
  return (
    <section>
      <h2>Wanted now</h2>
      <ul class="wanted">
        {resources.map((r) => (
          <li key={r.name}>
            <a href={link.why(r.name)}>{r.name}</a> {r.sentence}.
          </li>
        ))}
      </ul>
    </section>
  );
}

function All({ resource }) {
  const query = resource ? `?resource=${encodeURIComponent(resource)}` : '';
  const jobs = useDocument(`jobs${query}`, { job: 0, status: 60 });
  const resources = useDocument('resources', { decision: 2, job: 0, status: 30 });
  const list = resources.value?.resources ?? [];
  useTitle(resource ? `Decisions for ${resource}` : 'Decisions');
  return (
    <>
      <div class="heading">
        <h1>Decisions</h1>
        <Chooser resources={list} chosen={resource} to={link.decisions} all="all" />
      </div>
      <Wanted resources={list.filter((r) => !resource || r.name === resource)} />
      <section>
        <h2>Taken</h2>
        <Awaiting document={jobs}>{(value) => <JobList jobs={value.jobs} />}</Awaiting>
      </section>
      <Elsewhere command={resource ? `ebb job ls ${resource}` : 'ebb job ls'} />
    </>
  );
}

export function DecisionsView({ words: [kind, id], query }) {
  if (kind === 'job' && id) return <JobDecision key={id} id={encodeURIComponent(id)} />;
  if (kind === 'resource' && id) return <ResourceDecision key={id} name={id} />;
  return <All resource={query.resource} />;
}
