"""What a deployment sees of the tenant: no difference where nothing changed, drift, secrets, other people's bindings, failures."""

from __future__ import annotations

import pytest

from providers.kit.values import UNKNOWN, Secret, reveal
from tests.plugin import Object, PluginError
from tests.sandbox_plugins.inputs import ACTION, API, APPLICATION, action, secrets
from tests.sandbox_plugins.plugins import Executable, settled, stand_in_only
from tests.sandbox_plugins.tenants import Place


def bindings(tenant: Place) -> list[str]:
    """Names of what is bound, in order."""
    listed = tenant.api("GET", "actions/triggers/post-login/bindings")["bindings"]
    return [item["display_name"] for item in listed]


def refs(*actions: tuple[str, str]) -> dict[str, object]:
    """A list of bindings as somebody else would write it."""
    return {
        "bindings": [
            {"display_name": name, "ref": {"type": "action_id", "value": ident}} for name, ident in actions
        ]
    }


def test_a_preview_calls_nothing(auth0: Executable, tenant: Place):
    """Check, diff and previewed creations and updates leave the tenant alone, unknown values or not."""
    auth0.create("TriggerAction", {"trigger": "post-login", "actionId": UNKNOWN}, preview=True)
    planned = auth0.create("Action", ACTION, preview=True)
    auth0.check("Client", APPLICATION)
    made = auth0.create("Action", ACTION)
    tenant.recorded()
    auth0.diff("Action", made, auth0.check("Action", action(code="// 2"), olds=made.inputs).inputs)
    auth0.update("Action", made, action(code="// 2"), preview=True)
    assert tenant.recorded() == []
    assert reveal(planned.state)["name"] == "sync"


def test_a_changed_action_is_one_change(auth0: Executable):
    """Only what changed is in the diff, and nothing forces a replacement; the order of secrets is none of it."""
    made = auth0.create("Action", ACTION)

    def changes(**inputs: object) -> tuple[set[str], list[str]]:
        checked = auth0.check("Action", action(**inputs), olds=made.inputs)
        found = auth0.diff("Action", made, checked.inputs)
        return {path.split("[")[0] for path in found.changes}, found.replaces

    assert changes(code="// 2") == ({"code"}, [])
    assert changes(secrets=secrets(URL="https://hasura.example", ADMIN_SECRET="other")) == ({"secrets"}, [])
    assert changes(secrets=ACTION["secrets"][::-1]) == (set(), [])


def test_an_unknown_secret_is_a_change(auth0: Executable):
    """A value that is known after the deployment only never counts as the one before."""
    made = auth0.create("Action", ACTION)
    news = action(secrets=[{"name": "URL", "value": UNKNOWN}, ACTION["secrets"][1]])
    checked = auth0.check("Action", news, olds=made.inputs)
    assert not checked.failures
    assert auth0.diff("Action", made, checked.inputs)


@pytest.mark.parametrize(
    ("kind", "inputs", "changed"),
    [
        ("ResourceServer", API, {"identifier": "https://other.example"}),
        ("ConnectionClient", {"connectionId": "con_a", "clientId": "b"}, {"clientId": "c"}),
        ("TriggerAction", {"trigger": "post-login", "actionId": "a", "displayName": "x"}, {"actionId": "b"}),
    ],
)
def test_another_identity_is_another_object(
    auth0: Executable, kind: str, inputs: dict[str, object], changed: dict[str, object]
):
    """What cannot be changed in place is replaced."""
    checked = auth0.check(kind, inputs).inputs
    old = Object("some-id", checked, {**checked, "id": "some-id"})
    found = auth0.diff(kind, old, auth0.check(kind, {**inputs, **changed}, olds=checked).inputs)
    assert found.replaces == list(changed)


def test_drift_is_seen(auth0: Executable, tenant: Place):
    """Changes by hand come back with a refresh: code, callback addresses, the authentication method, a binding's name."""
    client = auth0.create("Client", APPLICATION)
    credentials = auth0.create(
        "ClientCredentials", {"clientId": client.id, "authenticationMethod": "client_secret_post"}
    )
    act = auth0.create("Action", ACTION)
    binding = auth0.create("TriggerAction", {"trigger": "post-login", "actionId": act.id, "displayName": "a"})
    tenant.api("PATCH", f"clients/{client.id}", {"callbacks": ["https://evil.example"]})
    tenant.api("PATCH", f"clients/{client.id}", {"token_endpoint_auth_method": "none"})
    tenant.api("PATCH", "actions/triggers/post-login/bindings", refs(("b", act.id)))
    tenant.api("PATCH", f"actions/actions/{act.id}", {"code": "// by hand"})

    def drift(kind: str, made, declared) -> set[str]:
        found = auth0.read(kind, made.id, made)
        assert found is not None
        checked = auth0.check(kind, declared, olds=found.inputs)
        return {path.split("[")[0] for path in auth0.diff(kind, found, checked.inputs).changes}

    assert drift("Client", client, APPLICATION) == {"callbacks"}
    method = {"clientId": client.id, "authenticationMethod": "client_secret_post"}
    assert drift("ClientCredentials", credentials, method) == {"authenticationMethod"}
    assert drift("Action", act, ACTION) == {"code"}
    assert drift(
        "TriggerAction", binding, {"trigger": "post-login", "actionId": act.id, "displayName": "a"}
    ) == {"displayName"}


