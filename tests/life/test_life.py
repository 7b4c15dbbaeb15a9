"""From the first `pulumi up` to the last `pulumi destroy`: each test looks at one step of the story of `tests/life/story.py`.

Any test may be run alone: it lives as much of the life as it needs.
"""

from __future__ import annotations

import base64
import json

import pytest

from ops.stack import AUDIENCE
from tests.life.breaking import EXPECTED
from tests.life.story import Story

CLAIMS = "https://hasura.io/jwt/claims"
ON_THE_WAY = {
    "Table users": "update",
    "Metadata hasura-metadata": "update",
    "Action login-sync-user": "update",
    "Stash proof-revision": "update",
    "Stash proof": "update",
}


def claims_of(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_the_first_deployment_ends_with_a_proof_of_every_link(story: Story):
    """One `up`: everything is made, and each link is said to hold."""
    assert set(story.deployed.changes.values()) == {"create"}
    for link in ("application", "audience", "Actions", "login flow", "Hasura", "token verification"):
        assert f"{link}: " in story.deployed.text
    assert "sync: a probe user's row was written by the deployed Action" in story.deployed.text
    assert not [email for email in story.rows() if "probe" in email]


def test_whoever_logs_in_has_a_row(story: Story):
    """The row carries what Auth0 knows of the person."""
    _ = story.person
    row = story.row
    assert row["federated_id"].startswith("auth0|")
    assert row["name"] == story.email and row["auth0_updated_at"] and row["last_login_at"]


def test_a_token_opens_the_row_of_its_owner_and_no_other(story: Story):
    """Claims for Hasura are in both tokens; Hasura takes the access token."""
    tokens, row = story.person, story.row
    expected = {
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-user-id": row["federated_id"],
    }
    access = claims_of(tokens.access_token)
    assert access[CLAIMS] == claims_of(tokens.id_token)[CLAIMS] == expected
    audiences = access["aud"]
    assert isinstance(audiences, list) and AUDIENCE in audiences
    answer = story.reading
    assert answer == {"data": {"users": [{"email": story.email, "federated_id": row["federated_id"]}]}}


def test_a_second_deployment_finds_nothing_to_do(story: Story):
    """`up --refresh` right after: every resource is as declared, and nothing is written to Auth0."""
    up, writes = story.repeated
    assert up.ok, up.errors
    assert up.changes == {}
    assert writes == []


def test_a_preview_with_refresh_shows_every_change_made_behind_the_back(story: Story):
    """One line each, with the property: constraint, privilege, metadata, variable, code, binding; and that the way is proved again."""
    drift = story.drifted
    assert drift.changes == {
        "Table users": "update",
        "Grant users-hasura-rows": "update",
        "Metadata hasura-metadata": "update",
        "CloudEnvironment hasura-environment": "update",
        "Action login-sync-user": "update",
        "TriggerAction login-sync-user": "create",
        "Stash proof-revision": "update",
        "Stash proof": "update",
    }
    assert drift.diffs["Table users"] == ["uniqueConstraints[0]"]
    assert drift.diffs["CloudEnvironment hasura-environment"] == ["variables.HASURA_GRAPHQL_JWT_SECRET"]
    assert drift.diffs["Action login-sync-user"] == ["code"]
    assert [path.split("[")[0] for path in drift.diffs["Grant users-hasura-rows"]] == ["privileges"]
    assert drift.diffs["Metadata hasura-metadata"][0].startswith("fragment.sources[0].tables")


def test_up_with_refresh_mends_it_and_proves_the_result(story: Story):
    """What drifted is put back, nothing else is touched, and a person can log in as before."""
    mended = story.mended
    assert mended.ok, mended.errors
    assert set(mended.changes) == set(story.drifted.changes)
    assert "sync: a probe user's row was written" in mended.text
    _ = story.came_back
    before, after = story.row_before_return, story.row_after_return
    assert after["id"] == before["id"] and after["last_login_at"] > before["last_login_at"]


def test_a_change_of_the_configuration_concerns_the_resources_that_it_names(story: Story):
    """A further column, and a further synced one: table, metadata and sync Action; and the way will be proved again."""
    changed = story.changed
    assert changed.changes == ON_THE_WAY, changed.diffs
    assert changed.diffs["Action login-sync-user"] == ["secrets[4].value"]  # SYNC: names are sorted
    for name in ("city", "nickname"):
        assert f"ADD COLUMN {name} text" in changed.text


def test_a_deployment_whose_proof_fails_is_a_failed_deployment(story: Story):
    """One sentence says which link is broken and what to do; what was done is in the state."""
    failed = story.failed
    assert not failed.ok
    (error,) = [text for text in failed.errors if "Broken link" in text]
    assert "Broken link “token verification”: Hasura refuses a token" in error and "JWTNotInAudience" in error
    assert "pulumi up --refresh" in error
    assert "Traceback" not in failed.text + failed.stderr
    assert {"city", "nickname"} <= set(story.columns_after_failure)


def test_the_next_deployment_proves_again(story: Story):
    """It deploys the Actions anew as it was asked to, with their secrets put right, and in their order."""
    proved = story.proved
    assert proved.ok, proved.errors
    assert proved.changes == {
        "Action login-sync-user": "update",
        "Action login-hasura-claims": "create-replacement",
        "TriggerAction login-hasura-claims": "create-replacement",
        "Stash proof-chain": "update",
        "Stash proof-revision": "update",
        "Stash proof": "update",
    }
    assert "sync: a probe user's row was written" in proved.text
    ours = [action for action, _ in story.bound_after_proof if action not in story.others.actions]
    assert ours == [story.chain["sync_action_id"], story.chain["claims_action_id"]]


@pytest.mark.parametrize("way", EXPECTED)
def test_a_proof_names_the_link_that_is_broken(story: Story, way: str):
    """With what was found there; never with a secret."""
    broken = story.broken[way]
    link, found = EXPECTED[way]
    assert broken is not None, f"the proof holds although {way}"
    assert broken.link == link
    assert found in broken.found
    assert [name for name, secret in story.known_secrets().items() if secret in str(broken)] == []


def test_every_way_to_break_a_link_is_tried(story: Story):
    """The table of expectations and the ways are the same."""
    assert set(story.broken) == set(EXPECTED)


def test_destroy_leaves_nothing_of_the_stack(story: Story):
    """No application, API, Action, binding, table, role, source, permission or variable of ours."""
    destroyed = story.destroyed
    assert destroyed.ok, destroyed.errors
    assert set(destroyed.changes.values()) == {"delete"}
    assert story.left == {
        "clients": [],
        "APIs": [],
        "actions": [],
        "bindings": [],
        "tables": [],
        "roles": [],
        "metadata": [],
        "variables": [],
        "grants": [],
    }


def test_what_others_own_is_untouched_byte_for_byte(story: Story):
    """Through deployments, drift, repairs, failures, replacements and the destroy."""
    _ = story.destroyed
    assert story.others_after == story.before


def test_rows_that_are_to_be_kept_outlive_a_destroy(story: Story):
    """Schema, table and row stay; the role and everything in Auth0 and Hasura goes."""
    kept = story.kept
    assert kept.ok, kept.errors
    assert story.left_after_keeping["tables"] == ["app.users"]
    others = {name: things for name, things in story.left_after_keeping.items() if name != "tables"}
    assert all(things == [] for things in others.values()), others


def test_a_kept_table_serves_the_next_deployment(story: Story):
    """The person's row is the same one as before."""
    again = story.again
    assert again.ok, again.errors
    _ = story.returned
    assert story.row_again["id"] == story.row_kept["id"]


def test_an_engine_that_cannot_be_reached_is_said_in_a_sentence(story: Story):
    """Which one, and what to check; no traceback."""
    gone = story.without_hasura
    assert not gone.ok
    assert "Traceback" not in gone.text + gone.stderr
    (said,) = [text for text in gone.errors if text != "update failed"]
    assert f"Hasura at {story.status['app']['url']}" in said


def test_a_database_that_cannot_be_reached_is_said_in_a_sentence(story: Story):
    """Which one, and what to check; no traceback, and no password."""
    gone = story.without_database
    assert not gone.ok
    assert "Traceback" not in gone.text + gone.stderr
    (said,) = [text for text in gone.errors if text != "update failed"]
    assert "Postgres at 127.0.0.1:1/app cannot be used" in said and "Connection refused" in said
    assert "check that it runs and that databaseUrl is right" in said


def test_no_secret_stands_in_plain_text_anywhere(story: Story):
    """Not in the engine's output, diffs and errors included, not in the state, not in the sandbox's logs."""
    _ = story.without_database
    places = {
        f"output of command {number}": run.text + run.stderr for number, run in enumerate(story.engine.runs)
    }
    places |= {f"state {number}": text for number, text in enumerate(story.texts)}
    places |= {
        log.name: log.read_text(encoding="utf-8", errors="replace")
        for log in (story.state / "logs").iterdir()
    }
    assert len(places) > 10
    leaks = [
        f"{name} in {place}"
        for place, text in places.items()
        for name, secret in story.known_secrets().items()
        if secret in text
    ]
    assert leaks == []
