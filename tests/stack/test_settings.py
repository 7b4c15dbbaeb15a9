"""What the configuration may say, and what people read when it says something else."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pydantic import BaseModel

import configuration
import formats
from components.hasura_project import SYNC_ROLE
from settings import Database, Settings, Tenant
from tests.stack.program import (
    DATABASE_URL,
    HASURA,
    PROJECT,
    ROOT,
    SECRET_KEYS,
    SECRETS,
    SELF_HOSTED,
    SETTINGS,
    leaks,
    with_configuration,
)


def load(secret: tuple[str, ...] = SECRET_KEYS, **changes: Any) -> Settings:
    settings = with_configuration(configuration.load, changes, secret)
    assert isinstance(settings, Settings)
    return settings


def problems(secret: tuple[str, ...] = SECRET_KEYS, **changes: Any) -> list[str]:
    """The lines of the error, which hold no secret whatever is wrong."""
    with pytest.raises(pulumi.RunError) as caught:
        load(secret, **changes)
    title, *lines = str(caught.value).splitlines()
    assert title == "The configuration of this stack needs a change:"
    assert leaks(lines) == []
    assert all(line.startswith("  - ") for line in lines)
    return [line.removeprefix("  - ") for line in lines]


def problem(**changes: Any) -> str:
    (line,) = problems(**changes)
    return line


def test_what_is_required_is_enough():
    """Everything else has a default."""
    settings = load()
    assert settings.app_name == "My application"
    assert settings.framework == "nextjs"
    assert settings.users_table.on_destroy == "keep"
    assert settings.sync.on_failure == "deny"


REQUIRED = {
    "appUrls": "auth0-hasura:appUrls is missing; for example `pulumi config set --path 'appUrls[0]' http://localhost:3000`",
    "audience": "auth0-hasura:audience is missing; for example `pulumi config set audience https://api.example.com`",
    "databaseUrl": "auth0-hasura:databaseUrl is missing; set it with `pulumi config set --secret databaseUrl`",
    "auth0:domain": "auth0:domain is missing; for example `pulumi config set auth0:domain your-tenant.eu.auth0.com`",
    "auth0:clientId": "auth0:clientId is missing; for example `pulumi config set auth0:clientId your-management-client-id`",
    "auth0:clientSecret": "auth0:clientSecret is missing; set it with `pulumi config set --secret auth0:clientSecret`",
}


@pytest.mark.parametrize("key", REQUIRED)
def test_what_is_missing_is_named_with_the_command_that_sets_it(key):
    """A secret's command asks for the value: it does not belong into the shell's history."""
    assert problem(**{key: None}) == REQUIRED[key]


def test_a_stack_without_configuration_is_told_everything_at_once():
    """One line for each thing to set, the parts of `hasura` among them."""
    assert problems(SECRET_KEYS, **dict.fromkeys(SETTINGS)) == [
        REQUIRED["appUrls"],
        REQUIRED["audience"],
        REQUIRED["databaseUrl"],
        "auth0-hasura:hasura.kind is missing; for example `pulumi config set --path hasura.kind cloud`",
        "auth0-hasura:hasura.endpoint is missing; for example "
        "`pulumi config set --path hasura.endpoint https://your-project.hasura.app`",
        "auth0-hasura:hasura.adminSecret is missing; set it with `pulumi config set --secret --path hasura.adminSecret`",
        REQUIRED["auth0:domain"],
        REQUIRED["auth0:clientId"],
        REQUIRED["auth0:clientSecret"],
    ]


def test_problems_of_all_kinds_come_together():
    """Nobody has to run a preview for each."""
    found = problems(
        SECRET_KEYS,
        framework="react",
        appUrls=["localhost:3000"],
        colour="red",
        roles={"allowed": []},
        hasura={**HASURA, "kind": "clowd"},
        **{"auth0:domain": "https://tenant.eu.auth0.com"},
    )
    assert [line.split(" ")[0].rstrip(":") for line in found] == [
        "auth0-hasura:colour",
        "auth0-hasura:appUrls[0]",
        "auth0-hasura:framework",
        "auth0-hasura:roles.allowed",
        "auth0-hasura:hasura.kind",
        "auth0:domain",
    ]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "framework": (
        {"framework": "react"},
        "auth0-hasura:framework is 'react': allowed are nextjs, nextjs-v3, spa, custom; "
        "for example `pulumi config set framework nextjs`",
    ),
    "an application without a name": (
        {"appName": ""},
        "auth0-hasura:appName is '': must not be empty; for example `pulumi config set appName 'My application'`",
    ),
    "URL without a scheme": (
        {"appUrls": ["http://localhost:3000", "app.example.com"]},
        "auth0-hasura:appUrls[1] is 'app.example.com': must be an http:// or https:// URL; "
        "for example `pulumi config set --path 'appUrls[1]' http://localhost:3000`",
    ),
    "one URL instead of a list": (
        {"appUrls": "http://localhost:3000"},
        "auth0-hasura:appUrls is 'http://localhost:3000': must be a list; "
        "for example `pulumi config set --path 'appUrls[0]' http://localhost:3000`",
    ),
    "no URL": (
        {"appUrls": []},
        "auth0-hasura:appUrls: must not be empty; for example `pulumi config set --path 'appUrls[0]' http://localhost:3000`",
    ),
    "URL with a password": (
        {"appUrls": ["https://me:hunter22@app.example.com"]},
        "auth0-hasura:appUrls[0]: must carry no user and no password; "
        "for example `pulumi config set --path 'appUrls[0]' http://localhost:3000`",
    ),
    "callbacks of another framework": (
        {"callbacks": ["https://a.example.com/cb"]},
        "auth0-hasura:callbacks: only goes with framework custom: the others have their own paths; "
        "for example `pulumi config set --path 'callbacks[0]' https://app.example.com/callback`",
    ),
    "custom without callbacks": (
        {"framework": "custom"},
        "auth0-hasura:callbacks: must be given with framework custom; "
        "for example `pulumi config set --path 'callbacks[0]' https://app.example.com/callback`",
    ),
    "a connection twice": (
        {"connections": ["google-oauth2", "google-oauth2"]},
        "auth0-hasura:connections: must name each connection once; "
        "for example `pulumi config set --path 'connections[0]' Username-Password-Authentication`",
    ),
    "a default role that is not allowed": (
        {"roles": {"default": "editor"}},
        "auth0-hasura:roles: default is 'editor' and must be one of allowed (user)",
    ),
    "admin as a role of people": (
        {"roles": {"allowed": ["user", "admin"]}},
        "auth0-hasura:roles.allowed[1] is 'admin': must not be a role of people: it passes by the permissions of their rows; "
        "for example `pulumi config set --path 'roles.allowed[1]' user`",
    ),
    "the sync role as a role of people": (
        {"roles": {"mapping": {"Editors": "auth0_sync"}}},
        "auth0-hasura:roles.mapping.Editors is 'auth0_sync': must not be a role of people: it passes by the permissions of their "
        'rows; for example {"Editors": "editor"}',
    ),
    "a claim that Hasura would not read": (
        {"claims": {"org": "organization.id"}},
        "auth0-hasura:claims.org: must be a lower-case session variable such as x-hasura-org-id; "
        'for example {"x-hasura-org-id": "organization.id"}',
    ),
    "a claim of the Action's own": (
        {"claims": {"x-hasura-user-id": "user.email"}},
        'auth0-hasura:claims.x-hasura-user-id: is set anyway: see roles; for example {"x-hasura-org-id": "organization.id"}',
    ),
    "a claim from nowhere": (
        {"claims": {"x-hasura-org-id": "secrets.TOKEN"}},
        "auth0-hasura:claims.x-hasura-org-id is 'secrets.TOKEN': must be a path that begins with one of "
        f"{', '.join(formats.EVENT_ROOTS)}, or a list of such paths; "
        'for example {"x-hasura-org-id": "organization.id"}',
    ),
    "an unguarded sync": (
        {"sync": {"columns": {"email": "user.email"}}},
        "auth0-hasura:sync.columns: must keep auth0_updated_at: user.updated_at, which stops older profiles from overwriting newer "
        'ones; for example {"email": "user.email", "auth0_updated_at": "user.updated_at"}',
    ),
    "a sync of the key": (
        {"sync": {"columns": {"federated_id": "user.email", "auth0_updated_at": "user.updated_at"}}},
        "auth0-hasura:sync.columns: must not name federated_id: the stack fills these itself; "
        'for example {"email": "user.email", "auth0_updated_at": "user.updated_at"}',
    ),
    "a misspelt value deep inside": (
        {"sync": {"onFailure": "ignore"}},
        "auth0-hasura:sync.onFailure is 'ignore': allowed are deny, allow; for example `pulumi config set --path sync.onFailure deny`",
    ),
    "too short a time": (
        {"sync": {"timeLimitMs": 5}},
        "auth0-hasura:sync.timeLimitMs is 5: must be at least 100; for example `pulumi config set --path sync.timeLimitMs 4000`",
    ),
    "not yes or no": (
        {"sync": {"onRefreshTokenExchange": "perhaps"}},
        "auth0-hasura:sync.onRefreshTokenExchange is 'perhaps': must be true or false; "
        "for example `pulumi config set --path sync.onRefreshTokenExchange true`",
    ),
    "a name that needs quotes in SQL": (
        {"usersTable": {"name": "Users"}},
        "auth0-hasura:usersTable.name is 'Users': must be a lower-case SQL name of letters, digits and _; "
        "for example `pulumi config set --path usersTable.name users`",
    ),
    "a name whose constraint Postgres would cut off": (
        {"usersTable": {"name": "u" * 47}},
        f"auth0-hasura:usersTable.name is '{'u' * 47}': must have at most 46 characters; "
        "for example `pulumi config set --path usersTable.name users`",
    ),
    "a schema of Postgres": (
        {"usersTable": {"schema": "pg_catalog"}},
        "auth0-hasura:usersTable.schema is 'pg_catalog': must not be a schema of Postgres or Hasura itself; "
        "for example `pulumi config set --path usersTable.schema public`",
    ),
    "a column without a type": (
        {"usersTable": {"columns": [{"name": "city"}]}},
        "auth0-hasura:usersTable.columns[0].type is missing; for example `pulumi config set --path 'usersTable.columns[0].type' text`",
    ),
    "a number where SQL belongs": (
        {"usersTable": {"columns": [{"name": "visits", "type": "integer", "default": 0}]}},
        "auth0-hasura:usersTable.columns[0].default is 0: must be a text (put it in quotes); "
        "for example `pulumi config set --path 'usersTable.columns[0].default' ''\"'\"'unknown'\"'\"''`",
    ),
    "a column of the stack's own": (
        {"usersTable": {"columns": [{"name": "id", "type": "int"}]}},
        "auth0-hasura:usersTable.columns: must not name id: the stack makes these itself; "
        'for example [{"name": "city", "type": "text", "editable": true}]',
    ),
    "a column twice": (
        {"usersTable": {"columns": [{"name": "city", "type": "text"}, {"name": "city", "type": "text"}]}},
        "auth0-hasura:usersTable.columns: must name each column once, not city twice; "
        'for example [{"name": "city", "type": "text", "editable": true}]',
    ),
    "a column that every login would overwrite": (
        {"usersTable": {"columns": [{"name": "name", "type": "text", "editable": True}]}},
        "auth0-hasura: name in usersTable.columns must not be editable, or not in sync.columns: every login would overwrite what its "
        "owner wrote",
    ),
    "cloud without its project": (
        {"hasura": {"kind": "cloud", "endpoint": "https://p.hasura.app", "adminSecret": "long-enough"}},
        "auth0-hasura:hasura: kind cloud needs projectId and cloudToken (Hasura Cloud shows them in the project's and in your "
        "account's settings)",
    ),
    "self-hosted with a project": (
        {"hasura": {**HASURA, "kind": "self-hosted"}},
        "auth0-hasura:hasura: cloudToken, projectId only go with kind cloud",
    ),
    "a project's name instead of its id": (
        {"hasura": {**HASURA, "projectId": "my-project"}},
        "auth0-hasura:hasura.projectId is 'my-project': must be a UUID (Hasura Cloud: the project's settings show it); "
        "for example `pulumi config set --path hasura.projectId 00000000-0000-0000-0000-000000000000`",
    ),
    "the admin secret in clear over the network": (
        {"hasura": {**SELF_HOSTED, "endpoint": "http://graphql.example.com"}},
        "auth0-hasura:hasura.endpoint is 'http://graphql.example.com': must begin with https://, because a secret travels there; "
        "for example `pulumi config set --path hasura.endpoint https://your-project.hasura.app`",
    ),
    "the endpoint of queries": (
        {"hasura": {**SELF_HOSTED, "endpoint": "https://graphql.example.com/v1/graphql"}},
        "auth0-hasura:hasura.endpoint is 'https://graphql.example.com/v1/graphql': must be the engine's base URL, without /v1/graphql; "
        "for example `pulumi config set --path hasura.endpoint https://your-project.hasura.app`",
    ),
    "a secret with a line break": (
        {"hasura": {**SELF_HOSTED, "adminSecret": "admin-secret-1f0c\n"}},
        "auth0-hasura:hasura.adminSecret: holds what no HTTP header carries: a space or line break at an end, or a character outside "
        "ASCII; set it with `pulumi config set --secret --path hasura.adminSecret`",
    ),
    "Hasura as the owner": (
        {"hasura": {**SELF_HOSTED, "databaseRole": "owner"}},
        "auth0-hasura: hasura.databaseRole is the user of databaseUrl itself; say `none` to let Hasura connect as that user",
    ),
    "hasura is no mapping": (
        {"hasura": "admin-secret-1f0c"},
        "auth0-hasura:hasura: must be a mapping of settings",
    ),
    "a domain with a scheme": (
        {"auth0:domain": "https://tenant.eu.auth0.com/"},
        "auth0:domain is 'https://tenant.eu.auth0.com/': must be a host name, without https:// and without a path; "
        "for example `pulumi config set auth0:domain your-tenant.eu.auth0.com`",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_one_line_with_key_value_rule_and_example(name):
    """The whole sentence, as people read it."""
    changes, sentence = BAD[name]
    assert problem(**changes) == sentence


@pytest.mark.parametrize(
    "source", ["user.user_metadata.team", "user.user_metadata", "request.query.team", "request.body.team"]
)
@pytest.mark.parametrize("as_list", [False, True])
def test_a_claim_never_comes_from_what_people_write_themselves(source, as_list):
    """Anybody can set `user_metadata` at sign-up: what opens data must not rest on it."""
    value = ["user.app_metadata.team", source] if as_list else source
    assert "people write that themselves" in problem(claims={"x-hasura-team": value})
    load(claims={"x-hasura-team": ["user.app_metadata.team", "organization.metadata.team"]})


def test_a_synced_column_may_come_from_what_people_write():
    """Their own row may hold it: it opens nothing."""
    columns = {"city": "user.user_metadata.city", "auth0_updated_at": "user.updated_at"}
    assert load(sync={"columns": columns}).sync.columns == columns


BAD_URLS = [
    "mysql://u:database-pw-5c3e@h/d",
    "postgres://h/d",
    "postgres://:database-pw-5c3e@h/d",
    "postgres://u:database-pw-5c3e@h",
    "postgres://u:database-pw-5c3e@h/",
    "postgres://u:database-pw-5c3e@h:port/d",
    "postgres://u:data/base-pw-5c3e@h:5432/d",
    "database-pw-5c3e",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_database_url_is_explained_and_not_shown(url):
    """It holds a password, even where it is broken: a piece of one, too."""
    line = problem(databaseUrl=url)
    assert line == (
        "auth0-hasura:databaseUrl: must look like postgres://user:password@host:5432/database?sslmode=require, with special characters "
        "of the password percent-encoded; set it with `pulumi config set --secret databaseUrl`"
    )


@pytest.mark.parametrize("mode", ["prefer", "allow", "on", "REQUIRE"])
def test_sslmode_is_one_that_protects_or_says_that_it_does_not(mode):
    """`prefer` and `allow` are unknown to the driver of the postgresql plugin, and encrypt by chance."""
    line = problem(databaseUrl=f"postgres://u:database-pw-5c3e@h/d?sslmode={mode}")
    assert f"has sslmode={mode}; allowed are disable, require, verify-ca, verify-full" in line


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (DATABASE_URL, ("db.example.com", 5432, "app", "owner", "database-pw-5c3e", "require")),
        ("postgresql://u@h.example.com/d", ("h.example.com", 5432, "d", "u", "", "require")),
        ("postgres://u:p%40%2F@127.0.0.1:5433/my%20db", ("127.0.0.1", 5433, "my db", "u", "p@/", "disable")),
        ("postgres://u:p@[::1]/d", ("::1", 5432, "d", "u", "p", "disable")),
        (
            "postgres://u:p@h/d?sslmode=verify-full&application_name=x",
            ("h", 5432, "d", "u", "p", "verify-full"),
        ),
    ],
)
def test_a_database_url_is_taken_apart(url, expected):
    """Encrypted unless it is said otherwise or stays on this machine (Heroku's URLs name no sslmode and require it)."""
    found = Database.parse(url)
    assert (found.host, found.port, found.name, found.username, found.password, found.sslmode) == expected
    assert "database-pw-5c3e" not in repr(found)


def test_unknown_keys_are_named_with_what_was_meant():
    """At the top and inside."""
    assert (
        problem(framwork="nextjs")
        == "auth0-hasura:framwork is no setting of this stack; did you mean framework?"
    )
    assert problem(colour="red") == "auth0-hasura:colour is no setting of this stack"
    assert (
        problem(**{"auth0-hasra:appName": "Mine"})
        == "auth0-hasra:appName is no setting of this stack; did you mean auth0-hasura:appName?"
    )
    assert (
        problem(sync={"onfailure": "deny"})
        == "auth0-hasura:sync.onfailure is no setting of this stack; did you mean sync.onFailure?"
    )
    assert (
        problem(usersTable={"columns": [{"name": "city", "typ": "text", "type": "text"}]})
        == "auth0-hasura:usersTable.columns[0].typ is no setting of this stack; did you mean usersTable.columns[0].type?"
    )
    assert (
        problem(hasura={**HASURA, "adminSecert": "admin-secret-1f0c"})
        == "auth0-hasura:hasura.adminSecert is no setting of this stack; did you mean hasura.adminSecret?"
    )


PLAIN = {
    "databaseUrl": [
        "databaseUrl holds a secret in plain text: set it with `pulumi config set --secret databaseUrl`"
    ],
    "hasura": [
        "hasura.adminSecret holds a secret in plain text: set it with `pulumi config set --secret --path hasura.adminSecret`",
        "hasura.cloudToken holds a secret in plain text: set it with `pulumi config set --secret --path hasura.cloudToken`",
    ],
    "auth0:clientSecret": [
        "auth0:clientSecret holds a secret in plain text: set it with `pulumi config set --secret auth0:clientSecret`"
    ],
}


@pytest.mark.parametrize("key", PLAIN)
def test_a_secret_in_plain_text_is_a_problem(key):
    """It would be in the repository with the stack's file."""
    encrypted = tuple(name for name in SECRET_KEYS if name != key)
    expected = [line if line.startswith("auth0:") else f"{PROJECT}:{line}" for line in PLAIN[key]]
    assert problems(encrypted) == expected


def test_a_secret_in_plain_text_beside_an_encrypted_one_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The engine marks the whole object as secret then; what is encrypted stands in the stack's file."""
    hasura = {"adminSecret": "admin-secret-1f0c", "cloudToken": {"secure": "v1:abc"}}
    text = yaml.safe_dump({"config": {f"{PROJECT}:hasura": hasura}})
    (tmp_path / f"Pulumi.{pulumi.get_stack()}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(configuration, "_ROOT", tmp_path)
    assert problems() == [f"{PROJECT}:{PLAIN['hasura'][0]}"]


def test_no_representation_of_the_settings_shows_a_secret():
    """Not even in a traceback."""
    settings = load()
    assert leaks([repr(settings), str(settings), repr(settings.hasura), repr(settings.database)]) == []


def test_origins_are_origins_and_named_once():
    """Auth0 takes a scheme and a host there, no path."""
    settings = load(appUrls=["https://a.example.com/app", "https://a.example.com/admin/"])
    assert settings.allowed_web_origins() == ["https://a.example.com"]
    assert settings.callback_urls() == [
        "https://a.example.com/app/auth/callback",
        "https://a.example.com/admin/auth/callback",
    ]


@pytest.mark.parametrize(
    ("stack", "role"), [("dev", "hasura_dev"), ("pr-12", "hasura_pr_12"), ("Acme.Prod", "hasura_acme_prod")]
)
def test_hasuras_role_is_named_for_the_stack(stack, role):
    """So that two stacks in one server do not share one."""
    assert load().hasura_role(stack) == role


def test_what_is_loopback_and_reserved_is_the_same_in_settings_actions_and_components():
    """The lists of the Actions, which cannot import anything, are those of the settings."""
    for name in ("sync-user.js", "hasura-claims.js"):
        text = (ROOT / "actions" / name).read_text(encoding="utf-8")
        (roots,) = re.findall(r"const ROOTS = new Set\(\[(.*?)\]\)", text, re.DOTALL)
        assert tuple(re.findall(r'"(\w+)"', roots)) == formats.EVENT_ROOTS, name
    claims = (ROOT / "actions" / "hasura-claims.js").read_text(encoding="utf-8")
    (own,) = re.findall(r"const OWN_CLAIMS = new Set\(\[(.*?)\]\)", claims, re.DOTALL)
    assert set(re.findall(r'"([\w-]+)"', own)) == formats.OWN_CLAIMS
    sync = (ROOT / "actions" / "sync-user.js").read_text(encoding="utf-8")
    (hosts,) = re.findall(r"const LOOPBACK = new Set\(\[(.*?)\]\)", sync, re.DOTALL)
    assert {host.strip("[]") for host in re.findall(r'"([^"]+)"', hosts)} == set(formats.LOOPBACK)
    assert SYNC_ROLE in formats.RESERVED_ROLES


# Documents ---------------------------------------------------------------------------------------------------------------------


def document(name: str) -> tuple[str, dict[str, Any]]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return text, yaml.safe_load(text)


def keys_of(model: type[BaseModel]) -> Iterator[str]:
    """Every key that a model knows, nested ones as well, by its last part."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        section = configuration._section(field)
        if section is not None:
            yield from keys_of(section)


def test_the_example_environment_is_valid_once_its_secrets_are_set():
    """`Pulumi.dev.yaml` can be copied: every key is known, every value allowed."""
    _, content = document("Pulumi.dev.yaml")
    values: dict[str, Any] = {
        key.removeprefix(f"{PROJECT}:"): value for key, value in content["config"].items()
    }
    assert leaks(values) == []
    values["hasura"] = {**values["hasura"], "adminSecret": SECRETS[0], "cloudToken": SECRETS[1]}
    changes = {**dict.fromkeys(SETTINGS), **values}
    changes |= {"databaseUrl": DATABASE_URL, "auth0:clientSecret": SECRETS[2]}
    settings = load(**changes)
    assert settings.hasura.kind == "cloud"


def test_the_example_environment_shows_the_defaults():
    """What it spells out as a default is one."""
    _, content = document("Pulumi.dev.yaml")
    settings = load()
    shown = {key.removeprefix(f"{PROJECT}:"): value for key, value in content["config"].items()}
    assert shown["appName"] == settings.app_name
    assert shown["framework"] == settings.framework
    assert tuple(shown["connections"]) == settings.connections
    for key, section in (
        ("roles", settings.roles),
        ("sync", settings.sync),
        ("usersTable", settings.users_table),
    ):
        fresh = type(section).model_validate(shown[key])
        assert fresh == section, key


@pytest.mark.parametrize("model", [Settings, Tenant])
def test_every_setting_is_explained_in_the_example_environment(model):
    """Comments included: an optional setting need not have a value there."""
    text, _ = document("Pulumi.dev.yaml")
    missing = [key for key in keys_of(model) if not re.search(rf"\b{key}\b", text)]
    assert missing == []


def test_the_project_declares_settings_that_exist_with_the_defaults_they_have():
    """Pulumi itself checks what `Pulumi.yaml` declares."""
    _, project = document("Pulumi.yaml")
    fields = {field.alias or name: field for name, field in Settings.model_fields.items()}
    for key, declared in project["config"].items():
        if key.startswith("pulumi:"):
            continue
        field = fields[key]
        assert declared["description"]
        assert ("default" in declared) == (not field.is_required()), key
        assert declared.get("default", field.default) == field.default, key
        assert bool(declared.get("secret")) == (not field.repr), key
    assert project["config"]["pulumi:disable-default-providers"] == {"value": ["*"]}
    assert {key for key, field in fields.items() if field.is_required()} <= set(project["config"])


def examples(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in model.model_fields.items():
        place = (*path, field.alias or name)
        section = configuration._section(field)
        assert field.examples or not field.repr or section, place
        for example in field.examples or []:
            yield place, example
        if section is not None:
            yield from examples(section, place)


def test_examples_in_problems_are_themselves_allowed():
    """Whoever types what the line says gets no second line about it."""

    base = {key: value for key, value in SETTINGS.items() if ":" not in key}
    for path, example in examples(Settings, ()):
        raw: Any = copy.deepcopy(base)
        if path[0] in ("callbacks", "logoutUrls", "webOrigins"):
            raw |= {"framework": "custom", "callbacks": ["https://a.example.com/callback"]}
        place = raw
        for part in path[:-1]:
            place = place.setdefault(part, {"columns": [{"name": "city", "type": "text"}]}.get(part, {}))
            place = place[0] if isinstance(place, list) else place
        place[path[-1]] = example
        Settings.model_validate(raw)
    for path, example in examples(Tenant, ()):
        Tenant.model_validate(
            {"domain": "a.example.com", "clientId": "x", "clientSecret": "y", path[0]: example}
        )
