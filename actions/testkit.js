// @ts-check
"use strict";

/**
 * What the tests share: a fake Hasura on a real socket, and a run of an Action that records what it said and did.
 * No Action may require this file: each is deployed as a single file.
 */

const http = require("node:http");

/** @typedef {import("./types").PostLoginEvent} PostLoginEvent */
/** @typedef {import("./types").PostLoginApi} PostLoginApi */
/** @typedef {{method: string, path: string, headers: http.IncomingHttpHeaders, body: any}} Seen */
/** @typedef {{status?: number, headers?: Record<string, string>, body?: unknown, hang?: boolean, drop?: boolean}} Answer */

/**
 * A server that gives `answers` one after another, the last one for ever, and keeps what it was asked.
 * @param {Answer[]} answers a string body is sent as it is, everything else as JSON
 */
async function fakeHasura(...answers) {
  /** @type {Seen[]} */
  const seen = [];
  const server = http.createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const answer = answers[Math.min(seen.length, answers.length - 1)] ?? {};
    seen.push({
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: JSON.parse(text),
    });
    if (answer.hang) return;
    if (answer.drop) return void request.socket.destroy();
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}/v1/graphql`,
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Runs an Action and returns everything that leaves it.
 * @param {(event: PostLoginEvent, api: PostLoginApi) => Promise<void>} action
 * @param {PostLoginEvent} event
 */
async function run(action, event) {
  /** @type {string[]} */
  const denied = [];
  /** @type {Record<string, unknown>} */
  const accessToken = {};
  /** @type {Record<string, unknown>} */
  const idToken = {};
  /** @type {string[]} */
  const logs = [];
  /** @type {PostLoginApi} */
  const api = {
    access: { deny: (reason) => denied.push(reason) },
    accessToken: { setCustomClaim: (name, value) => (accessToken[name] = value) },
    idToken: { setCustomClaim: (name, value) => (idToken[name] = value) },
  };
  const methods = /** @type {const} */ (["log", "info", "warn", "error", "debug"]);
  const originals = methods.map((method) => console[method]);
  for (const method of methods) console[method] = (...parts) => void logs.push(parts.map(String).join(" "));
  try {
    await action(event, api);
  } finally {
    methods.forEach((method, index) => (console[method] = /** @type {typeof console.log} */ (originals[index])));
  }
  return { denied, accessToken, idToken, logs };
}

module.exports = { fakeHasura, run };
