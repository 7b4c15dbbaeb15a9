"""`hasura:index:CloudEnvironment` over gRPC against a small Hasura Cloud."""

from __future__ import annotations

import threading

import pytest

from providers.hasura import transport
from providers.kit.values import UNKNOWN, Secret
from tests.plugin import Plugin, PluginError
from tests.providers_hasura.fakes import INTERNAL_ERROR, FakeCloud, FakeEngine

KIND = "CloudEnvironment"


def declared(cloud: FakeCloud, /, **variables: object) -> dict[str, object]:
    return {"projectId": cloud.project, "variables": variables}


def test_variables_live_from_create_to_delete_and_others_stay(plugin: Plugin, cloud: FakeCloud) -> None:
    made = plugin.create(KIND, declared(cloud, A="value-a", B="value-b"))
    assert made.id == cloud.project and made.state["adopted"] == []
    assert cloud.variables == {"OTHERS": "untouched", "A": "value-a", "B": "value-b"}
    live = plugin.read(KIND, made.id, made)
    assert live is not None and not plugin.diff(KIND, made, live.inputs)
    changed = plugin.update(KIND, made, declared(cloud, A="value-2", C="value-c"))
    assert cloud.variables == {"OTHERS": "untouched", "A": "value-2", "C": "value-c"}
    plugin.delete(KIND, changed)
    assert cloud.variables == {"OTHERS": "untouched"}
    assert plugin.read(KIND, changed.id, changed) is None


def test_values_are_secrets_and_names_are_not(plugin: Plugin, cloud: FakeCloud) -> None:
    made = plugin.create(KIND, declared(cloud, A="value-a"))
    assert made.inputs["variables"] == made.state["variables"] == {"A": Secret("value-a")}
    live = plugin.read(KIND, made.id, made)
    assert live is not None and live.inputs["variables"] == {"A": Secret("value-a")}
    whole = plugin.check(
        KIND, {"projectId": cloud.project, "variables": Secret({"A": "value-a", "B": UNKNOWN})}
    )
    assert whole.inputs["variables"] == {"A": Secret("value-a"), "B": UNKNOWN}


def test_a_changed_and_a_removed_variable_are_seen_by_a_refresh(plugin: Plugin, cloud: FakeCloud) -> None:
    made = plugin.create(KIND, declared(cloud, A="value-a", B="value-b"))
    cloud.change(A="other")
    del cloud.variables["B"]
    live = plugin.read(KIND, made.id, made)
    assert live is not None and live.inputs["variables"] == {"A": Secret("other")}
    assert plugin.diff(KIND, live, made.inputs).changes == {"variables.A": "UPDATE", "variables.B": "ADD"}
    plugin.update(KIND, live, made.inputs)
    assert cloud.variables["A"] == "value-a" and cloud.variables["B"] == "value-b"


def test_a_variable_of_somebody_else_is_not_overwritten_unless_adopted(
    plugin: Plugin, cloud: FakeCloud
) -> None:
    with pytest.raises(
        PluginError, match="has OTHERS already, with another value; nothing was written"
    ) as failure:
        plugin.create(KIND, declared(cloud, OTHERS="mine", A="value-a"))
    assert "untouched" not in failure.value.sentence and cloud.writes == 0
    plugin.create(KIND, {**declared(cloud, OTHERS="mine"), "adopt": True})
    assert cloud.variables == {"OTHERS": "mine"}


def test_a_variable_that_was_there_with_the_same_value_stays_on_delete(
    plugin: Plugin, cloud: FakeCloud
) -> None:
    made = plugin.create(KIND, declared(cloud, OTHERS="untouched", A="value-a"))
    assert made.state["adopted"] == ["OTHERS"]
    plugin.delete(KIND, made)
    assert cloud.variables == {"OTHERS": "untouched"}


def test_a_deployment_that_broke_off_after_the_write_is_taken_up_again(
    plugin: Plugin, cloud: FakeCloud
) -> None:
    plugin.create(KIND, declared(cloud, A="value-a"))  # and the state of this one is lost
    again = plugin.create(KIND, declared(cloud, A="value-a"))
    assert cloud.writes == 1 and again.state["adopted"] == []
    plugin.delete(KIND, again)
    assert cloud.variables == {"OTHERS": "untouched"}


def test_a_faster_writer_is_met_with_another_try(plugin: Plugin, cloud: FakeCloud) -> None:
    cloud.faults.extend([lambda: None, lambda: None, lambda: None, lambda: cloud.change(B="theirs")])
    plugin.create(KIND, declared(cloud, A="value-a"))
    assert cloud.variables == {"OTHERS": "untouched", "A": "value-a", "B": "theirs"}


def test_a_lost_answer_is_no_failure(plugin: Plugin, cloud: FakeCloud) -> None:
    def write_and_fail() -> None:
        cloud.answer("", cloud.requests[-1], {"authorization": f"pat {cloud.token}"})
        cloud.faults.appendleft(INTERNAL_ERROR)

    cloud.faults.extend([lambda: None, lambda: None, lambda: None, write_and_fail])
    assert plugin.create(KIND, declared(cloud, A="value-a")).state["adopted"] == []
    assert cloud.variables["A"] == "value-a"


def test_create_ends_when_every_worker_has_the_new_configuration(plugin: Plugin, cloud: FakeCloud) -> None:
    cloud.delay = 4
    plugin.create(KIND, declared(cloud, A="value-a"))
    assert sum("config_status" in request["query"] for request in cloud.requests) >= 5


