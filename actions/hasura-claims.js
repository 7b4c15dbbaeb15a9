// @ts-check
"use strict";

/**
 * hasura-claims: the tokens of our applications say who the user is and which roles they may take in Hasura.
 *
 * Runs after sync-user and sets one claims object on the access token (what Hasura receives) and on the ID token
 * (what the application reads). Hasura's tutorial sets one of the two, and whoever sends the other gets `claims key
 * not found`.
 *
 * | secret       | value |
 * | ------------ | ----- |
 * | `CLIENT_IDS` | our applications' client ids, separated by commas; other applications' tokens stay as they are |
 * | `CLAIMS`     | JSON, see below |
 *
 * `CLAIMS`: `namespace` (default `https://hasura.io/jwt/claims`), `defaultRole`, `allowedRoles`, `roleMap`
 * (Auth0 role name → Hasura role; a role that is not mapped gives nothing), `claims` (claim ← path into the event
 * such as `organization.id` or `user.app_metadata.team`, or a list of paths of which the first present one counts;
 * absent = no claim).
 *
 * Shapes, by Hasura's documentation ("Authentication using JWT", The spec: other x-hasura-* values "can only be
 * strings"; `x-hasura-allowed-roles` is a JSON list): numbers and booleans become strings, lists become the text of
 * a Postgres array (`{"a","b"}`), which is what `_in` compares with. Objects have no such form: they are logged by
 * the claim's name and left out.
 *
 * Choose sources that users cannot write themselves: `user.user_metadata` can be set at sign-up by anybody.
 * Wrong settings deny the login: a token without claims would open nothing, and nobody would know why. Only a
 * missing `CLIENT_IDS` does not, for then nobody can tell our logins from those of the tenant's other applications.
 */

/** @typedef {import("./types").PostLoginEvent} PostLoginEvent */
/** @typedef {import("./types").PostLoginApi} PostLoginApi */
/** @typedef {import("./types").Claims} Claims */

const NAMESPACE = "https://hasura.io/jwt/claims";
const CLAIM_NAME = /^x-hasura-[a-z0-9_-]+$/i;
/** Set by this file alone. `x-hasura-role` is chosen by the request, from the allowed roles. */
const OWN_CLAIMS = new Set(["x-hasura-default-role", "x-hasura-allowed-roles", "x-hasura-user-id", "x-hasura-role"]);
/** What a path may start with. `secrets` is not among them. */
const ROOTS = new Set([
  "authentication", "authorization", "client", "connection", "organization", "request", "resource_server",
  "session", "stats", "tenant", "transaction", "user",
]);

class ConfigurationError extends Error {}

/** @param {PostLoginEvent} event @param {PostLoginApi} api */
exports.onExecutePostLogin = async (event, api) => {
  const clientIds = list(event.secrets.CLIENT_IDS);
  if (clientIds.length === 0) {
    console.log("hasura-claims: the secret CLIENT_IDS is missing; no token gets claims");
    return;
  }
  if (!clientIds.includes(event.client?.client_id)) return;

  try {
    const settings = parseClaims(event.secrets.CLAIMS);
    const claims = claimsOf(event, settings);
    api.accessToken.setCustomClaim(settings.namespace, claims);
    api.idToken.setCustomClaim(settings.namespace, claims);
  } catch (error) {
    // Only our own messages are known to hold no values.
    const known = error instanceof ConfigurationError;
    const reason = known ? error.message : `unexpected ${error instanceof Error ? error.name : typeof error}`;
    console.log(`hasura-claims: configuration: ${reason}`.slice(0, 256));
    api.access.deny("We could not prepare your access. Please try again later or tell the people who run this application.");
  }
};

// Settings --------------------------------------------------------------------------------------------------

/** @param {string | undefined} text @returns {string[]} */
function list(text) {
  return (text ?? "").split(",").map((item) => item.trim()).filter(Boolean);
}

