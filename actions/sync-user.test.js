// @ts-check
"use strict";

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");
const { onExecutePostLogin } = require("./sync-user.js");
const { fakeHasura, run } = require("./testkit.js");

const ADMIN_SECRET = "admin-secret-nobody-may-see";
const UPDATED_AT = "2026-03-01T10:20:30.456Z";
const USER = {
  user_id: "auth0|64f0c0ffee",
  email: "ada@example.com",
  name: "Ada Lovelace",
  picture: "https://example.com/ada.png",
  updated_at: UPDATED_AT,
  user_metadata: { city: "London" },
  app_metadata: { plan: { name: "pro" } },
};
const SYNC = {
  table: "users",
  constraint: "users_federated_id_key",
  key: "federated_id",
  columns: {
    email: "user.email",
    name: ["user.user_metadata.display_name", "user.name"],
    picture: "user.picture",
    auth0_updated_at: "user.updated_at",
    last_login_at: "now",
  },
  guard: "auth0_updated_at",
  role: "auth0_sync",
  onFailure: "deny",
  timeoutMs: 4000,
  onRefreshTokenExchange: true,
};
const WRITTEN = { body: { data: { insert_users: { affected_rows: 1 } } } };
const DENIAL = /^We could not prepare your account\. Please try again in a minute\. \(Reference: [0-9a-f]{8}\)$/;

/** @type {Awaited<ReturnType<typeof fakeHasura>> | undefined} */
let hasura;
afterEach(async () => {
  await hasura?.close();
  hasura = undefined;
});

/**
 * Logs in against a fake Hasura and checks what must hold for every run: nothing personal or secret leaves by logs or denials.
 * @typedef {import("./testkit.js").Answer} Answer
 * @param {{answers?: Answer[], sync?: object, secrets?: Record<string, string | undefined>, event?: object}} [options]
 */
async function login({ answers = [WRITTEN], sync = {}, secrets = {}, event = {} } = {}) {
  hasura = await fakeHasura(...answers);
  const outcome = await run(onExecutePostLogin, {
    client: { client_id: "ours" },
    user: USER,
    secrets: {
      HASURA_GRAPHQL_URL: hasura.url,
      HASURA_GRAPHQL_ADMIN_SECRET: ADMIN_SECRET,
      CLIENT_IDS: "another, ours",
      SYNC: JSON.stringify({ ...SYNC, ...sync }),
      ...secrets,
    },
    ...event,
  });
  const said = [...outcome.logs, ...outcome.denied].join("\n");
  for (const secret of [ADMIN_SECRET, USER.user_id, USER.email, USER.name]) assert.ok(!said.includes(secret), said);
  for (const line of outcome.logs) assert.ok(line.length <= 256, "Auth0 keeps 256 characters");
  return { ...outcome, seen: hasura.seen };
}

/** @param {Awaited<ReturnType<typeof login>>} outcome @param {RegExp} reason */
function assertDenied({ denied, logs }, reason) {
  assert.equal(denied.length, 1);
  assert.match(denied[0] ?? "", DENIAL);
  assert.equal(logs.length, 1);
  assert.match(logs[0] ?? "", reason);
  const reference = denied[0]?.match(/Reference: (\w+)/)?.[1] ?? "absent";
  assert.ok(logs[0]?.startsWith(`sync-user ${reference}: `), "denial and log line carry the same reference");
}

/** @param {string} code @param {string} message @param {string} [path] */
const graphqlError = (code, message, path = "$") => ({ body: { errors: [{ message, extensions: { code, path } }] } });