def test_a_change_that_does_not_go_live_fails_with_the_state_kept(plugin: Plugin, cloud: FakeCloud) -> None:
    cloud.message = "Service configuration failed: invalid JWT configuration"
    with pytest.raises(PluginError, match=r"The variables are set.*invalid JWT configuration") as failure:
        plugin.create(KIND, declared(cloud, A="value-a"), timeout=0.5)
    assert failure.value.partial and failure.value.id == cloud.project
    assert failure.value.properties is not None
    assert failure.value.properties["variables"] == {"A": Secret("value-a")}


def test_an_unhealthy_engine_fails_the_deployment(
    plugin: Plugin, cloud: FakeCloud, engine: FakeEngine
) -> None:
    engine.healthy = False
    with pytest.raises(PluginError, match="is not healthy") as failure:
        plugin.create(KIND, declared(cloud, A="value-a"), timeout=1)
    assert failure.value.partial


def test_a_jwt_secret_must_be_in_force(plugin: Plugin, cloud: FakeCloud, engine: FakeEngine) -> None:
    with pytest.raises(PluginError, match="does not check JWTs") as failure:
        plugin.create(KIND, declared(cloud, HASURA_GRAPHQL_JWT_SECRET="{}"), timeout=1)
    assert failure.value.partial
    engine.jwt = True
    plugin.create(KIND, declared(cloud, HASURA_GRAPHQL_JWT_SECRET="{}"))


def test_the_wait_ends_when_the_deployment_is_cancelled(cloud: FakeCloud, engine: FakeEngine) -> None:
    cloud.message = "still starting"
    with Plugin("providers/hasura") as plugin:
        plugin.configure({"cloudEndpoint": f"{cloud.url}/v1/graphql", "cloudToken": cloud.token})
        polled = threading.Event()
        cloud.faults.extend([lambda: None] * 6 + [polled.set])

        def cancel() -> None:
            polled.wait(20)
            plugin.cancel()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(PluginError, match="cancelled") as failure:
            plugin.create(KIND, declared(cloud, A="value-a"))
        canceller.join()
        assert failure.value.partial


def test_the_endpoint_comes_from_the_project_where_none_is_configured(
    cloud: FakeCloud, engine: FakeEngine
) -> None:
    with Plugin("providers/hasura") as plugin:
        plugin.configure({"cloudEndpoint": f"{cloud.url}/v1/graphql", "cloudToken": cloud.token})
        assert plugin.create(KIND, declared(cloud, A="value-a")).id == cloud.project


def test_a_refused_token_is_one_sentence_although_the_status_is_200(cloud: FakeCloud) -> None:
    with Plugin("providers/hasura") as plugin:
        plugin.configure({"cloudEndpoint": f"{cloud.url}/v1/graphql", "cloudToken": "wrong-token"})
        with pytest.raises(PluginError, match="refused the token") as failure:
            plugin.create(KIND, declared(cloud, A="value-a"))
        assert "wrong-token" not in failure.value.sentence
    with Plugin("providers/hasura") as plugin:
        plugin.configure({})
        with pytest.raises(PluginError, match="has no cloudToken"):
            plugin.create(KIND, declared(cloud, A="value-a"))


def test_a_project_that_is_gone_reads_as_gone_and_deletes_in_peace(plugin: Plugin, cloud: FakeCloud) -> None:
    made = plugin.create(KIND, declared(cloud, A="value-a"))
    project, cloud.project = cloud.project, "00000000-0000-4000-8000-000000000000"
    try:
        assert plugin.read(KIND, made.id, made) is None
        plugin.delete(KIND, made)
    finally:
        cloud.project = project


def test_an_import_takes_all_variables_or_the_named_ones(plugin: Plugin, cloud: FakeCloud) -> None:
    cloud.change(A="value-a", B="value-b")
    everything = plugin.read(KIND, cloud.project)
    assert everything is not None and set(everything.inputs["variables"]) == {"A", "B", "OTHERS"}
    some = plugin.read(KIND, f"{cloud.project}/A,B")
    assert some is not None and set(some.inputs["variables"]) == {"A", "B"}
    assert some.inputs["projectId"] == cloud.project


def test_another_project_is_another_resource(plugin: Plugin, cloud: FakeCloud) -> None:
    made = plugin.create(KIND, declared(cloud, A="value-a"))
    diff = plugin.diff(KIND, made, {**made.inputs, "projectId": "other"})
    assert diff.replaces == ["projectId"]


def test_check_refuses_bad_names_and_no_variables(plugin: Plugin, cloud: FakeCloud) -> None:
    assert (
        "no name of an environment variable"
        in plugin.check(KIND, declared(cloud, **{"A-B": "x"})).failures["variables"]
    )
    assert "variables" in plugin.check(KIND, declared(cloud)).failures
    assert plugin.check(KIND, {"projectId": UNKNOWN, "variables": {"A": UNKNOWN}}).failures == {}


def test_a_preview_calls_nothing_outside(plugin: Plugin, cloud: FakeCloud) -> None:
    plugin.create(KIND, declared(cloud, A="value-a"), preview=True)
    assert cloud.requests == []


def test_a_long_wait_says_once_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(transport, "WONDERING", 0.0)
    patience = transport.Patience(60, threading.Event(), said.append)
    with monkeypatch.context() as quick:
        quick.setattr("random.uniform", lambda low, high: 0.0)
        assert patience.pause(reason="Hasura Cloud is not reachable")
        assert patience.pause(reason="Hasura is not healthy yet")
    assert said == ["Hasura Cloud is not reachable; waiting up to 60 s more for it."]
