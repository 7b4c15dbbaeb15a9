"""What the plugin sends: the order of requests and their bodies, as recorded from the published plugin 3.49."""

from __future__ import annotations

from tests.sandbox_plugins.inputs import ACTION, API, APPLICATION, action, secrets
from tests.sandbox_plugins.plugins import Executable, settled
from tests.sandbox_plugins.tenants import Place, Sent

BINDINGS = "actions/triggers/post-login/bindings"
PAGES = [f"GET {BINDINGS}?page=0&per_page=100", f"GET {BINDINGS}?page=1&per_page=100"]


def bound(*actions: tuple[str, str]) -> Sent:
    """The PATCH of the whole list of bindings, by name and Action."""
    refs = [{"display_name": name, "ref": {"type": "action_id", "value": ident}} for name, ident in actions]
    return Sent(f"PATCH {BINDINGS}", {"bindings": refs})


def test_resource_server(auth0: Executable, tenant: Place):
    """Each write is read back; the identifier is never sent again."""
    made = auth0.create("ResourceServer", API)
    at = f"resource-servers/{made.id}"
    body = {
        "name": "API",
        "identifier": "https://api.example",
        "signing_alg": "RS256",
        "allow_offline_access": True,
    }
    assert tenant.taken() == [Sent("POST resource-servers", body), Sent(f"GET {at}")]
    settled(auth0, "ResourceServer", made)
    assert tenant.lines() == [f"GET {at}"]
    made = auth0.update("ResourceServer", made, {**API, "name": "Renamed"})
    body = {"name": "Renamed", "signing_alg": "RS256", "allow_offline_access": True}
    assert tenant.taken() == [Sent(f"PATCH {at}", body), Sent(f"GET {at}")]
    auth0.delete("ResourceServer", made)
    assert tenant.lines() == [f"DELETE {at}"]
    assert auth0.read("ResourceServer", made.id, made) is None


def test_client(auth0: Executable, tenant: Place):
    """The plugin's own defaults: a description, and an authentication method on creation alone."""
    body = {
        "name": "Web",
        "description": "Managed by Pulumi",
        "app_type": "regular_web",
        "callbacks": ["https://app.example/auth/callback"],
        "allowed_logout_urls": ["https://app.example"],
        "web_origins": ["https://app.example"],
        "oidc_conformant": True,
        "grant_types": ["authorization_code", "refresh_token"],
        "jwt_configuration": {"alg": "RS256"},
    }
    made = auth0.create("Client", APPLICATION)
    at = f"clients/{made.id}"
    created = {**body, "token_endpoint_auth_method": "client_secret_post"}
    assert tenant.taken() == [Sent("POST clients", created), Sent(f"GET {at}")]
    settled(auth0, "Client", made)
    assert tenant.lines() == [f"GET {at}"]
    made = auth0.update("Client", made, {**APPLICATION, "callbacks": []})
    assert tenant.taken() == [Sent(f"PATCH {at}", {**body, "callbacks": []}), Sent(f"GET {at}")]
    auth0.delete("Client", made)
    assert tenant.lines() == [f"DELETE {at}"]


def test_client_credentials(auth0: Executable, tenant: Place):
    """The method is set on an application that is known to exist; deletion gives the default method back."""
    client = auth0.create("Client", APPLICATION).id
    tenant.taken()
    at, inputs = f"clients/{client}", {"clientId": client, "authenticationMethod": "none"}
    looked = Sent(f"GET {at}?fields=client_id&include_fields=true")
    made = auth0.create("ClientCredentials", inputs)
    assert tenant.taken() == [
        looked,
        Sent(f"PATCH {at}", {"token_endpoint_auth_method": "none"}),
        Sent(f"GET {at}"),
    ]
    settled(auth0, "ClientCredentials", made)
    assert tenant.lines() == [f"GET {at}"]
    made = auth0.update("ClientCredentials", made, {**inputs, "authenticationMethod": "client_secret_post"})
    back = Sent(f"PATCH {at}", {"token_endpoint_auth_method": "client_secret_post"})
    assert tenant.taken() == [looked, back, Sent(f"GET {at}")]
    auth0.delete("ClientCredentials", made)
    assert tenant.taken() == [
        Sent(f"GET {at}?fields=client_id%2Capp_type&include_fields=true"),
        Sent(f"GET {at}/credentials?include_totals=true&per_page=50"),
        back,
    ]


def test_connection_client(auth0: Executable, tenant: Place):
    """One application is switched on and off in a connection; others are not named."""
    client = auth0.create("Client", APPLICATION).id
    tenant.taken()
    at = f"connections/{tenant.connection_id}"
    reads = [Sent(f"GET {at}/clients"), Sent(f"GET {at}?fields=strategy%2Cname&include_fields=true")]
    made = auth0.create("ConnectionClient", {"connectionId": tenant.connection_id, "clientId": client})
    on = Sent(f"PATCH {at}/clients", [{"client_id": client, "status": True}])
    assert tenant.taken() == [on, *reads]
    settled(auth0, "ConnectionClient", made)
    assert tenant.taken() == reads
    auth0.delete("ConnectionClient", made)
    assert tenant.taken() == [Sent(f"PATCH {at}/clients", [{"client_id": client, "status": False}])]
    assert auth0.read("ConnectionClient", made.id, made) is None


