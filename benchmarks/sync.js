"use strict";
/*
 * The sync Action's handler and the bare upsert, in turn, in one process on one kept connection each.
 *
 * In:  JSON on stdin: {code, secrets, event, url, headers, body, blocks, runs}.
 * Out: JSON on stdout: {action: [ms…], fetch: [ms…], http: [ms…]}, a median for each block.
 * The bare upsert is the request that the Action sends, prepared beforehand: sent with `fetch`, which is the platform's
 * minimal client, and with Node's plain `http`, which is the fastest.
 */
const http = require("node:http");
const https = require("node:https");
const Module = require("node:module");

const job = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const url = new URL(job.url);
const { request, Agent } = url.protocol === "https:" ? https : http;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const action = new Module("/sync-user.js", null);
action._compile(job.code, "/sync-user.js");

async function runAction() {
  const event = { ...structuredClone(job.event), secrets: job.secrets };
  const began = performance.now();
  let denied;
  await action.exports.onExecutePostLogin(event, { access: { deny: (reason) => (denied = reason) } });
  if (denied) throw new Error(`the Action denied the login: ${denied}`);
  return performance.now() - began;
}

function check(text) {
  if (!JSON.parse(text).data) throw new Error(`the bare upsert was refused: ${text.slice(0, 200)}`);
}

async function byFetch() {
  const began = performance.now();
  const answer = await fetch(url, { method: "POST", headers: job.headers, body: job.body });
  check(await answer.text());
  return performance.now() - began;
}

function byHttp() {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { ...job.headers, "content-length": Buffer.byteLength(job.body) };
    const sent = request(url, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => {
        try {
          check(text);
          resolve(performance.now() - began);
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on("error", reject);
    sent.end(job.body);
  });
}

function median(values) {
  values.sort((one, other) => one - other);
  return (values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2;
}

async function main() {
  console.log = console.error; // what the Action logs is no result
  const sides = { action: runAction, fetch: byFetch, http: byHttp };
  const result = { action: [], fetch: [], http: [] };
  for (let block = -1; block < job.blocks; block += 1) {
    const taken = { action: [], fetch: [], http: [] };
    for (let run = 0; run < job.runs; run += 1) {
      for (const [name, send] of Object.entries(sides)) taken[name].push(await send());
    }
    if (block < 0) continue; // warming up
    for (const name of Object.keys(sides)) result[name].push(median(taken[name]));
  }
  process.stdout.write(JSON.stringify(result));
  agent.destroy();
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
