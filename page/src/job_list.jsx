// SPDX-License-Identifier: Apache-2.0
// Jobs in rows, newest first; each number leads to its decision.
import { link } from './route.js';
import { Table } from './table.jsx';
import { runs, timely, took } from './verdict.js';
import { moment, price, size } from './words.js';

function Sign({ job }) {
  const bad = timely(job).good === false;
  const word = runs(job) ? 'is-running' : bad ? 'is-bad' : 'is-good';
  return <i class={`sign ${word}`} aria-hidden="true" />;
}

const COLUMNS = [
  { head: 'Job', cell: (job) => <a href={link.job(job.id)}>{job.id}</a> },
  { head: 'Resource', cell: (job) => <a href={link.forecast(job.resource)}>{job.resource}</a> },
  { head: 'Began', cell: (job) => moment(job.started) },
  {
    head: 'Outcome',
    cell: (job) => (
      <>
        <Sign job={job} />
        {job.state}
        {runs(job) ? '' : `, ${timely(job).word}`}
      </>
    ),
  },
  {
    head: 'Took',
    figure: true,
    cell: took,
  },
  { head: 'Read and written', figure: true, cell: (job) => size(job.bytes) },
  { head: 'Price', figure: true, cell: (job) => price(job.price) },
];

export function JobList({ jobs, chosen }) {
  return (
    <Table
      label="Jobs, newest first"
      columns={COLUMNS}
      empty="No job has run yet."
      rows={jobs.map((job) => ({ ...job, chosen: job.id === chosen }))}
    />
  );
}