@pytest.mark.parametrize(("app_type", "left"), [("spa", "none"), ("regular_web", "client_secret_post")])
def test_the_method_none(auth0: Executable, tenant: Place, app_type: str, left: str):
    """It is set, read back and no difference; deletion gives the application the method that suits its type."""
    client = auth0.create("Client", {**APPLICATION, "appType": app_type})
    made = auth0.create("ClientCredentials", {"clientId": client.id, "authenticationMethod": "none"})
    settled(auth0, "ClientCredentials", made)
    assert tenant.api("GET", f"clients/{client.id}")["token_endpoint_auth_method"] == "none"
    auth0.delete("ClientCredentials", made)
    assert tenant.api("GET", f"clients/{client.id}")["token_endpoint_auth_method"] == left


def test_what_the_program_no_longer_sets_stays(auth0: Executable, tenant: Place):
    """A property that is left out is the tenant's, be it shown as a change or not; the description has a default of its own."""
    declared = {**APPLICATION, "description": "mine"}
    made = auth0.create("Client", declared)

    def changes(without: str) -> set[str]:
        fewer = {key: value for key, value in declared.items() if key != without}
        checked = auth0.check("Client", fewer, olds=made.inputs)
        auth0.update("Client", made, fewer)
        found = auth0.diff("Client", made, checked.inputs).changes
        return set(found) - {"jwtConfiguration.scopes"}

    before = tenant.api("GET", f"clients/{made.id}")
    assert [changes(name) for name in ("callbacks", "grantTypes", "jwtConfiguration")] == [set()] * 3
    assert [changes(name) for name in ("webOrigins", "appType")] == [{"webOrigins"}, {"appType"}]
    assert tenant.api("GET", f"clients/{made.id}") == before
    assert changes("description") == {"description"}
    assert tenant.api("GET", f"clients/{made.id}")["description"] == "Managed by Pulumi"


def test_empty_lists_are_values(auth0: Executable, tenant: Place):
    """An application that loses its last address loses it in the tenant, too, and is no difference afterwards."""
    made = auth0.create("Client", APPLICATION)
    empty = {**APPLICATION, "callbacks": [], "allowedLogoutUrls": [], "webOrigins": []}
    made = auth0.update("Client", made, empty)
    live = tenant.api("GET", f"clients/{made.id}")
    assert (live["callbacks"], live["allowed_logout_urls"], live["web_origins"]) == ([], [], [])
    settled(auth0, "Client", made)


def test_a_binding_that_exists_is_taken_over(auth0: Executable, tenant: Place):
    """An Action that somebody has bound already keeps its place and its name."""
    act = auth0.create("Action", ACTION)
    tenant.api("PATCH", "actions/triggers/post-login/bindings", refs(("by hand", act.id)))
    auth0.create("TriggerAction", {"trigger": "post-login", "actionId": act.id, "displayName": "mine"})
    assert bindings(tenant) == ["by hand"]


@stand_in_only
def test_secrets_stay_secret(auth0: Executable, tenant: Place):
    """In state after create, read and update: an Action's values and the application's secret, wrapped wherever they lie."""
    client = auth0.create("Client", APPLICATION)
    credentials = auth0.create(
        "ClientCredentials", {"clientId": client.id, "authenticationMethod": "client_secret_post"}
    )
    live = tenant.api("GET", f"clients/{client.id}")["client_secret"]
    for found in (credentials, auth0.read("ClientCredentials", credentials.id, credentials)):
        assert found is not None
        assert isinstance(found.state["clientSecret"], Secret)
        assert reveal(found.state["clientSecret"]) == live
    plain = action(secrets=[{"name": "ADMIN_SECRET", "value": "the-admin-secret"}])
    act = auth0.create("Action", plain)
    again = auth0.update("Action", act, {**plain, "code": "// 2"})
    for found in (act, again, auth0.read("Action", act.id, again)):
        assert found is not None
        for props in (found.inputs, found.state):
            (item,) = props["secrets"]
            assert isinstance(item["value"], Secret)
            assert item["value"].value == "the-admin-secret"
    assert not [line for line in auth0.engine.lines if "the-admin-secret" in line or live in line]


