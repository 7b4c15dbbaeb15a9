"""Actions, their versions and bindings: what a stack relies on when it deploys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.auth0.management.triggers import deployed_actions
from tests.sandbox_auth0.management_kit import Api, http_client, make_tenant


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    tenant = make_tenant(tmp_path)
    with http_client(tenant) as http:
        yield Api(http, tenant)
    tenant.store.close()


def test_new_action_is_pending_and_built_soon(api):
    """A created Action is a pending draft on node22, is built a moment later and has no version."""
    body = {"name": "a", "supported_triggers": [{"id": "post-login", "version": "v3"}], "code": "x"}
    created = api("POST", "/actions/actions", body, status=201)
    assert created["status"] == "pending"
    assert created["runtime"] == "node22"
    assert created["dependencies"] == created["secrets"] == []
    assert created["all_changes_deployed"] is False
    built = api.built(created["id"])
    assert "deployed_version" not in built
    assert "current_version" not in built


def test_build_does_not_check_syntax(api):
    """Broken JavaScript builds and deploys, as it does at Auth0."""
    action = api.deployed(code="exports.onExecutePostLogin = async (")
    assert action["deployed_version"]["deployed"] is True


def test_deploy_answers_the_version_and_a_later_get_shows_it_live(api):
    """The answer to deploy says `deployed: false`; the next GET has both versions and no open changes."""
    action = api.action(secrets=[{"name": "KEY", "value": "s3cret"}])
    version = api("POST", f"/actions/actions/{action['id']}/deploy")
    assert (version["number"], version["deployed"], version["status"]) == (1, False, "built")
    assert version["action"]["id"] == action["id"]
    after = api("GET", f"/actions/actions/{action['id']}")
    assert after["all_changes_deployed"] is True
    assert after["current_version"]["status"] == "BUILT"
    assert after["deployed_version"]["id"] == version["id"]
    assert after["deployed_version"]["deployed"] is True


def test_pending_draft_cannot_be_deployed(api):
    """Deploying before the build has ended is refused."""
    body = {
        "name": "a",
        "supported_triggers": [{"id": "post-login"}],
        "dependencies": [{"name": "lodash", "version": "4"}],
    }
    created = api("POST", "/actions/actions", body, status=201)
    refused = api("POST", f"/actions/actions/{created['id']}/deploy", status=400)
    assert "'built' state" in refused["message"]


def test_update_keeps_what_it_omits_and_empties_lists(api):
    """PATCH without secrets keeps them, with `[]` empties them; the draft is pending again."""
    action = api.action(secrets=[{"name": "A", "value": "1"}])
    path = f"/actions/actions/{action['id']}"
    kept = api("PATCH", path, {"code": "// 2"})
    assert (kept["status"], kept["code"]) == ("pending", "// 2")
    assert [secret["name"] for secret in kept["secrets"]] == ["A"]
    assert api("PATCH", path, {"secrets": []})["secrets"] == []


def test_secret_values_never_leave(api):
    """No answer of any route holds the value of a secret."""
    action = api.deployed(secrets=[{"name": "KEY", "value": "do-not-tell"}])
    api.bind(action["id"])
    paths = [
        f"/actions/actions/{action['id']}",
        "/actions/actions",
        f"/actions/actions/{action['id']}/versions",
    ]
    paths.append("/actions/triggers/post-login/bindings")
    for path in paths:
        text = api.http.get(f"/api/v2{path}").text
        assert "KEY" in text
        assert "do-not-tell" not in text


def test_login_runs_the_deployed_version_not_the_draft(api):
    """What runs is the snapshot of the last deployment, code and secrets, in the order of the bindings."""
    first = api.deployed("first", code="// one", secrets=[{"name": "KEY", "value": "old"}])
    second = api.deployed("second", code="// two")
    api.bind(second["id"], first["id"])
    api(
        "PATCH",
        f"/actions/actions/{first['id']}",
        {"code": "// new", "secrets": [{"name": "KEY", "value": "new"}]},
    )
    running = deployed_actions(api.tenant, "post-login")
    assert [action["name"] for action in running] == ["second", "first"]
    assert running[1]["code"] == "// one"
    assert running[1]["secrets"] == {"KEY": "old"}
    assert running[1]["version_id"] == first["deployed_version"]["id"]
    api.built(first["id"])
    api("POST", f"/actions/actions/{first['id']}/deploy")
    assert deployed_actions(api.tenant, "post-login")[1]["secrets"] == {"KEY": "new"}


def test_roll_back_deploys_an_earlier_version_as_a_new_one(api):
    """Deploying version 1 again makes version 3 with its code; the draft stays unless asked otherwise."""
    action = api.deployed(code="// 1")
    path = f"/actions/actions/{action['id']}"
    api("PATCH", path, {"code": "// 2"})
    api.built(action["id"])
    api("POST", f"{path}/deploy")
    versions = api("GET", f"{path}/versions")["versions"]
    assert [version["number"] for version in versions] == [2, 1]
    assert [version["deployed"] for version in versions] == [True, False]
    rolled = api("POST", f"{path}/versions/{versions[1]['id']}/deploy", {}, status=202)
    assert (rolled["number"], rolled["code"]) == (3, "// 1")
    after = api("GET", path)
    assert after["code"] == "// 2"
    assert after["deployed_version"]["code"] == "// 1"
    assert after["all_changes_deployed"] is False


def test_bound_action_cannot_be_deleted_unless_forced(api):
    """DELETE is 409 while bound; `force=true` unbinds it and leaves the others."""
    first, second = api.deployed("first"), api.deployed("second")
    api.bind(first["id"], second["id"])
    refused = api("DELETE", f"/actions/actions/{first['id']}", status=409)
    assert refused["message"] == "Unable to delete an action bound to a trigger."
    api("DELETE", f"/actions/actions/{first['id']}?force=true", status=204)
    assert [binding["action"]["id"] for binding in api.bound()["bindings"]] == [second["id"]]
    gone = api("GET", f"/actions/actions/{first['id']}", status=404)
    assert gone == {"statusCode": 404, "error": "Not Found", "message": "That action does not exist."}


def test_bindings_are_replaced_as_a_whole_with_new_ids(api):
    """A PATCH is the whole list, and every binding is a new one."""
    first, second = api.deployed("first"), api.deployed("second")
    before = api.bind(first["id"])["bindings"]
    after = api.bind(first["id"], second["id"])["bindings"]
    assert before[0]["id"] not in [binding["id"] for binding in after]
    assert [binding["display_name"] for binding in after] == ["first", "second"]
    assert api.bind(second["id"])["bindings"][0]["action"]["id"] == second["id"]
    assert len(api.bound()["bindings"]) == 1


def test_bindings_are_paged_without_zero_values(api):
    """Page 0 has a total and no page; a page past the end has a page and no total; an empty list neither."""
    assert api.bound("?per_page=50") == {"bindings": [], "per_page": 50}
    api.bind(api.deployed()["id"])
    first = api.bound("?page=0&per_page=100")
    assert (first["total"], first["per_page"]) == (1, 100)
    assert "page" not in first
    assert api.bound("?page=1&per_page=100") == {"bindings": [], "page": 1, "per_page": 100}


def test_binding_needs_a_deployed_action_of_the_trigger(api):
    """An undeployed Action and one of another trigger are refused in the API's words."""
    refused = api.bind(api.action("draft")["id"], status=400)
    assert refused["message"] == "Trying to create a binding for an action that has not been deployed yet"
    other = api.deployed("m2m", supported_triggers=[{"id": "credentials-exchange", "version": "v2"}])
    refused = api.bind(other["id"], status=400)
    assert refused["message"] == "Trying to create a binding between an incompatible action and trigger."
    assert api.bound()["bindings"] == []


