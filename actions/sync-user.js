// @ts-check
"use strict";

/**
 * sync-user: whoever logs in to one of our applications has an up-to-date row in the users table before a token is
 * issued.
 *
 * Auth0 runs every bound Action for every application of the tenant, at each login, silent authentication and
 * refresh-token exchange. This one leaves at once unless the application is ours; then it sends one upsert to Hasura,
 * waits for the answer, and believes it only when HTTP status, `errors` and `affected_rows` all say that the database
 * took it.
 *
 * | secret                        | value |
 * | ----------------------------- | ----- |
 * | `HASURA_GRAPHQL_URL`          | full URL of /v1/graphql; https, or http on this machine |
 * | `HASURA_GRAPHQL_ADMIN_SECRET` | travels with `x-hasura-role`: the request holds that role's rights alone |
 * | `CLIENT_IDS`                  | our applications' client ids, separated by commas |
 * | `SYNC`                        | JSON, see below |
 *
 * `SYNC`: `table` (GraphQL root field), `constraint` (unique, on `key`), `key` (column of the Auth0 user id),
 * `columns` (column ← path into the event such as `user.user_metadata.city`, a list of paths of which the first
 * present one counts, or `now`; null where absent), `guard` (column of the profile's age), `role`, `onFailure`
 * (`deny` | `allow`), `timeoutMs` (default 4000), `onRefreshTokenExchange` (default true: whoever holds a token has a
 * row).
 *
 * Why so:
 * - One `ON CONFLICT` statement, because parallel first logins make read-then-insert fail. It names every synced
 *   column: Hasura's tutorial sends `update_columns: []`, which means DO NOTHING, and its rows never change again.
 * - Older never overwrites newer: the role's update filter compares `guard` with the header
 *   `x-hasura-profile-updated-at`. 0 affected rows therefore is success: a newer profile is stored. A profile without
 *   `updated_at` has an unknown age: it is sent as the epoch and stores null, so it can make a row, but replaces no
 *   dated one.
 * - Wrong settings deny the login (whatever `onFailure` says: it may be what is wrong), and the log names the secret.
 *   Only a missing `CLIENT_IDS` does not: without it nobody can tell our logins from those of the tenant's others.
 * - Log lines carry Hasura's error code and path, never its message (`Key (email)=(x@y) already exists`), and stay
 *   below the 256 characters that Auth0 keeps. The reference in a denial is the one in the log line.
 */

/** @typedef {import("./types").PostLoginEvent} PostLoginEvent */
/** @typedef {import("./types").PostLoginApi} PostLoginApi */
/** @typedef {import("./types").Sync} Sync */

