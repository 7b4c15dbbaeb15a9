// @ts-check
"use strict";

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");
const { onExecutePostLogin } = require("./hasura-claims.js");
const { run } = require("./testkit.js");

const NAMESPACE = "https://hasura.io/jwt/claims";
const CLAIMS = {
  namespace: NAMESPACE,
  defaultRole: "user",
  allowedRoles: ["user"],
  roleMap: { Editor: "editor", "Chief Editor": "editor", Accounting: "accountant" },
  claims: {},
};
const BASE = {
  "x-hasura-default-role": "user",
  "x-hasura-allowed-roles": ["user"],
  "x-hasura-user-id": "auth0|1",
};

/** @param {{claims?: object, secrets?: Record<string, string | undefined>, event?: object}} [options] */
function login({ claims = {}, secrets = {}, event = {} } = {}) {
  return run(onExecutePostLogin, {
    client: { client_id: "ours" },
    user: { user_id: "auth0|1", email: "ada@example.com" },
    secrets: { CLIENT_IDS: "ours,other", CLAIMS: JSON.stringify({ ...CLAIMS, ...claims }), ...secrets },
    ...event,
  });
}

/** The further claims that one property of the user gives. @param {unknown} value */
async function claimFrom(value) {
  const event = { user: { user_id: "auth0|1", app_metadata: { value } } };
  const { accessToken, logs } = await login({ claims: { claims: { "x-hasura-value": "user.app_metadata.value" } }, event });
  const { [NAMESPACE]: set } = /** @type {Record<string, any>} */ (accessToken);
  return { value: set["x-hasura-value"], present: Object.hasOwn(set, "x-hasura-value"), logs };
}

describe("claims", () => {
  test("access token and ID token carry the same object", async () => {
    const { accessToken, idToken, logs, denied } = await login();
    assert.deepEqual(accessToken, { [NAMESPACE]: BASE });
    assert.deepEqual(idToken, { [NAMESPACE]: BASE });
    assert.deepEqual([logs, denied], [[], []]);
  });

  test("another application's tokens stay as they are, whatever the settings", async () => {
    for (const secrets of [{}, { CLAIMS: "{" }]) {
      const { accessToken, idToken, logs, denied } = await login({ secrets, event: { client: { client_id: "theirs" } } });
      assert.deepEqual([accessToken, idToken, logs, denied], [{}, {}, [], []]);
    }
  });

  test("a role is allowed if it is mapped, once, and only then", async () => {
    const roles = ["Editor", "Chief Editor", "admin", "constructor", "__proto__"];
    const { accessToken } = await login({ event: { authorization: { roles } } });
    assert.deepEqual(accessToken, { [NAMESPACE]: { ...BASE, "x-hasura-allowed-roles": ["user", "editor"] } });
  });

  test("the default role is always among the allowed ones", async () => {
    const { accessToken } = await login({ claims: { defaultRole: "guest" } });
    assert.deepEqual(accessToken, {
      [NAMESPACE]: { ...BASE, "x-hasura-default-role": "guest", "x-hasura-allowed-roles": ["guest", "user"] },
    });
  });

  test("another namespace is honoured", async () => {
    const { idToken } = await login({ claims: { namespace: "https://example.com/jwt" } });
    assert.deepEqual(idToken, { "https://example.com/jwt": BASE });
  });

  test("further claims come from the event, the first present path counts, names are lower case", async () => {
    const claims = {
      "x-hasura-inherited": "user.toString",
      "X-Hasura-Org-Id": "organization.id",
      "x-hasura-team": ["user.app_metadata.team", "organization.metadata.team"],
      "x-hasura-absent": "user.app_metadata.absent.deeper",
    };
    const event = { organization: { id: "org_1", metadata: { team: "red" } } };
    const { accessToken, logs } = await login({ claims: { claims }, event });
    assert.deepEqual(accessToken, { [NAMESPACE]: { ...BASE, "x-hasura-org-id": "org_1", "x-hasura-team": "red" } });
    assert.deepEqual(logs, []);
  });
});