/** @param {string | undefined} text @returns {Claims} @throws {ConfigurationError} */
function parseClaims(text) {
  if (!text) throw new ConfigurationError("the secret CLAIMS is missing");
  let raw;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new ConfigurationError("the secret CLAIMS is not valid JSON");
  }
  if (!isRecord(raw)) throw new ConfigurationError("the secret CLAIMS must be a JSON object");
  /** @type {any} */
  const settings = { namespace: NAMESPACE, allowedRoles: [], roleMap: {}, claims: {}, ...raw };
  if (!isText(settings.namespace)) throw new ConfigurationError("CLAIMS.namespace must be a string");
  if (!isText(settings.defaultRole)) throw new ConfigurationError("CLAIMS.defaultRole must be a role's name");
  if (!Array.isArray(settings.allowedRoles) || !settings.allowedRoles.every(isText)) {
    throw new ConfigurationError("CLAIMS.allowedRoles must be a list of role names");
  }
  if (!isRecord(settings.roleMap) || !Object.values(settings.roleMap).every(isText)) {
    throw new ConfigurationError("CLAIMS.roleMap must be an object of Auth0 role: Hasura role");
  }
  if (!isRecord(settings.claims)) throw new ConfigurationError("CLAIMS.claims must be an object of claim: path");
  for (const [name, source] of Object.entries(settings.claims)) {
    if (!CLAIM_NAME.test(name)) throw new ConfigurationError(`CLAIMS.claims: ${name} must begin with x-hasura-`);
    if (OWN_CLAIMS.has(name.toLowerCase())) throw new ConfigurationError(`CLAIMS.claims: ${name} is set anyway`);
    const paths = Array.isArray(source) ? source : [source];
    if (paths.length === 0 || !paths.every(isPath)) {
      throw new ConfigurationError(`CLAIMS.claims.${name} must be paths such as "organization.id"`);
    }
  }
  return /** @type {Claims} */ (settings);
}

/** @param {unknown} value @returns {value is string} */
function isText(value) {
  return typeof value === "string" && value !== "";
}

/** @param {unknown} value */
function isPath(value) {
  if (typeof value !== "string") return false;
  const [root = "", ...rest] = value.split(".");
  return ROOTS.has(root) && rest.length > 0 && rest.every(Boolean);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Claims ----------------------------------------------------------------------------------------------------

/** @param {PostLoginEvent} event @param {Claims} settings @returns {Record<string, string | string[]>} */
function claimsOf(event, settings) {
  /** @type {Record<string, string | string[]>} */
  const claims = {
    "x-hasura-default-role": settings.defaultRole,
    "x-hasura-allowed-roles": rolesOf(event, settings),
    "x-hasura-user-id": event.user.user_id,
  };
  for (const [name, source] of Object.entries(settings.claims)) {
    const value = firstOf(event, source);
    if (value === undefined) continue;
    const text = sessionVariable(value);
    if (text === undefined) {
      const allowed = "text, number, boolean or a list of those";
      console.log(`hasura-claims: ${name} is left out: its source must be ${allowed}`.slice(0, 256));
    } else {
      claims[name.toLowerCase()] = text;
    }
  }
  return claims;
}

/**
 * The default role is always allowed: Hasura refuses a token in which it is not.
 * @param {PostLoginEvent} event @param {Claims} settings
 */
function rolesOf(event, { defaultRole, allowedRoles, roleMap }) {
  const roleOf = new Map(Object.entries(roleMap));
  const mapped = (event.authorization?.roles ?? []).flatMap((role) => roleOf.get(role) ?? []);
  return [...new Set([defaultRole, ...allowedRoles, ...mapped])];
}

/**
 * The first present value among the paths; undefined where there is none.
 * @param {PostLoginEvent} event @param {string | string[]} source @returns {unknown}
 */
function firstOf(event, source) {
  for (const path of Array.isArray(source) ? source : [source]) {
    const value = lookup(event, path);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
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
 * A session variable's text; undefined where the value has no such form.
 * @param {unknown} value @returns {string | undefined}
 */
function sessionVariable(value) {
  if (!Array.isArray(value)) return scalar(value);
  const items = value.filter((item) => item !== null && item !== undefined).map(scalar);
  if (items.includes(undefined)) return undefined;
  return `{${items.map((item) => `"${String(item).replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** @param {unknown} value @returns {string | undefined} */
function scalar(value) {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || Number.isFinite(value)) return String(value);
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined;
}