const UNKNOWN_AGE = "1970-01-01T00:00:00.000Z";
const GRAPHQL_NAME = /^[_A-Za-z][_0-9A-Za-z]*$/;
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** The whole trigger has 20 s (Auth0's limit), which all its Actions share. */
const MAX_TIMEOUT_MS = 15_000;
const RETRY_PAUSE_MS = 100;
/** What a path may start with. `secrets` is not among them. */
const ROOTS = new Set([
  "authentication", "authorization", "client", "connection", "organization", "request", "resource_server",
  "session", "stats", "tenant", "transaction", "user",
]);
/** What to look at, by Hasura's error code. @type {Record<string, string>} */
const HINTS = {
  "access-denied": "check HASURA_GRAPHQL_ADMIN_SECRET",
  "constraint-violation": "another row holds a value that must be unique",
  "permission-error": "the role's permission check refused the row",
  "validation-failed": "table, constraint, column or role of SYNC is unknown to Hasura",
};

/** A failure whose message is fit for the log: it holds no value of a user or a secret. */
class SyncError extends Error {
  /**
   * @param {string} message
   * @param {{retryAfterMs?: number}} [options] `retryAfterMs` is set where sending again may help
   */
  constructor(message, { retryAfterMs } = {}) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

class ConfigurationError extends Error {}

/** @param {PostLoginEvent} event @param {PostLoginApi} api */
exports.onExecutePostLogin = async (event, api) => {
  const clientIds = list(event.secrets.CLIENT_IDS);
  if (clientIds.length === 0) {
    console.log("sync-user: the secret CLIENT_IDS is missing; nobody is synced");
    return;
  }
  if (!clientIds.includes(event.client?.client_id)) return;

  let onFailure = "deny";
  try {
    const sync = parseSync(event.secrets.SYNC);
    if (!sync.onRefreshTokenExchange && event.transaction?.protocol === "oauth2-refresh-token") return;
    const target = parseTarget(event.secrets, sync, isoDate(event.user.updated_at));
    onFailure = sync.onFailure;
    await upsert(target, buildRequest(event, sync), sync);
  } catch (error) {
    const reference = crypto.randomUUID().slice(0, 8);
    console.log(`sync-user ${reference}: ${reasonOf(error)}`.slice(0, 256));
    if (onFailure === "deny") {
      api.access.deny(`We could not prepare your account. Please try again in a minute. (Reference: ${reference})`);
    }
  }
};

// Settings --------------------------------------------------------------------------------------------------

/** @param {string | undefined} text @returns {string[]} */
function list(text) {
  return (text ?? "").split(",").map((item) => item.trim()).filter(Boolean);
}

/** @param {string | undefined} text @returns {Sync} @throws {ConfigurationError} */
function parseSync(text) {
  if (!text) throw new ConfigurationError("the secret SYNC is missing");
  let raw;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new ConfigurationError("the secret SYNC is not valid JSON");
  }
  if (!isRecord(raw)) throw new ConfigurationError("the secret SYNC must be a JSON object");
  /** @type {any} */
  const sync = { timeoutMs: 4000, onRefreshTokenExchange: true, onFailure: "deny", ...raw };
  for (const name of ["table", "constraint", "key", "guard"]) {
    if (!isName(sync[name])) throw new ConfigurationError(`SYNC.${name} must be a GraphQL name`);
  }
  if (!isRecord(sync.columns)) throw new ConfigurationError("SYNC.columns must be an object of column: path");
  for (const [column, source] of Object.entries(sync.columns)) {
    if (!isName(column)) throw new ConfigurationError("SYNC.columns: every column must be a GraphQL name");
    const paths = Array.isArray(source) ? source : [source];
    if (paths.length === 0 || !paths.every(isPath)) {
      throw new ConfigurationError(`SYNC.columns.${column} must be "now" or paths such as "user.email"`);
    }
  }
  if (typeof sync.role !== "string" || !/^[!-~]+$/.test(sync.role)) {
    throw new ConfigurationError("SYNC.role must be the name of a Hasura role");
  }
  if (sync.onFailure !== "deny" && sync.onFailure !== "allow") {
    throw new ConfigurationError("SYNC.onFailure must be deny or allow");
  }
  if (!Number.isInteger(sync.timeoutMs) || sync.timeoutMs < 1 || sync.timeoutMs > MAX_TIMEOUT_MS) {
    throw new ConfigurationError(`SYNC.timeoutMs must be a whole number from 1 to ${MAX_TIMEOUT_MS}`);
  }
  if (typeof sync.onRefreshTokenExchange !== "boolean") {
    throw new ConfigurationError("SYNC.onRefreshTokenExchange must be true or false");
  }
  return /** @type {Sync} */ (sync);
}

/**
 * Where the upsert goes, and under which rights.
 * @param {PostLoginEvent["secrets"]} secrets @param {Sync} sync @param {string | null} updatedAt
 * @returns {{url: URL, headers: Headers}} @throws {ConfigurationError}
 */
function parseTarget(secrets, sync, updatedAt) {
  for (const name of ["HASURA_GRAPHQL_URL", "HASURA_GRAPHQL_ADMIN_SECRET"]) {
    if (!secrets[name]) throw new ConfigurationError(`the secret ${name} is missing`);
  }
  const url = URL.parse(secrets.HASURA_GRAPHQL_URL ?? "");
  const secure = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.has(url.hostname));
  if (!url || !secure) {
    throw new ConfigurationError("the secret HASURA_GRAPHQL_URL must be an https URL: the admin secret travels there");
  }
  try {
    const headers = new Headers({
      "content-type": "application/json",
      "x-hasura-admin-secret": secrets.HASURA_GRAPHQL_ADMIN_SECRET ?? "",
      "x-hasura-role": sync.role,
      "x-hasura-profile-updated-at": updatedAt ?? UNKNOWN_AGE,
    });
    return { url, headers };
  } catch {
    // The message of Headers quotes the value.
    throw new ConfigurationError("the secret HASURA_GRAPHQL_ADMIN_SECRET has characters that no HTTP header carries");
  }
}

/** @param {unknown} value @returns {value is string} */
function isName(value) {
  return typeof value === "string" && GRAPHQL_NAME.test(value);
}

