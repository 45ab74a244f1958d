// SPDX-License-Identifier: Apache-2.0
// A real ebbd on loopback, in a folder of its own: two resources are protected, of which one cannot
// be, and its disk has three weeks behind it.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { officeLines } from './office.mjs';

const PATIENCE_MS = 60_000; // for a machine that has much else to do
const HISTORY_DAYS = 21;
const FILE_BYTES = 1 << 20;
const OFFICE_HOUR = 8; // of its time, when the test runs

const freePort = () =>
  new Promise((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });

/** Tries until it is so. */
export async function until(isSo, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await isSo();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(100);
  }
}

/** Hours from UTC to where it is morning now. */
function morning() {
  const hour = new Date().getUTCHours();
  return ((OFFICE_HOUR - hour + 36) % 24) - 12;
}

export class World {
  constructor(ebbd, ebb, page) {
    Object.assign(this, { ebbd, program: ebb, page, offset: morning(), child: null });
    this.root = mkdtempSync(join(tmpdir(), 'ebb-page-'));
    const zone =
      this.offset < 0 ? `<-0${-this.offset}>${-this.offset}` : `<+0${this.offset}>-${this.offset}`;
    this.env = {
      PATH: process.env.PATH,
      HOME: this.root,
      STATE_DIRECTORY: this.path('state'),
      TZ: zone,
    };
    /** The same zone as browsers name it: there, too, the sign is that of POSIX. */
    this.zone = `Etc/GMT${this.offset > 0 ? '-' : '+'}${Math.abs(this.offset)}`;
  }

  path(name) {
    return join(this.root, name);
  }

  ebb(...words) {
    return execFileSync(this.program, words, {
      env: this.env,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async get(path) {
    const answer = await fetch(`${this.url}api/v1/${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  post(path) {
    return fetch(`${this.url}api/v1/${path}`, { method: 'POST' });
  }

  async prepare() {
    for (const name of ['state', 'data']) mkdirSync(this.path(name));
    for (let i = 0; i < 40; i++) writeFileSync(this.path(`data/${i}`), randomBytes(FILE_BYTES));
    this.ebb('repo', 'init', '--repo', this.path('repo'), '--key-file', this.path('key'));
    const to = `to: ${this.path('repo')}, key_file: ${this.path('key')}`;
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}/`;
    const lines = [
      `state: ${this.path('state')}`,
      'loop: {tick: 1s}',
      `http: {listen: "127.0.0.1:${port}", loopback: admin}`,
      'protect:',
      `  documents: {path: ${this.path('data')}, ${to}, rpo: 12h, best_rpo: 2h}`,
      `  gone: {path: ${this.path('gone')}, ${to}, rpo: 6h}`,
    ];
    writeFileSync(this.path('ebb.yaml'), lines.join('\n') + '\n');
    await this.start();
    await this.stop();
    this.remember();
  }

  /** What was before this ebbd: it takes the store of series when no ebbd has it. */
  remember() {
    const now = Math.floor(Date.now() / 1000);
    const lines = officeLines({ now, offset: this.offset * 3600, days: HISTORY_DAYS, disk: 'sdo' });
    writeFileSync(this.path('history.lp'), lines);
    this.ebb('history', 'import', 'influx', this.path('history.lp'), '--state', this.path('state'));
  }

  async start() {
    const log = openSync(this.path('log'), 'a');
    this.child = spawn(this.ebbd, ['--config', this.path('ebb.yaml')], {
      env: this.env,
      stdio: ['ignore', log, log],
    });
    await until(async () => {
      if (this.child.exitCode !== null) throw new Error(`ebbd ended: ${this.log()}`);
      return fetch(`${this.url}readyz`).then(
        (r) => r.ok,
        () => false,
      );
    }, 'ebbd to be ready');
  }

  end(signal) {
    const ended = new Promise((done) => this.child.once('exit', done));
    this.child.kill(signal);
    return ended;
  }

  stop() {
    return this.end('SIGTERM');
  }

  kill() {
    return this.end('SIGKILL');
  }

  log() {
    return readFileSync(this.path('log'), 'utf8');
  }

  jobs(state) {
    return this.get('jobs').then(({ jobs }) => jobs.filter((job) => job.state === state));
  }

  async close() {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null)
      await this.stop();
    rmSync(this.root, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }
}
