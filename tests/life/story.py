"""The life of one stack, lived once for all tests of the module: each step says what it rests on, does its part, and keeps what it
found. The engine is asked as rarely as possible, for every command takes seconds."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Any

from ops.browser import Application, Browser, Tokens
from ops.stack import AUDIENCE
from ops.toolchain import Toolchain
from proof import BrokenLinkError, prove
from sandbox.supervisor import Sandbox
from tests.life.breaking import Way, ways
from tests.life.engine import Engine, Run
from tests.life.others import Others
from tests.life.steps import step
from tests.life.tenants import Cloud, Hasura, Tenant, sql

COLUMNS = {
    "usersTable.columns[0].name": "display_name",
    "usersTable.columns[0].type": "text",
    "usersTable.columns[0].comment": "Chosen by the user",
    "usersTable.columns[0].editable": "true",
    "usersTable.columns[1].name": "city",
    "usersTable.columns[1].type": "text",
    "sync.columns.email": "user.email",
    "sync.columns.name": "user.name",
    "sync.columns.picture": "user.picture",
    "sync.columns.auth0_updated_at": "user.updated_at",
    "sync.columns.last_login_at": "now",
    "sync.columns.nickname": "user.nickname",
}
CLOSED = 1  # a port of the loopback on which nobody listens


class Story:
    """A stack, its world, and its life so far."""

    def __init__(self, sandbox: Sandbox, toolchain: Toolchain, state: Path) -> None:
        self.sandbox, self.state = sandbox, state
        self.status: Any = sandbox.status()
        self.tenant, self.hasura, self.cloud = Tenant(self.status), Hasura(self.status), Cloud(self.status)
        self.database = self.status["postgres"]["url"]
        self.name = f"test-{secrets.token_hex(4)}"
        self.engine = Engine(toolchain, state, self.status, self.name)
        self.others = Others(self.tenant, self.hasura, self.cloud, self.database)
        self.email, self.password = f"ann-{secrets.token_hex(3)}@example.com", "Correct-Horse-7"
        self.texts: list[str] = []
        """States as exported, secrets encrypted."""

    # Looking ----------------------------------------------------------------------------------------------------------------

    def log_in(self, email: str, *, sign_up: bool = False) -> Tokens:
        """A person logs in to the application as it is deployed now."""
        outputs = self.engine.outputs()
        url = self.status["auth0"]["url"]
        callback = f"{self.status['app']['url']}/auth/callback"
        app = Application(url, outputs["clientId"], outputs["clientSecret"], callback, AUDIENCE)
        browser = Browser(self.status["auth0"]["ca_file"])
        return (browser.sign_up if sign_up else browser.log_in)(app, email, self.password)

    def rows(self, table: str = "public.users") -> dict[str, dict[str, Any]]:
        """The users table by e-mail address."""
        found = sql(self.database, f"SELECT to_jsonb(u) FROM {table} u")
        return {row["email"]: row for (row,) in found}

    def columns(self, table: str = "users") -> list[str]:
        """Names of a table's columns."""
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        return [name for (name,) in sql(self.database, query, table)]

    def writes(self) -> list[str]:
        """What was written through the Management API so far: a line for each request."""
        log = (self.state / "logs" / "auth0.log").read_text(encoding="utf-8")
        return re.findall(r"^(?:POST|PATCH|PUT|DELETE) /api/v2/\S+", log, re.MULTILINE)

    def leftovers(self) -> dict[str, list[str]]:
        """What there is beside what others own and what the sandbox began with."""
        others, call = self.others, self.tenant.call
        own = {"Sandbox", "All Applications"}
        tables = (
            "SELECT schemaname || '.' || tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'hdb_catalog') AND tablename <> 'invoices'"
        )
        return {
            "clients": [
                item["name"]
                for item in call("GET", "clients?per_page=100")
                if item["client_id"] not in (others.client, self.status["auth0"]["client_id"])
                and item["name"] not in own
            ],
            "APIs": [
                item["identifier"]
                for item in call("GET", "resource-servers?per_page=100")
                if not item.get("is_system") and not item["identifier"].endswith("/api/v2/")
            ],
            "actions": [
                item["name"]
                for item in call("GET", "actions/actions?per_page=100")["actions"]
                if item["id"] not in others.actions
            ],
            "bindings": [name for action, name in self.tenant.bound() if action not in others.actions],
            "tables": [name for (name,) in sql(self.database, tables)],
            "roles": [
                name
                for (name,) in sql(self.database, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'hasura%'")
            ],
            "metadata": [
                f"{source['name']}.{table['table']['name']}"
                for source in self.hasura.export()["sources"]
                for table in source["tables"]
                if table["table"]["name"] != "invoices"
            ],
            "variables": [name for name in self.cloud.variables() if name != "BILLING_MODE"],
            "grants": [
                item["audience"]
                for item in call("GET", "client-grants")
                if not item["audience"].endswith("/api/v2/")
            ],
        }

    def action_secrets(self, name: str) -> list[dict[str, str]]:
        """The secrets of an Action with their values, which only the stack's state knows."""
        shown = self.engine.stack.export_stack().deployment or {}
        action = next(item for item in shown["resources"] if item["urn"].endswith(f"action:Action::{name}"))
        kept = action["inputs"]["secrets"]
        # One secret a value, or the whole list as one: the plugin decides.
        listed = json.loads(_plain(kept)) if isinstance(kept, dict) else kept
        return [{"name": item["name"], "value": json.loads(_plain(item["value"]))} for item in listed]

    def urn(self, end: str) -> str:
        """The URN of a resource of the stack by its end."""
        urns = [str(item["urn"]) for item in self.engine.cli.resources()]
        return next(urn for urn in urns if urn.endswith(end))

    def known_secrets(self) -> dict[str, str]:
        """Every credential of this world, by name."""
        status, role = self.status, re.search(r"://[^:]+:([^@]+)@", self.deployed_url)
        owner = re.search(r"://[^:]+:([^@]+)@", self.database)
        assert role and owner
        return {
            "Hasura admin secret": status["hasura"]["admin_secret"],
            "Hasura Cloud token": status["hasura_cloud"]["token"],
            "Management API secret": status["auth0"]["client_secret"],
            "password of the database's owner": owner[1],
            "password of Hasura's role": role[1],
            "application's secret": self.deployed_secret,
        }

    # Living -----------------------------------------------------------------------------------------------------------------

    @step
    def deployed(self) -> Run:
        """The first `up`, among others who were there before; more of them come after it."""
        self.others.arrive()
        up = self.engine.up(diff=True)
        assert up.ok, up.errors
        self.others.join()
        self.before = self.others.snapshot()
        outputs = self.engine.outputs()
        self.chain: dict[str, Any] = self.engine.chain()
        self.deployed_url = str(outputs["hasuraEnv"]["PG_DATABASE_URL"])
        self.deployed_secret = str(outputs["clientSecret"])
        self.texts.append(self.engine.exported())
        return up

    @step
    def person(self) -> Tokens:
        """Somebody signs up."""
        _ = self.deployed
        tokens = self.log_in(self.email, sign_up=True)
        self.row = self.rows()[self.email]
        return tokens

    @step
    def reading(self) -> dict[str, Any]:
        """What the person's token opens, with somebody else's row in the table."""
        tokens = self.person
        sql(
            self.database,
            "INSERT INTO users (federated_id, email) VALUES ('auth0|other', 'other@example.com')",
        )
        return self.hasura.graphql("{ users { email federated_id } }", tokens.access_token)

    @step
    def repeated(self) -> tuple[Run, list[str]]:
        """`up --refresh`, nothing having changed; with what it wrote to Auth0."""
        _ = self.reading
        before = self.writes()
        up = self.engine.up(refresh=True, expect_no_changes=True)
        return up, self.writes()[len(before) :]

    @step
    def drifted(self) -> Run:
        """Everything is changed behind the stack's back, then previewed."""
        _ = self.repeated
        chain = self.chain
        # the sync's binding: made anew, it lands behind the claims'
        self.tenant.bind([item for item in self.tenant.bound() if item[0] != chain["sync_action_id"]])
        self.tenant.change_action(
            chain["sync_action_id"], code="exports.onExecutePostLogin = async () => {};"
        )
        table = {"source": "default", "table": {"schema": "public", "name": "users"}}
        self.hasura.metadata("pg_untrack_table", {**table, "cascade": True})
        sql(self.database, "ALTER TABLE users DROP CONSTRAINT users_federated_id_key")
        sql(self.database, f"REVOKE UPDATE ON users FROM {self.role}")
        self.expect_audience("https://elsewhere.example")
        return self.engine.preview(refresh=True)

    @step
    def mended(self) -> Run:
        """`up --refresh` puts everything back."""
        _ = self.drifted
        return self.engine.up(refresh=True, diff=True)

    @step
    def came_back(self) -> Tokens:
        """The person logs in again."""
        assert self.mended.ok, self.mended.errors
        self.row_before_return = self.rows()[self.email]
        tokens = self.log_in(self.email)
        self.row_after_return = self.rows()[self.email]
        return tokens

    @step
    def changed(self) -> Run:
        """The configuration asks for a further column and a further synced one: a preview."""
        _ = self.came_back
        self.engine.configure(COLUMNS)
        return self.engine.preview()

    @step
    def failed(self) -> Run:
        """The same as an `up`, while Hasura expects another audience: the proof fails."""
        assert self.changed.ok, self.changed.errors
        self.expect_audience("https://elsewhere.example")
        up = self.engine.up()
        self.columns_after_failure = self.columns()
        self.texts.append(self.engine.exported())
        return up

    @step
    def proved(self) -> Run:
        """The audience is right again; meanwhile the sync Action got another secret by hand. Another `actionsRevision` deploys the
        Actions anew, and the user wants a wholly new claims Action, too."""
        _ = self.failed
        self.expect_audience(AUDIENCE)
        wrong = [{**item, "value": "wrong"} for item in self.action_secrets("login-sync-user")]
        self.tenant.change_action(self.chain["sync_action_id"], secrets=wrong)
        self.engine.configure({"actionsRevision": "2"})
        up = self.engine.up(replace=[self.urn("Action::login-hasura-claims")])
        self.chain = self.engine.chain()
        self.bound_after_proof = self.tenant.bound()
        return up

    @step
    def broken(self) -> dict[str, BrokenLinkError | None]:
        """How a proof fails for each way to break a link; every one is mended again, and the last proof holds."""
        assert self.proved.ok, self.proved.errors
        found = {name: self._broken_by(way) for name, way in ways(self).items()}
        prove(self.chain)
        return found

    @step
    def destroyed(self) -> Run:
        """`destroy`."""
        _ = self.broken
        destroyed = self.engine.destroy()
        self.left, self.others_after = self.leftovers(), self.others.snapshot()
        return destroyed

    @step
    def kept(self) -> Run:
        """Another life: a schema of its own, and rows that outlive a destroy. Somebody signs up in it, then it is destroyed."""
        assert self.destroyed.ok, self.destroyed.errors
        self.engine.configure({"usersTable.schema": "app", "usersTable.onDestroy": "keep"})
        up = self.engine.up()
        assert up.ok, up.errors
        self.log_in(self.email)
        self.row_kept = self.rows("app.users")[self.email]
        destroyed = self.engine.destroy()
        self.left_after_keeping = self.leftovers()
        return destroyed

    @step
    def again(self) -> Run:
        """And deployed once more, on the rows of before."""
        assert self.kept.ok, self.kept.errors
        return self.engine.up()

    @step
    def returned(self) -> Tokens:
        """The person logs in to it."""
        assert self.again.ok, self.again.errors
        tokens = self.log_in(self.email)
        self.row_again = self.rows("app.users")[self.email]
        return tokens

    @step
    def without_hasura(self) -> Run:
        """A further column, while something else is where Hasura should be. (A closed port is given half a minute, for Hasura may be
        starting: `tests/providers_hasura` sees to that.)"""
        _ = self.returned
        column = {"usersTable.columns[2].name": "motto", "usersTable.columns[2].type": "text"}
        self.engine.configure({**column, "hasura.endpoint": self.status["app"]["url"]})
        return self.engine.up()

    @step
    def without_database(self) -> Run:
        """And another, while Hasura is there, and the database is not."""
        _ = self.without_hasura
        column = {"usersTable.columns[3].name": "pet", "usersTable.columns[3].type": "text"}
        url = re.sub(r"@[^/]+/", f"@127.0.0.1:{CLOSED}/", self.database)
        self.engine.configure(
            {**column, "hasura.endpoint": self.status["hasura"]["url"]}, {"databaseUrl": url}
        )
        return self.engine.up()

    # Breaking ---------------------------------------------------------------------------------------------------------------

    @property
    def role(self) -> str:
        """Hasura's role in Postgres."""
        return f"hasura_{self.name.replace('-', '_')}"

    def jwt(self) -> dict[str, str]:
        """Hasura's JWT configuration as the stack sets it."""
        domain = self.chain["domain"]
        return {
            "type": "RS256",
            "jwk_url": f"https://{domain}/.well-known/jwks.json",
            "audience": AUDIENCE,
            "issuer": f"https://{domain}/",
            "claims_namespace": "https://hasura.io/jwt/claims",
        }

    def expect_audience(self, audience: str) -> None:
        """Make Hasura accept tokens for another API, or for ours again."""
        self.cloud.set(HASURA_GRAPHQL_JWT_SECRET=json.dumps({**self.jwt(), "audience": audience}))

    def _broken_by(self, way: Way) -> BrokenLinkError | None:
        with way() as differently:
            try:
                prove({**self.chain, **differently})
            except BrokenLinkError as error:
                return error
            return None


def _plain(value: Any) -> str:
    text = value["plaintext"] if isinstance(value, dict) else json.dumps(value)
    return str(text)