describe("whose login it is", () => {
  test("a login of another application sends nothing", async () => {
    const { seen, denied, logs } = await login({ event: { client: { client_id: "theirs" } } });
    assert.deepEqual([seen, denied, logs], [[], [], []]);
  });

  test("a client id that only contains one of ours is not ours", async () => {
    const { seen } = await login({ event: { client: { client_id: "our" } } });
    assert.deepEqual(seen, []);
  });

  test("wrong settings do not touch another application's login", async () => {
    const { denied, logs } = await login({ event: { client: { client_id: "theirs" } }, secrets: { SYNC: "{" } });
    assert.deepEqual([denied, logs], [[], []]);
  });

  test("without CLIENT_IDS nobody is denied, and the log says so", async () => {
    const { seen, denied, logs } = await login({ secrets: { CLIENT_IDS: " , " } });
    assert.deepEqual([seen, denied], [[], []]);
    assert.match(logs[0] ?? "", /CLIENT_IDS is missing/);
  });

  test("a refresh-token exchange syncs, unless it is told not to", async () => {
    const event = { transaction: { protocol: "oauth2-refresh-token" } };
    assert.equal((await login({ event })).seen.length, 1);
    await hasura?.close();
    assert.equal((await login({ event, sync: { onRefreshTokenExchange: false } })).seen.length, 0);
    await hasura?.close();
    assert.equal((await login({ sync: { onRefreshTokenExchange: false } })).seen.length, 1);
  });
});

describe("the upsert", () => {
  test("is one statement with values as variables, and updates every column except the key", async () => {
    const { seen, denied, logs } = await login();
    assert.equal(seen.length, 1);
    const { method, path, body } = seen[0] ?? assert.fail();
    assert.deepEqual([method, path], ["POST", "/v1/graphql"]);
    assert.equal(
      body.query,
      "mutation($object: users_insert_input!, $columns: [users_update_column!]!) { " +
        "insert_users(objects: [$object], on_conflict: {constraint: users_federated_id_key, update_columns: $columns}) " +
        "{ affected_rows } }",
    );
    const { last_login_at: lastLogin, ...object } = body.variables.object;
    assert.deepEqual(object, {
      federated_id: USER.user_id,
      email: USER.email,
      name: USER.name,
      picture: USER.picture,
      auth0_updated_at: UPDATED_AT,
    });
    assert.equal(new Date(lastLogin).toISOString(), lastLogin);
    assert.deepEqual(body.variables.columns, ["email", "name", "picture", "auth0_updated_at", "last_login_at"]);
    assert.deepEqual([denied, logs], [[], []]);
  });

  test("travels under its own role with the profile's age", async () => {
    const { headers } = (await login()).seen[0] ?? assert.fail();
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["x-hasura-admin-secret"], ADMIN_SECRET);
    assert.equal(headers["x-hasura-role"], "auth0_sync");
    assert.equal(headers["x-hasura-profile-updated-at"], UPDATED_AT);
  });

  test("takes a Date for the profile's age as well", async () => {
    const outcome = await login({ event: { user: { ...USER, updated_at: new Date(UPDATED_AT) } } });
    const { headers, body } = outcome.seen[0] ?? assert.fail();
    assert.equal(headers["x-hasura-profile-updated-at"], UPDATED_AT);
    assert.equal(body.variables.object.auth0_updated_at, UPDATED_AT);
  });

  for (const updated_at of [undefined, null, "yesterday", 17]) {
    test(`gives a profile of unknown age (${updated_at}) the epoch, so that it overwrites nothing dated`, async () => {
      const { headers, body } = (await login({ event: { user: { ...USER, updated_at } } })).seen[0] ?? assert.fail();
      assert.equal(headers["x-hasura-profile-updated-at"], "1970-01-01T00:00:00.000Z");
      assert.equal(body.variables.object.auth0_updated_at, null);
    });
  }

  test("writes null for what the profile lacks, and structures as they are", async () => {
    const columns = {
      email: "user.email",
      city: "user.user_metadata.city",
      plan: "user.app_metadata.plan",
      inherited: "user.toString",
    };
    const outcome = await login({ sync: { columns }, event: { user: { ...USER, email: undefined } } });
    const { body } = outcome.seen[0] ?? assert.fail();
    assert.deepEqual(body.variables.object, {
      email: null,
      city: "London",
      plan: { name: "pro" },
      inherited: null,
      auth0_updated_at: UPDATED_AT,
      federated_id: USER.user_id,
    });
  });

  test("keeps hostile values out of the document", async () => {
    const name = '"}]) { affected_rows } delete_users(where: {}) { affected_rows } #';
    const { body } = (await login({ event: { user: { ...USER, name } } })).seen[0] ?? assert.fail();
    assert.ok(!body.query.includes("delete_users"));
    assert.equal(body.variables.object.name, name);
  });

  test("accepts 0 affected rows: a newer profile is stored already", async () => {
    const { denied, logs } = await login({ answers: [{ body: { data: { insert_users: { affected_rows: 0 } } } }] });
    assert.deepEqual([denied, logs], [[], []]);
  });
});

