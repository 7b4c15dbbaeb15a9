"use strict";
/*
 * The sync Action's handler and the bare upsert, in turn, in one process on one kept connection each.
 *
 * In:  JSON on stdin: {code, secrets, event, url, headers, body, blocks, runs}.
 * Out: JSON on stdout: {ours: [ms…], theirs: [ms…]}, a median for each block.
 * The bare upsert is the request that the Action sends, prepared beforehand, sent with Node's plain `http`.
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

function bareUpsert() {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { ...job.headers, "content-length": Buffer.byteLength(job.body) };
    const sent = request(url, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => {
        const taken = performance.now() - began;
        if (answer.statusCode === 200 && "data" in JSON.parse(text)) resolve(taken);
        else reject(new Error(`the bare upsert was refused: ${text.slice(0, 200)}`));
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
  for (let run = 0; run < 30; run += 1) await runAction().then(bareUpsert);
  const result = { ours: [], theirs: [] };
  for (let block = 0; block < job.blocks; block += 1) {
    const ours = [];
    const theirs = [];
    for (let run = 0; run < job.runs; run += 1) {
      ours.push(await runAction());
      theirs.push(await bareUpsert());
    }
    result.ours.push(median(ours));
    result.theirs.push(median(theirs));
  }
  process.stdout.write(JSON.stringify(result));
  agent.destroy();
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
