// Starts `fanfare simulate` for tests in Node and talks to its control API, and a gateway that sends to it. It needs nothing but Node 20.
//
//     const simulator = await startSimulator();      // in a test file; ends with `await simulator.stop()`
//     const gateway = await startGateway(simulator); // its address is gateway.grpc; ends with `await gateway.stop()`
//     node fanfare-simulator.mjs [FLAG… --] COMMAND… // runs a command beside a simulator
//
// The second form is for clients that take a CA only from NODE_EXTRA_CA_CERTS, which Node reads when it starts. The
// command finds it set, and startSimulator() joins the simulator that runs, so let its test files run one by one.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const START_MS = 20_000;
const END_MS = 20_000;
// Longer than the longest wait for the journal, which is 60 s.
const CALL_MS = 70_000;

/** Starts a simulator with more flags where they are given, or joins the one that this process runs beside. */
export async function startSimulator(flags = []) {
  if (process.env.FANFARE_SIMULATOR) {
    const simulator = new Simulator(process.env.FANFARE_SIMULATOR, null);
    await simulator.reset();
    return simulator;
  }
  const dir = mkdtempSync(join(tmpdir(), 'fanfare-'));
  try {
    return new Simulator(dir, await start(['simulate', '--quiet', '--dir', dir, ...flags], join(dir, 'simulator.json')));
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Starts a gateway that sends to a simulator; its app is called `demo`. `grpc` and `admin` are its addresses. It remembers who
 * failed, so give each test its own.
 */
export async function startGateway(simulator) {
  const ready = simulator.path(`gateway-${gateways++}.json`);
  const words = ['serve', '--config', simulator.path('fanfare.toml'), '--ready-file', ready];
  const child = await start(words, ready, { FANFARE__GRPC__LISTEN: '127.0.0.1:0', FANFARE__ADMIN__LISTEN: '127.0.0.1:0' });
  return { ...JSON.parse(readFileSync(ready, 'utf8')), stop: () => end(child) };
}

let gateways = 0;

/** Starts `fanfare WORDS`. It has started when it has written its facts, which it does in one step. */
async function start(words, facts, variables = {}) {
  const log = openSync(`${facts}.log`, 'w');
  const env = { ...process.env, ...variables };
  const child = spawn(process.env.FANFARE_BIN ?? 'fanfare', words, { stdio: ['ignore', log, log], env });
  let failure = null;
  child.on('error', (error) => (failure = error));
  const deadline = Date.now() + START_MS;
  while (!existsSync(facts)) {
    if (failure || child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`fanfare ${words[0]} did not start: ${failure ?? readFileSync(`${facts}.log`, 'utf8')}`);
    }
    await pause(20);
  }
  return child;
}

/** Ends a process, which lets what is under way be answered. */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(late);
}

export class Simulator {
  #child;

  /**
   * `facts` is simulator.json: addresses, ids, and the tables of fates. `dir` has the clients' files: ca.pem, AuthKey.p8,
   * service-account.json, vapid.pem and subscriptions/NAME.json.
   */
  constructor(dir, child) {
    this.dir = dir;
    this.facts = JSON.parse(this.read('simulator.json'));
    this.#child = child;
  }

  path(name) {
    return join(this.dir, name);
  }

  read(name) {
    return readFileSync(this.path(name), 'utf8');
  }

  /** Ends the process, which lets the requests under way be answered, and removes the folder. */
  async stop() {
    if (!this.#child) return;
    await end(this.#child);
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Calls the control API; the paths and bodies are those of docs/simulator.md. */
  call(method, path, body, query = {}) {
    const url = new URL(path, this.facts.control);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const request = http.request(url, { method, headers, agent: false, timeout: CALL_MS }, (answer) => {
        const pieces = [];
        answer.on('data', (piece) => pieces.push(piece));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(pieces).toString();
          if (answer.statusCode >= 300) reject(new Error(`${method} ${path}: ${text}`));
          else resolve(text ? JSON.parse(text) : null);
        });
      });
      request.on('timeout', () => request.destroy(new Error(`${method} ${path} was not answered within ${CALL_MS} ms`)));
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** All entries that fit `{service, token, apns_id, stage}`, read page by page. */
  async journal(filter = {}) {
    const entries = [];
    let page = { last: 0, more: true };
    while (page.more) {
      page = await this.call('GET', '/v1/journal', undefined, { ...filter, after: page.last, limit: 1000 });
      entries.push(...page.entries);
    }
    return entries;
  }

  /** Waits until so many entries fit, and returns all that do; rejects when the time is over. */
  async wait(count, filter = {}, timeout = '10s') {
    const page = await this.call('GET', '/v1/journal', undefined, { ...filter, wait: count, timeout, limit: 1 });
    if (!page.reached) {
      throw new Error(`the journal has fewer than ${count} entries with ${JSON.stringify(filter)} after ${timeout}`);
    }
    return this.journal(filter);
  }

  clearJournal() {
    return this.call('DELETE', '/v1/journal');
  }

  /** Scripts a fault, as `fault({ refuse: 'unavailable' }, { times: 20 })`; gives its number. */
  async fault(fault, { when = 'always', times = 1 } = {}) {
    return (await this.call('POST', '/v1/faults', { fault, when, times })).id;
  }

  clearFaults() {
    return this.call('DELETE', '/v1/faults');
  }

  /** Sets what becomes of the pushes to a token, as `fate('apns', '0a01', { like: 'dead' })`. */
  fate(service, token, fate) {
    return this.call('PUT', `/v1/fates/${service}/${encodeURIComponent(token)}`, fate);
  }

  /** Moves the clock that judges tokens, as `forward('61m')`. */
  forward(duration) {
    return this.call('POST', '/v1/clock', { forward: duration });
  }

  /** Ends the provider tokens and access tokens that were seen so far; new ones are good. */
  expireTokens() {
    return this.call('POST', '/v1/tokens/expire');
  }

  /** Everything is as it was at the start. */
  reset() {
    return this.call('POST', '/v1/reset');
  }
}

/** Runs a command beside a simulator, and ends with its exit code. */
async function runBeside(words) {
  const split = words.indexOf('--');
  const [flags, command] = split < 0 ? [[], words] : [words.slice(0, split), words.slice(split + 1)];
  if (command.length === 0) throw new Error('usage: fanfare-simulator.mjs [FLAG… --] COMMAND…');
  const simulator = await startSimulator(flags);
  try {
    const env = { ...process.env, FANFARE_SIMULATOR: simulator.dir, NODE_EXTRA_CA_CERTS: simulator.path('ca.pem') };
    const child = spawn(command[0], command.slice(1), { stdio: 'inherit', env });
    process.exitCode = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    await simulator.stop();
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runBeside(process.argv.slice(2));
}
