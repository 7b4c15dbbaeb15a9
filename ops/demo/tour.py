"""The demo's steps in order, and what they print."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.browser import Application, Browser, LoginError
from ops.demo import people, reach, snapshot
from ops.demo.deployment import Deployment, clear_leftovers, deploy, prepare, write_app_settings
from ops.demo.people import Person
from ops.demo.tenant import Tenant
from ops.errors import Problem
from ops.verify import prove_links

out = Console(highlight=False, soft_wrap=True)


def heading(text: str) -> None:
    """A step's title."""
    out.print()
    out.rule(f"[bold]{escape(text)}", align="left", style="dim")


def good(text: str) -> None:
    """Something that holds."""
    out.print(f"[green]✓[/] {escape(text)}")


def up(state: Path) -> None:
    """Everything from nothing to a proven login. Raises `Problem` at the first thing that does not hold."""
    started = time.monotonic()
    heading("Tools and sandbox")
    deployment = prepare(state)
    heading("pulumi up")
    deploy(deployment)
    outputs = write_app_settings(deployment)
    heading("The chain, link by link")
    chain = deployment.chain()
    prove_links(chain, good)
    tenant = Tenant(deployment.status["auth0"])
    app = _application(deployment, outputs)
    tokens = _logins(deployment, tenant, app, chain)
    _own_rows_only(deployment, tenant, chain, tokens)
    _profile_change(deployment, tenant, app, chain)
    heading("pulumi up, once more")
    deployment.stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    good("No changes: what is deployed is what is declared.")
    _what_next(deployment, time.monotonic() - started)


def down(state: Path) -> None:
    """Destroy the stack and compare with the time before it. Raises `Problem` where something is left."""
    if not (state / "pulumi").exists():
        good("Nothing is deployed: there is no sandbox with a stack here.")
        return
    heading("Tools and sandbox")
    deployment = prepare(state)
    clear_leftovers(deployment)
    heading("pulumi destroy")
    deployment.stack.run("destroy", "--yes", "--skip-preview")
    tenant = Tenant(deployment.status["auth0"])
    people.forget(tenant)
    (state / "app.json").unlink(missing_ok=True)
    heading("Before and after")
    before = snapshot.load(deployment.before)
    if before is None:
        good("Nothing was deployed before, so there is nothing to compare.")
    else:
        _compare(before, snapshot.take(deployment.status))
    deployment.before.unlink(missing_ok=True)
    deployment.stack.remove()
    deployment.sandbox.stop()
    good("The sandbox is stopped; `./dev sandbox reset` removes its data, too.")


def _compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    for part, title in (
        ("tenant", "Auth0 tenant"),
        ("hasura", "Hasura metadata and environment"),
        ("database", "Database"),
    ):
        left = snapshot.changes(before[part], after[part])
        if left:
            raise Problem(f"{title}: this differs from before the demo: {'; '.join(left[:5])}")
        good(f"{title}: as before the demo.")


def _application(deployment: Deployment, outputs: dict[str, Any]) -> Application:
    return Application(
        url=deployment.status["auth0"]["url"],
        client_id=outputs["clientId"],
        client_secret=outputs["clientSecret"],
        redirect_uri=f"{deployment.status['app']['url']}/auth/callback",
        audience=outputs["audience"],
    )


def _logins(
    deployment: Deployment, tenant: Tenant, app: Application, chain: dict[str, Any]
) -> dict[Person, str]:
    heading("Two people log in")
    tokens: dict[Person, str] = {}
    for person in people.everybody(deployment.state):
        how, got = people.enter(person, app, tenant, deployment.status["auth0"]["ca_file"])
        tokens[person] = got.access_token
        good(f"{person.name} {how} through the login page (authorization code with PKCE).")
    rows = _rows(chain)
    _show(rows, f"{chain['schema']}.{chain['table']} in Postgres")
    emails = {row["email"] for row in rows}
    for person in tokens:
        if person.email not in emails:
            raise Problem(
                f"Broken link “sync”: {person.name} holds a token and has no row; see `./dev sandbox logs auth0`."
            )
    return tokens