def test_other_peoples_bindings_survive(auth0: Executable, tenant: Place):
    """Whoever else has Actions in the login flow finds them there, in order, before, during and after."""
    theirs = [auth0.create("Action", action(name=name)).id for name in ("first", "last")]
    tenant.api(
        "PATCH", "actions/triggers/post-login/bindings", refs(("first", theirs[0]), ("last", theirs[1]))
    )
    mine = auth0.create("Action", ACTION)
    made = auth0.create(
        "TriggerAction", {"trigger": "post-login", "actionId": mine.id, "displayName": "mine"}
    )
    assert bindings(tenant) == ["first", "last", "mine"]
    moved = refs(("first", theirs[0]), ("mine", mine.id), ("last", theirs[1]))
    tenant.api("PATCH", "actions/triggers/post-login/bindings", moved)
    auth0.update(
        "TriggerAction", made, {"trigger": "post-login", "actionId": mine.id, "displayName": "renamed"}
    )
    assert bindings(tenant) == ["first", "renamed", "last"]
    auth0.delete("TriggerAction", made)
    assert bindings(tenant) == ["first", "last"]


def test_a_failed_deployment_of_a_new_action_is_partial(auth0: Executable, tenant: Place):
    """The id reaches the engine, so that the next deployment goes on with this Action; its secrets stay out of the message."""
    tenant.plan(("/deploy", 400, {}))
    with pytest.raises(PluginError) as failed:
        auth0.create("Action", ACTION)
    assert failed.value.partial
    (kept,) = tenant.api("GET", "actions/actions")["actions"]
    assert failed.value.id == kept["id"]
    assert "the-admin-secret" not in str(failed.value)
    tenant.plan((f"PATCH actions/actions/{kept['id']}", 400, {}))
    made = auth0.read("Action", kept["id"], Object(kept["id"], auth0.check("Action", ACTION).inputs, {}))
    assert made is not None
    with pytest.raises(PluginError, match="a planned fault"):
        auth0.update("Action", made, action(code="// 2"))


@stand_in_only
def test_failures_are_one_sentence(auth0: Executable, tenant: Place):
    """What the tenant refuses is named with its reason; nothing exists afterwards."""
    binding = {"trigger": "post-login", "actionId": "no-such-action", "displayName": "x"}
    with pytest.raises(PluginError, match=r"^Auth0 answered PATCH .*/bindings with 4..: .*\.$") as failed:
        auth0.create("TriggerAction", binding)
    assert not failed.value.partial
    with pytest.raises(
        PluginError, match=r"^Auth0 has no connection 'nobody'; it has: Username-Password-Authentication\.$"
    ):
        auth0.invoke("getConnection", {"name": "nobody"})
    assert bindings(tenant) == []


@stand_in_only
def test_what_a_stand_in_does_not_know_is_refused_by_name(auth0: Executable):
    """Nothing that the program sets is dropped silently: properties, nested ones, settings, whole resources."""
    unknown = "is not known to the sandbox's stand-in for this plugin, which serves what this stack declares"
    checked = auth0.check(
        "Client", {**APPLICATION, "crossOriginAuth": True, "jwtConfiguration": {"scopes": {}}}
    )
    assert checked.failures["crossOriginAuth"] == unknown
    nested = auth0.check("Client", {**APPLICATION, "jwtConfiguration": {"scopes": {}}})
    assert nested.failures == {"jwtConfiguration.scopes": unknown}
    assert auth0.check_config({"domain": "a.example", "cliLogin": "true"}).failures == {"cliLogin": unknown}
    with pytest.raises(
        PluginError, match="stand-in for the plugin auth0 has no resource 'auth0:index/role:Role'"
    ):
        auth0.check("Role", {"name": "admin"})


@stand_in_only
def test_what_the_published_plugin_made_is_taken_over(auth0: Executable):
    """Its notes among the inputs are no difference, be secrets wrapped one by one or as a list, and hold nothing back."""
    made = auth0.create("Action", ACTION)
    noted = [{**item, "__defaults": []} for item in made.inputs["secrets"]]
    inputs = {
        **made.inputs,
        "__defaults": [],
        "supportedTriggers": {**made.inputs["supportedTriggers"], "__defaults": []},
        "secrets": Secret(reveal(noted)),
    }
    theirs = Object(made.id, inputs, {**made.state, "__meta": "{}"})
    assert not auth0.diff("Action", theirs, made.inputs)
    assert auth0.read("Action", theirs.id, theirs) is not None
    assert auth0.update("Action", theirs, action(code="// 2")).id == made.id
    auth0.delete("Action", theirs)