def test_action(auth0: Executable, tenant: Place):
    """Built, deployed, read; secrets sorted, and sent only when one of them changes, then all of them."""
    made = auth0.create("Action", ACTION)
    at = f"actions/actions/{made.id}"
    deployed = [Sent(f"GET {at}"), Sent(f"POST {at}/deploy"), Sent(f"GET {at}")]
    body = {
        "name": "sync",
        "supported_triggers": [{"id": "post-login", "version": "v3"}],
        "code": ACTION["code"],
        "runtime": "node22",
    }
    values = [
        {"name": "ADMIN_SECRET", "value": "the-admin-secret"},
        {"name": "URL", "value": "https://hasura.example"},
    ]
    assert tenant.taken() == [Sent("POST actions/actions", {**body, "secrets": values}), *deployed]
    settled(auth0, "Action", made)
    assert tenant.lines() == [f"GET {at}"]
    made = auth0.update("Action", made, action(code="// 2"))
    body["code"] = "// 2"
    assert tenant.taken() == [Sent(f"PATCH {at}", body), *deployed]
    made = auth0.update(
        "Action", made, action(code="// 2", secrets=secrets(URL="other", ADMIN_SECRET="same"))
    )
    values = [{"name": "ADMIN_SECRET", "value": "same"}, {"name": "URL", "value": "other"}]
    changed = Sent(f"PATCH {at}", {**body, "secrets": values})
    assert tenant.taken() == [Sent(f"GET {at}"), changed, *deployed]
    made = auth0.update("Action", made, action(code="// 2", secrets=[]))
    cleared = Sent(f"PATCH {at}", {**body, "secrets": []})
    assert tenant.taken() == [Sent(f"GET {at}"), cleared, *deployed]
    auth0.delete("Action", made)
    assert tenant.lines() == [f"DELETE {at}"]
    assert auth0.read("Action", made.id, made) is None


def test_trigger_action(auth0: Executable, tenant: Place):
    """The tenant's whole list is read and written back with the own entry; page 1 ends the reading."""
    first = auth0.create("Action", ACTION).id
    second = auth0.create("Action", action(name="claims")).id
    tenant.taken()
    one = auth0.create("TriggerAction", {"trigger": "post-login", "actionId": first, "displayName": "one"})
    short = Sent(f"GET {BINDINGS}?per_page=50")
    pages = [Sent(line) for line in PAGES]
    assert tenant.taken() == [short, bound(("one", first)), *pages]
    settled(auth0, "TriggerAction", one)
    assert tenant.taken() == pages
    inputs = {"trigger": "post-login", "actionId": second, "displayName": "two"}
    two = auth0.create("TriggerAction", inputs)
    assert tenant.taken() == [short, bound(("one", first), ("two", second)), *pages]
    two = auth0.update("TriggerAction", two, {**inputs, "displayName": "second"})
    assert tenant.taken() == [*pages, bound(("one", first), ("second", second)), *pages]
    auth0.delete("TriggerAction", one)
    assert tenant.taken() == [short, bound(("second", second))]
    assert auth0.read("TriggerAction", one.id, one) is None
    auth0.delete("TriggerAction", two)
    assert tenant.taken()[-2:] == [short, bound()]


def test_data_source(auth0: Executable, tenant: Place):
    """A connection is found by its name in the list of all, with the applications that may use it."""
    client = auth0.create("Client", APPLICATION).id
    auth0.create("ConnectionClient", {"connectionId": tenant.connection_id, "clientId": client})
    tenant.taken()
    found = auth0.invoke("getConnection", {"name": "Username-Password-Authentication"})
    assert (found["id"], found["strategy"], found["enabledClients"]) == (
        tenant.connection_id,
        "auth0",
        [client],
    )
    assert tenant.lines() == [
        "GET connections?include_totals=true&per_page=50&take=100",
        f"GET connections/{tenant.connection_id}/clients",
    ]


def test_what_is_gone_is_no_failure_to_delete(auth0: Executable, tenant: Place):
    """A destroy goes through where somebody was faster, each deletion in as many words as ever."""
    client = auth0.create("Client", APPLICATION)
    api = auth0.create("ResourceServer", API)
    act = auth0.create("Action", ACTION)
    enabled = auth0.create("ConnectionClient", {"connectionId": tenant.connection_id, "clientId": client.id})
    binding = auth0.create(
        "TriggerAction", {"trigger": "post-login", "actionId": act.id, "displayName": "sync"}
    )
    tenant.clear()
    for kind, made in (
        ("TriggerAction", binding),
        ("Action", act),
        ("ConnectionClient", enabled),
        ("ResourceServer", api),
        ("Client", client),
    ):
        assert auth0.read(kind, made.id, made) is None
        auth0.delete(kind, made)
