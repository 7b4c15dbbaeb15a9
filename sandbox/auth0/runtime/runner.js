'use strict';
/*
 * Runs the Actions of triggers, one trigger after the other: node [--permission …] runner.js RESULT_FD
 *
 * In:  lines of JSON on stdin: {trigger, handler, actions: [{name, code, secrets}], event, cache, can_redirect}.
 * Out: lines of JSON on RESULT_FD: {start: i} · {log: i, line} · {done: i, error?, commands, …} · {end, cache}
 *      and {ready} where the process takes another job. Without {end} the run has failed: the tenant names the
 *      Action that was started last.
 *
 * A process is used again only where nothing is left of the run: timers and sockets that stay open, a request that
 * nobody awaited, new globals or listeners, and any failure end it.
 * The process ends when its stdin does: nothing survives a tenant that was killed.
 */
const Module = require('node:module');
const fs = require('node:fs');
const util = require('node:util');
const { createApi } = require('./api.js');

const LOG_LIMIT = 256; // characters that Auth0 keeps of what one Action logs
const CPU_LIMIT = 15e6; // microseconds after which a process is replaced: the kernel ends it at 45 seconds
const resultFd = Number(process.argv[2]);
const writeSync = fs.writeSync;
const exit = process.exit.bind(process);
let current = -1;
let commands = [];
let logged = 0;

function send(message) {
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(resultFd, rest));
  } catch {
    exit(1); // nobody reads any more
  }
}

function describe(error) {
  if (error instanceof Error || (error && typeof error === 'object' && 'message' in error)) {
    const where = String(error.stack ?? '')
      .split('\n')
      .find((line) => line.includes('/action/'));
    return { name: String(error.name ?? 'Error'), message: String(error.message), at: where?.trim() ?? null };
  }
  return { name: 'Error', message: util.format(error), at: null };
}

function finish(error) {
  send({ done: current, error: error ?? null, commands, ended_at: new Date().toISOString() });
}

function abort(error) {
  if (current >= 0) finish(describe(error));
  exit(3);
}

process.on('uncaughtException', abort);
process.on('unhandledRejection', abort);

for (const level of ['log', 'info', 'warn', 'error', 'debug', 'trace']) {
  console[level] = (...values) => {
    if (logged >= LOG_LIMIT || current < 0) return;
    const line = util.format(...values).slice(0, LOG_LIMIT - logged);
    logged += line.length;
    send({ log: current, line });
  };
}

/** Compile an Action as the CommonJS module it is and give its exports. */
function load(action) {
  const filename = `/action/${action.name.replace(/[^\w.-]+/g, '-')}.js`;
  const module = new Module(filename, null);
  module.filename = filename;
  module.paths = []; // no npm module: `require` finds Node's own only
  module._compile(action.code, filename);
  return module.exports;
}

/** Freeze a copy: `event` is read-only for an Action, later Actions see what the state says. */
function eventFor(job, state, action) {
  const event = structuredClone(job.event);
  if (event.user) {
    event.user.app_metadata = structuredClone(state.app_metadata);
    event.user.user_metadata = structuredClone(state.user_metadata);
  }
  if (event.transaction && job.trigger === 'post-login') {
    event.transaction.metadata = structuredClone(state.transaction_metadata);
  }
  event.secrets = { ...action.secrets };
  event.configuration = {};
  return event;
}

async function run(job) {
  const state = {
    denied: false,
    can_redirect: job.can_redirect ?? false,
    cache: job.cache ?? {},
    app_metadata: structuredClone(job.event.user?.app_metadata ?? {}),
    user_metadata: structuredClone(job.event.user?.user_metadata ?? {}),
    transaction_metadata: {},
  };
  for (const [index, action] of job.actions.entries()) {
    current = index;
    commands = [];
    logged = 0;
    send({ start: index, started_at: new Date().toISOString() });
    try {
      const handler = load(action)[job.handler];
      if (typeof handler !== 'function') throw new Error(`exports.${job.handler} is not a function`);
      await handler(eventFor(job, state, action), createApi(job.trigger, state, commands));
    } catch (error) {
      finish(describe(error));
      exit(0);
    }
    finish(null);
    if (state.denied) break;
  }
  current = -1;
  send({ end: true, cache: state.cache });
}

/**
 * Whether the process is as it was before the run. Connections of `fetch` are cut first, at once: those that wait
 * to be used again, and those of a request that nobody awaits.
 */
async function clean() {
  const dispatcher = globalThis[DISPATCHER];
  if (dispatcher) {
    globalThis[DISPATCHER] = new dispatcher.constructor();
    dispatcher.destroy().catch(() => {});
  }
  const used = process.cpuUsage();
  if (used.user + used.system > CPU_LIMIT) return false;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    await new Promise((done) => setTimeout(done, 1)); // a socket takes a moment to close
    const left = process.getActiveResourcesInfo().filter((name) => !baseline.resources.has(name));
    if (left.length === 0) return fingerprint() === baseline.fingerprint;
  }
  return false;
}

function fingerprint() {
  const globals = Object.getOwnPropertyNames(globalThis).join();
  const listeners = process.eventNames().map((name) => `${String(name)}${process.listenerCount(name)}`).join();
  return `${globals}|${listeners}|${Object.keys(process.env).join()}`;
}

async function work(line) {
  const job = JSON.parse(line);
  while (!baseline) await new Promise((done) => setImmediate(done));
  process.stdin.unref(); // an Action whose promise never settles must let Node run out of work
  await run(job);
  if (!(await clean())) exit(0);
  process.stdin.ref();
  busy = false;
  send({ ready: true });
}

let input = '';
let busy = false;
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  input += chunk;
  if (busy || !input.endsWith('\n')) return;
  busy = true;
  const line = input;
  input = '';
  void work(line);
});
process.stdin.on('end', () => exit(busy ? 4 : 0));

// The first fetch loads and compiles Node's HTTP client: done here, while the process waits for its job.
const DISPATCHER = Symbol.for('undici.globalDispatcher.1');
let baseline;
void fetch('data:,warm')
  .then((response) => response.text())
  .then(() => new Promise((done) => setImmediate(done)))
  .then(() => {
    baseline = { resources: new Set(process.getActiveResourcesInfo()), fingerprint: fingerprint() };
    send({ ready: true });
  });