describe("the shape of a claim", () => {
  /** @type {[unknown, string][]} */
  const shapes = [
    ["text", "text"],
    ["", ""],
    [0, "0"],
    [12.5, "12.5"],
    [false, "false"],
    [[], "{}"],
    [["a", 1, true, null], '{"a","1","true"}'],
    [["a,b", 'say "hi"', "back\\slash", "{}", "NULL"], '{"a,b","say \\"hi\\"","back\\\\slash","{}","NULL"}'],
  ];
  for (const [value, expected] of shapes) {
    test(`${JSON.stringify(value)} becomes the string ${expected}`, async () => {
      assert.deepEqual(await claimFrom(value), { value: expected, present: true, logs: [] });
    });
  }

  for (const value of [undefined, null]) {
    test(`${value} gives no claim`, async () => {
      assert.deepEqual(await claimFrom(value), { value: undefined, present: false, logs: [] });
    });
  }

  for (const value of [{ a: 1 }, [["nested"]], [{ a: 1 }]]) {
    test(`${JSON.stringify(value)} is left out, and the log names the claim`, async () => {
      const { present, logs } = await claimFrom(value);
      assert.equal(present, false);
      assert.match(logs[0] ?? "", /^hasura-claims: x-hasura-value is left out/);
    });
  }

  test("any path over any profile gives a string or no claim, never what the object inherits", async () => {
    const keys = ["a", "b", "0", "constructor", "__proto__", "length", "toString"];
    const leaves = ["text", 1, true, null, ["x"], { a: "deep" }];
    for (let seed = 0; seed < 300; seed++) {
      const pick = (/** @type {number} */ shift) => keys[Math.floor(seed / shift) % keys.length];
      const app_metadata = { a: leaves[seed % leaves.length], b: { a: leaves[(seed * 5) % leaves.length] } };
      const path = `user.app_metadata.${pick(1)}.${pick(7)}`;
      const event = { user: { user_id: "auth0|1", app_metadata } };
      const { accessToken } = await login({ claims: { claims: { "x-hasura-value": path } }, event });
      const set = /** @type {Record<string, any>} */ (accessToken)[NAMESPACE];
      const own = new Set(["{}", "text", "1", "true", "x", "deep", '{"x"}', undefined]);
      assert.ok(own.has(set["x-hasura-value"]), `${path}: ${set["x-hasura-value"]}`);
    }
  });
});

describe("wrong settings deny the login and name what is wrong", () => {
  /** @type {[object, RegExp][]} */
  const settings = [
    [{ defaultRole: "" }, /CLAIMS\.defaultRole/],
    [{ allowedRoles: "user" }, /CLAIMS\.allowedRoles/],
    [{ roleMap: { Editor: 1 } }, /CLAIMS\.roleMap/],
    [{ namespace: null }, /CLAIMS\.namespace/],
    [{ claims: [] }, /CLAIMS\.claims/],
    [{ claims: { "org-id": "organization.id" } }, /org-id must begin with x-hasura-/],
    [{ claims: { "X-Hasura-User-Id": "user.email" } }, /X-Hasura-User-Id is set anyway/],
    [{ claims: { "x-hasura-role": "user.email" } }, /x-hasura-role is set anyway/],
    [{ claims: { "x-hasura-leak": "secrets.CLAIMS" } }, /x-hasura-leak must be paths/],
  ];
  for (const [change, reason] of settings) {
    test(JSON.stringify(change), async () => {
      const { accessToken, idToken, denied, logs } = await login({ claims: change });
      assert.deepEqual([accessToken, idToken], [{}, {}]);
      assert.equal(denied.length, 1);
      assert.match(logs[0] ?? "", reason);
      assert.ok((logs[0] ?? "").length <= 256);
    });
  }

  for (const CLAIMS of [undefined, "", "{", "[]"]) {
    test(`CLAIMS = ${CLAIMS}`, async () => {
      const { denied, logs } = await login({ secrets: { CLAIMS } });
      assert.equal(denied.length, 1);
      assert.match(logs[0] ?? "", /the secret CLAIMS/);
    });
  }

  test("without CLIENT_IDS nobody is denied, and the log says so", async () => {
    const { accessToken, denied, logs } = await login({ secrets: { CLIENT_IDS: undefined } });
    assert.deepEqual([accessToken, denied], [{}, []]);
    assert.match(logs[0] ?? "", /CLIENT_IDS is missing/);
  });
});