def test_names_of_actions_are_unique_and_found(api):
    """A second Action of a name is a conflict; a list by name finds the one."""
    action = api.action("sync")
    body = {"name": "sync", "supported_triggers": [{"id": "post-login"}]}
    assert api("POST", "/actions/actions", body, status=409)["error"] == "Conflict"
    found = api("GET", "/actions/actions?actionName=sync&per_page=50")
    assert (found["total"], found["actions"][0]["id"]) == (1, action["id"])
    assert api("GET", "/actions/actions?actionName=none&per_page=50") == {"actions": [], "per_page": 50}


def test_dependency_that_is_a_module_of_node_fails_to_build(api):
    """npm has only placeholders under the names of Node's modules: the build retries and is never `built`."""
    body = {
        "name": "a",
        "supported_triggers": [{"id": "post-login"}],
        "dependencies": [{"name": "crypto", "version": "17.7.1"}],
    }
    created = api("POST", "/actions/actions", body, status=201)
    assert api("GET", f"/actions/actions/{created['id']}")["status"] in ("building", "retrying")
    stored = api.tenant.store.get("action", created["id"])
    stored["_build_began"] -= 60
    api.tenant.store.put("action", created["id"], stored)
    assert api("GET", f"/actions/actions/{created['id']}")["status"] == "failed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "Expected type string but found type null' on property name"),
        ({"supported_triggers": []}, "Array is too short (0), minimum 1' on property supported_triggers"),
        ({"runtime": "node8"}, "No enum match for: node8' on property runtime"),
        ({"code": "x" * 100_001}, "String is too long (100001 chars), maximum 100000' on property code"),
        ({"secrets": [{"value": "x"}]}, "Missing required property: name' on property secrets[0]"),
    ],
)
def test_bad_bodies_are_refused_in_the_words_of_the_api(api, change, message):
    """A body that does not fit the schema answers 400 `invalid_body` and names the property."""
    body = {"name": "a", "supported_triggers": [{"id": "post-login"}], **change}
    refused = api("POST", "/actions/actions", body, status=400)
    assert refused["errorCode"] == "invalid_body"
    assert message in refused["message"]
    assert refused["message"].startswith("Payload validation error: '")