def _own_rows_only(
    deployment: Deployment, tenant: Tenant, chain: dict[str, Any], tokens: dict[Person, str]
) -> None:
    heading("What each token opens in Hasura")
    graphql = reach.Graphql(chain["hasura_endpoint"], chain["graphql_name"], chain["key_column"])
    for person, token in tokens.items():
        answer = graphql.own_rows(token)
        if answer.rows is None:
            raise Problem(
                f"Broken link “token verification”: Hasura refuses {person.name}'s token, “{answer.message}”; "
                "run `./dev pulumi up --refresh`."
            )
        if [row["email"] for row in answer.rows] != [person.email]:
            raise Problem(
                f"Broken link “Hasura metadata”: {person.name} sees {len(answer.rows)} rows, not exactly the own one."
            )
        changed = graphql.rename(token, f"{person.name} of the demo").rows
        if changed is None or len(changed) != 1:
            raise Problem(f"Broken link “Hasura metadata”: {person.name} cannot edit exactly the own row.")
        good(f"{person.name} sees and edits one row: {answer.rows[0]['email']}.")
    (first, mine), (other, _) = tokens.items()
    others_id = people.claims(tokens[other])["sub"]
    _refused("no token", graphql.own_rows(None))
    _refused(
        f"{first.name}'s token with {other.name}'s id forged into it",
        graphql.own_rows(reach.forged(mine, others_id)),
    )
    _refused("a token of this tenant for another audience", graphql.own_rows(tenant.management_token))


def _refused(what: str, answer: reach.Answer) -> None:
    if answer.rows is not None:
        raise Problem(f"Broken link “token verification”: Hasura answers a request with {what}.")
    good(f"Refused: {what} (“{answer.message}”).")


def _profile_change(deployment: Deployment, tenant: Tenant, app: Application, chain: dict[str, Any]) -> None:
    heading("A profile changes at Auth0")
    person = people.everybody(deployment.state)[0]
    user = tenant.user(person.email)
    if user is None:
        raise Problem(f"{person.name} has no account in the tenant any more: run `./dev demo` again.")
    name = f"{person.name} {'Liddell' if user.get('name') != f'{person.name} Liddell' else 'Kingsleigh'}"
    tenant.call("PATCH", f"users/{user['user_id']}", {"name": name})
    try:
        Browser(deployment.status["auth0"]["ca_file"]).log_in(app, person.email, person.password)
    except LoginError as error:
        raise Problem(f"{person.name} cannot log in again: {error.description}") from None
    rows = _rows(chain)
    stored = next((row["name"] for row in rows if row["email"] == person.email), None)
    if stored != name:
        raise Problem(
            f"Broken link “sync”: after the next login the row says {stored!r}, the profile {name!r}."
        )
    _show(rows, f"{person.name} is called {name} now, and so is the row")


def _rows(chain: dict[str, Any]) -> list[dict[str, Any]]:
    query = sql.SQL("SELECT * FROM {} ORDER BY created_at, email").format(
        sql.Identifier(chain["schema"], chain["table"])
    )
    with psycopg.connect(chain["database_url"], connect_timeout=10, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def _show(rows: list[dict[str, Any]], title: str) -> None:
    table = Table(title=title, title_justify="left", title_style="")
    columns = ("federated_id", "email", "name", "display_name")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        shown = {**row, "federated_id": f"{row['federated_id'][:10]}…"}
        table.add_row(*(str(shown.get(column) or "") for column in columns))
    out.print(table)


def _what_next(deployment: Deployment, seconds: float) -> None:
    heading("What runs where")
    status = deployment.status
    table = Table.grid(padding=(0, 2))
    for name, where in (
        ("Try your login", status["app"]["url"]),
        ("Auth0 tenant", status["auth0"]["url"]),
        ("Hasura", status["hasura"]["url"]),
        (
            "Postgres",
            f"{status['postgres']['url'].rsplit('@', 1)[-1]} (URL with password: ./dev sandbox status --json)",
        ),
    ):
        table.add_row(name, where)
    for person in people.everybody(deployment.state):
        table.add_row(person.name, f"{person.email}, password {person.password}")
    out.print(table)
    out.print(
        "\nNext: log in as one of them in a browser · change a line in actions/sync-user.js and run ./dev demo again · "
        "./dev verify proves the chain at any time · ./dev pulumi preview --diff is the engine on this stack · "
        "./dev demo --down leaves nothing behind."
    )
    good(f"The demo took {seconds:.0f} s.")
