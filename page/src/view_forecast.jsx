// SPDX-License-Identifier: Apache-2.0
// Forecast: when jobs of a resource will run and why, against the load that is foreseen.
import { useEffect, useMemo } from 'preact/hooks';
import { Chooser, Horizon } from './choose.jsx';
import { useDocument } from './documents.js';
import { Heat } from './heat.jsx';
import { LoadChart } from './load.jsx';
import { Awaiting } from './notice.jsx';
import { columns, planSentence } from './outlook.js';
import { link } from './route.js';
import { useTitle } from './title.js';
import { WhatIf, useWhatIf } from './what_if.jsx';
import { measure, seconds } from './words.js';
import { Yesterday } from './yesterday.jsx';

const FRESH = { job: 4, decision: 30, point: 4, status: 60 };
const HORIZONS = ['12h', '24h', '3d', '7d'];

function WeekAndDay({ outlook, write }) {
  const hours = outlook.hours_x_weekdays ?? [];
  return (
    <div class="pair">
      <section>
        <h2>The week</h2>
        <p class="about">The usual load of each hour; deeper is more.</p>
        <Heat hours={hours} write={write} label="The usual load by weekday and hour" />
      </section>
      <section>
        <h2>The last day</h2>
        <p class="about">What was foreseen a day before (dashed), against what came.</p>
        <Yesterday slots={outlook.yesterday ?? []} write={write} />
      </section>
    </div>
  );
}

function Outlook({ resource, outlook }) {
  const course = useMemo(() => columns(outlook), [outlook]);
  const write = measure(outlook.unit);
  const whatIf = useWhatIf(resource.name, resource.rpo_seconds ?? resource.rpo);
  const would =
    whatIf.asked && whatIf.answer.value
      ? whatIf.answer.value.planned.map((p) => ({ ...p, from: seconds(p.from), to: seconds(p.to) }))
      : null;
  return (
    <>
      <p class="lead">
        {planSentence(outlook, course)} <a href={link.why(resource.name)}>Why</a>
      </p>
      <section class="card" aria-label="Load and jobs">
        <LoadChart
          name={resource.name}
          course={course}
          unit={outlook.unit}
          write={write}
          whatIf={would}
        />
      </section>
      <section class="card">
        <h2>What if</h2>
        <WhatIf
          resource={resource}
          planned={outlook.planned ?? []}
          now={course.now}
          whatIf={whatIf}
        />
      </section>
      <WeekAndDay outlook={outlook} write={write} />
    </>
  );
}

function ForecastOf({ resource, resources, horizon }) {
  const path = `resources/${encodeURIComponent(resource.name)}/outlook?horizon=${horizon}`;
  const outlook = useDocument(path, FRESH);
  return (
    <>
      <div class="heading">
        <h1>{resource.name}</h1>
        <Chooser resources={resources} chosen={resource.name} to={link.forecast} />
        <Horizon
          all={HORIZONS}
          chosen={horizon}
          to={(h) => `${link.forecast(resource.name)}?horizon=${h}`}
        />
      </div>
      <Awaiting document={outlook}>
        {(value) => <Outlook resource={resource} outlook={value} />}
      </Awaiting>
    </>
  );
}

export function ForecastView({ words: [name], query }) {
  const resources = useDocument('resources', { status: 30, job: 0, decision: 5, point: 5 });
  const horizon = HORIZONS.includes(query.horizon) ? query.horizon : '24h';
  const list = resources.value?.resources;
  useEffect(() => {
    if (!name && list?.length) history.replaceState(null, '', link.forecast(list[0].name));
  }, [name, list]);
  useTitle(name ? `Forecast of ${name}` : 'Forecast');
  return (
    <Awaiting document={resources}>
      {() => {
        const resource = name ? list.find((r) => r.name === name) : list[0];
        if (resource) {
          return (
            <ForecastOf
              key={resource.name}
              resource={resource}
              resources={list}
              horizon={horizon}
            />
          );
        }
        return (
          <>
            <h1>{name ?? 'Forecast'}</h1>
            <p>
              {name ? 'Nothing of that name is protected.' : 'Nothing is protected yet.'}{' '}
              <a href={link.now()}>Now</a> shows what is.
            </p>
          </>
        );
      }}
    </Awaiting>
  );
}