describe("an answer that is no success", () => {
  const passing = [
    { status: 500, body: "oops" },
    { status: 503 },
    { status: 429, headers: { "retry-after": "0" } },
    { drop: true },
  ];
  for (const answer of passing) {
    test(`${JSON.stringify(answer)} is tried once more`, async () => {
      const { seen, denied, logs } = await login({ answers: [answer, WRITTEN] });
      assert.equal(seen.length, 2);
      assert.deepEqual(seen[1]?.body, seen[0]?.body);
      assert.deepEqual([denied, logs], [[], []]);
    });
  }

  test("twice HTTP 502 denies the login", async () => {
    const outcome = await login({ answers: [{ status: 502 }] });
    assert.equal(outcome.seen.length, 2);
    assertDenied(outcome, /Hasura answered HTTP 502$/);
  });

  for (const wait of ["30", new Date(Date.now() + 60_000).toUTCString()]) {
    test(`Retry-After: ${wait} beyond the time limit is not waited for`, async () => {
      const outcome = await login({ answers: [{ status: 429, headers: { "retry-after": wait } }, WRITTEN] });
      assert.equal(outcome.seen.length, 1);
      assertDenied(outcome, /HTTP 429$/);
    });
  }

  test("a refused connection denies the login", async () => {
    const gone = await fakeHasura();
    await gone.close();
    assertDenied(await login({ secrets: { HASURA_GRAPHQL_URL: gone.url } }), /could not be reached \(ECONNREFUSED\)$/);
  });

  test("a server that never answers is left at the time limit", async () => {
    const outcome = await login({ answers: [{ hang: true }], sync: { timeoutMs: 150 } });
    assertDenied(outcome, /did not answer in time$/);
  });

  test("the time limit holds for the second attempt as well", async () => {
    const outcome = await login({ answers: [{ status: 500 }, { hang: true }], sync: { timeoutMs: 600 } });
    assert.equal(outcome.seen.length, 2);
    assertDenied(outcome, /did not answer in time$/);
  });

  test("a GraphQL error in an HTTP 200 denies the login and is not tried again", async () => {
    const message = `Uniqueness violation. duplicate key value: Key (email)=(${USER.email}) already exists.`;
    const path = "$.selectionSet.insert_users.args.objects";
    const outcome = await login({ answers: [graphqlError("constraint-violation", message, path)] });
    assert.equal(outcome.seen.length, 1);
    assertDenied(outcome, /constraint-violation at \$\.selectionSet\.insert_users\.args\.objects; another row holds a value/);
  });

  test("a refused admin secret points at the secret's name", async () => {
    const message = 'invalid "x-hasura-admin-secret"/"x-hasura-access-key"';
    const outcome = await login({ answers: [graphqlError("access-denied", message)] });
    assertDenied(outcome, /access-denied at \$; check HASURA_GRAPHQL_ADMIN_SECRET$/);
  });

  test("error codes and paths that hold values stay out of the log", async () => {
    const outcome = await login({ answers: [graphqlError(USER.email, "", `$.${USER.name}`)] });
    assertDenied(outcome, /Hasura refused the upsert: unknown$/);
  });

  test("data beside errors is no success", async () => {
    const body = { data: { insert_users: { affected_rows: 1 } }, errors: [] };
    assertDenied(await login({ answers: [{ body }] }), /refused the upsert: unknown$/);
  });

  const strange = [
    "<html>",
    '"text"',
    "null",
    "{}",
    '{"data":{"insert_users":null}}',
    '{"data":{"insert_users":{"affected_rows":"1"}}}',
  ];
  for (const body of strange) {
    test(`an HTTP 200 with ${body} denies the login`, async () => {
      const outcome = await login({ answers: [{ body }] });
      assert.equal(outcome.seen.length, 1);
      assertDenied(outcome, /HASURA_GRAPHQL_URL must be Hasura's \/v1\/graphql$/);
    });
  }

  test("HTTP 404 is not tried again", async () => {
    const body = { error: "resource does not exist", path: "$", code: "not-found" };
    const outcome = await login({ answers: [{ status: 404, body }] });
    assert.equal(outcome.seen.length, 1);
    assertDenied(outcome, /HTTP 404$/);
  });

  test("a redirect is not followed: it would carry the admin secret elsewhere", async () => {
    const elsewhere = await fakeHasura(WRITTEN);
    const outcome = await login({ answers: [{ status: 307, headers: { location: elsewhere.url } }] });
    assertDenied(outcome, /HASURA_GRAPHQL_URL redirects \(HTTP 307\)/);
    assert.deepEqual(elsewhere.seen, []);
    await elsewhere.close();
  });

  test("with onFailure allow the person gets in, and the log has the reason", async () => {
    const { denied, logs } = await login({ answers: [{ status: 500 }], sync: { onFailure: "allow" } });
    assert.deepEqual(denied, []);
    assert.match(logs[0] ?? "", /^sync-user [0-9a-f]{8}: Hasura answered HTTP 500$/);
  });
});

describe("wrong settings deny the login and name the secret", () => {
  /** @type {[string, Record<string, string | undefined>, RegExp][]} */
  const secrets = [
    ["no URL", { HASURA_GRAPHQL_URL: undefined }, /HASURA_GRAPHQL_URL is missing/],
    ["no admin secret", { HASURA_GRAPHQL_ADMIN_SECRET: "" }, /HASURA_GRAPHQL_ADMIN_SECRET is missing/],
    ["no SYNC", { SYNC: undefined }, /SYNC is missing/],
    ["SYNC is no JSON", { SYNC: "{'table'}" }, /SYNC is not valid JSON/],
    ["SYNC is no object", { SYNC: "[]" }, /SYNC must be a JSON object/],
    ["URL without scheme", { HASURA_GRAPHQL_URL: "hasura.example.com" }, /HASURA_GRAPHQL_URL must be an https URL/],
    ["admin secret in clear", { HASURA_GRAPHQL_URL: "http://hasura.example.com/v1/graphql" }, /must be an https URL/],
    ["unsendable secret", { HASURA_GRAPHQL_ADMIN_SECRET: `${ADMIN_SECRET}\nx` }, /no HTTP header carries/],
  ];
  for (const [name, change, reason] of secrets) {
    test(name, async () => {
      const outcome = await login({ secrets: change });
      assert.deepEqual(outcome.seen, []);
      assertDenied(outcome, reason);
      assert.match(outcome.logs[0] ?? "", /: configuration: /);
    });
  }

  /** @type {[object, RegExp][]} */
  const settings = [
    [{ table: "users { id } #" }, /SYNC\.table must be a GraphQL name/],
    [{ constraint: "a-b" }, /SYNC\.constraint/],
    [{ key: 1 }, /SYNC\.key/],
    [{ guard: null }, /SYNC\.guard/],
    [{ columns: ["email"] }, /SYNC\.columns/],
    [{ columns: { "e-mail": "user.email" } }, /SYNC\.columns/],
    [{ columns: { email: "email" } }, /SYNC\.columns\.email/],
    [{ columns: { email: [] } }, /SYNC\.columns\.email/],
    [{ columns: { email: "secrets.HASURA_GRAPHQL_ADMIN_SECRET" } }, /SYNC\.columns\.email/],
    [{ role: "a\r\nb" }, /SYNC\.role/],
    [{ onFailure: "ignore" }, /SYNC\.onFailure/],
    [{ timeoutMs: 20_000 }, /SYNC\.timeoutMs/],
    [{ onRefreshTokenExchange: "false" }, /SYNC\.onRefreshTokenExchange/],
  ];
  for (const [change, reason] of settings) {
    test(JSON.stringify(change), async () => {
      const outcome = await login({ sync: change });
      assert.deepEqual(outcome.seen, []);
      assertDenied(outcome, reason);
    });
  }
});