/** @param {unknown} value */
function isPath(value) {
  if (typeof value !== "string") return false;
  const [root = "", ...rest] = value.split(".");
  return value === "now" || (ROOTS.has(root) && rest.length > 0 && rest.every(Boolean));
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// The profile -----------------------------------------------------------------------------------------------

/**
 * The GraphQL request: names come from the (checked) settings, values travel as variables only.
 * @param {PostLoginEvent} event @param {Sync} sync @returns {string}
 */
function buildRequest(event, sync) {
  /** @type {Record<string, unknown>} */
  const object = {};
  for (const [column, source] of Object.entries(sync.columns)) object[column] = valueOf(event, source);
  object[sync.guard] = isoDate(event.user.updated_at);
  object[sync.key] = event.user.user_id;
  const columns = Object.keys(object).filter((column) => column !== sync.key);
  const { table, constraint } = sync;
  const query =
    `mutation($object: ${table}_insert_input!, $columns: [${table}_update_column!]!) { ` +
    `insert_${table}(objects: [$object], on_conflict: {constraint: ${constraint}, update_columns: $columns}) ` +
    `{ affected_rows } }`;
  return JSON.stringify({ query, variables: { object, columns } });
}

/**
 * The first present value among the paths, or null.
 * @param {PostLoginEvent} event @param {string | string[]} source @returns {unknown}
 */
function valueOf(event, source) {
  for (const path of Array.isArray(source) ? source : [source]) {
    const value = path === "now" ? new Date() : lookup(event, path);
    if (value instanceof Date) return isoDate(value);
    if (value !== undefined && value !== null) return value;
  }
  return null;
}

/**
 * Own properties only: a profile's fields are other people's data.
 * @param {unknown} root @param {string} path @returns {unknown}
 */
function lookup(root, path) {
  /** @type {any} */
  let value = root;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/**
 * One form for what Auth0 hands over as string or Date; null where it is no date.
 * @param {unknown} value @returns {string | null}
 */
function isoDate(value) {
  if (typeof value !== "string" && !(value instanceof Date)) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

// The wire --------------------------------------------------------------------------------------------------

/**
 * Sends the upsert, at most twice (it is idempotent), and not a moment longer than `timeoutMs` for everything.
 * @param {{url: URL, headers: Headers}} target @param {string} body @param {Sync} sync @throws {SyncError}
 */
async function upsert(target, body, { table, timeoutMs }) {
  const deadline = Date.now() + timeoutMs;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await attempt(target, body, table, signal);
  } catch (error) {
    if (!(error instanceof SyncError) || error.retryAfterMs === undefined) throw error;
    if (Date.now() + error.retryAfterMs >= deadline) throw error;
    await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    return await attempt(target, body, table, signal);
  }
}

/**
 * @param {{url: URL, headers: Headers}} target @param {string} body @param {string} table @param {AbortSignal} signal
 * @throws {SyncError}
 */
async function attempt({ url, headers }, body, table, signal) {
  let response;
  let text;
  try {
    // Redirects are not followed: they would carry the admin secret to a place nobody configured.
    response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    text = await response.text();
  } catch (error) {
    if (signal.aborted) throw new SyncError("Hasura did not answer in time");
    throw new SyncError(`Hasura could not be reached (${networkCode(error)})`, { retryAfterMs: pause() });
  }
  if (response.status === 429 || response.status >= 500) {
    const retryAfterMs = retryAfter(response.headers) ?? pause();
    throw new SyncError(`Hasura answered HTTP ${response.status}`, { retryAfterMs });
  }
  if (response.status >= 300 && response.status < 400) {
    throw new SyncError(`HASURA_GRAPHQL_URL redirects (HTTP ${response.status}); set it to the final URL of /v1/graphql`);
  }
  /** @type {any} */
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    const hint = "HASURA_GRAPHQL_URL must be Hasura's /v1/graphql";
    throw new SyncError(`Hasura answered HTTP ${response.status} without JSON; ${hint}`);
  }
  // Hasura reports GraphQL errors as HTTP 200: the status alone proves nothing.
  if (answer?.errors !== undefined) throw new SyncError(graphqlReason(answer.errors));
  if (!response.ok) throw new SyncError(`Hasura answered HTTP ${response.status}`);
  if (!Number.isInteger(answer?.data?.[`insert_${table}`]?.affected_rows)) {
    throw new SyncError("Hasura's answer lacks affected_rows; HASURA_GRAPHQL_URL must be Hasura's /v1/graphql");
  }
}

function pause() {
  return RETRY_PAUSE_MS + Math.random() * RETRY_PAUSE_MS;
}

/** Milliseconds, from seconds or an HTTP date. @param {Headers} headers @returns {number | undefined} */
function retryAfter(headers) {
  const value = headers.get("retry-after");
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** @param {any} error @returns {string} `ECONNREFUSED`, `UND_ERR_SOCKET` … */
function networkCode(error) {
  const code = error?.cause?.code ?? error?.code;
  return typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code) ? code : "network error";
}

/**
 * Code and path of the first error; its message may quote a user's data.
 * @param {any} errors @returns {string}
 */
function graphqlReason(errors) {
  const { code, path } = errors?.[0]?.extensions ?? {};
  const safeCode = typeof code === "string" && /^[a-z-]{1,40}$/.test(code) ? code : "unknown";
  const safePath = typeof path === "string" && /^\$[\w$.[\]]{0,90}$/.test(path) ? ` at ${path}` : "";
  const hint = Object.hasOwn(HINTS, safeCode) ? `; ${HINTS[safeCode]}` : "";
  return `Hasura refused the upsert: ${safeCode}${safePath}${hint}`;
}

/** @param {unknown} error @returns {string} */
function reasonOf(error) {
  if (error instanceof ConfigurationError) return `configuration: ${error.message}`;
  // Anything else is a mistake in this file; its message may hold values.
  return error instanceof SyncError ? error.message : `unexpected ${error instanceof Error ? error.name : typeof error}`;
}
