"""The kit over gRPC, as the engine uses it, through the plugin in `notes/`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.kit.values import UNKNOWN, Secret
from tests.plugin import Object, Plugin, PluginError

NOTES = Path(__file__).parent / "notes"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    with Plugin(NOTES) as plugin:
        plugin.configure({"folder": str(tmp_path_factory.mktemp("notes")), "password": "open-sesame"})
        yield plugin


def test_an_object_lives_from_create_to_delete(plugin: Plugin) -> None:
    made = plugin.create("Note", {"title": "life", "lines": [{"a": "1"}]})
    assert (made.id, made.state["size"]) == ("life", 1)
    live = plugin.read("Note", made.id, made)
    assert live is not None and not plugin.diff("Note", made, live.inputs)
    changed = plugin.update("Note", made, {"title": "life", "lines": []})
    assert changed.state["size"] == 0
    plugin.delete("Note", changed)
    assert plugin.read("Note", made.id, changed) is None


def test_what_is_declared_secret_is_secret_in_inputs_outputs_and_after_a_read(plugin: Plugin) -> None:
    made = plugin.create(
        "Note", {"title": "hush", "key": "hush-hush", "lines": [{"a": Secret("line-one")}, {"a": "b"}]}
    )
    assert made.inputs["key"] == made.state["key"] == made.state["echo"] == Secret("hush-hush")
    assert made.state["lines"][0]["a"] == Secret("line-one")
    live = plugin.read("Note", made.id, made)
    assert live is not None
    assert live.inputs["key"] == live.state["key"] == Secret("hush-hush")
    assert live.inputs["lines"] == live.state["lines"] == [{"a": Secret("line-one")}, {"a": "b"}]


def test_an_import_marks_declared_secrets(plugin: Plugin) -> None:
    plugin.create("Note", {"title": "import", "key": "hush-hush"})
    live = plugin.read("Note", "import")
    assert live is not None and live.inputs["key"] == Secret("hush-hush")


def test_read_and_update_see_the_outputs_of_the_last_deployment(plugin: Plugin) -> None:
    made = plugin.create("Note", {"title": "state", "key": "hush-hush", "lines": [{}, {}]})
    live = plugin.read("Note", made.id, made)
    assert live is not None and live.state["size"] == 2
    assert plugin.update("Note", made, {"title": "state"}).state["seen"] == ["hush-hush"]


def test_a_preview_calls_nothing_outside(plugin: Plugin) -> None:
    seen = plugin.create("Note", {"title": "preview", "lines": [{"a": UNKNOWN}]}, preview=True)
    assert seen.id == "" and seen.state["lines"] == [{"a": UNKNOWN}]
    plugin.create("Note", {"title": "preview"}, preview=True)
    assert plugin.read("Note", "preview") is None


def test_check_names_every_bad_property_at_once(plugin: Plugin) -> None:
    checked = plugin.check("Note", {"lines": [{"a": 1}], "colour": "red"})
    assert checked.failures["title"] == "is required"
    assert checked.failures["colour"] == "is not a property of this resource"
    assert "string" in checked.failures["lines[0].a"]


def test_check_does_not_judge_what_is_unknown(plugin: Plugin) -> None:
    assert plugin.check("Note", {"title": UNKNOWN, "lines": UNKNOWN, "key": UNKNOWN}).failures == {}


def test_a_failure_is_one_sentence_without_secrets(plugin: Plugin) -> None:
    with pytest.raises(PluginError) as failure:
        plugin.create("Note", {"title": "refused", "key": "hush-hush", "fail": "expected"})
    assert failure.value.sentence == "The key [secret] and [secret] were refused."
    assert not failure.value.partial


def test_a_bug_says_where_it_is_but_not_what_it_saw(plugin: Plugin) -> None:
    with pytest.raises(
        PluginError, match=r"Internal error in Create \(KeyError at __main__.py:\d+\)"
    ) as failure:
        plugin.create("Note", {"title": "bug", "key": "hush-hush", "fail": "bug"})
    assert "hush" not in failure.value.sentence and "sesame" not in failure.value.sentence


def test_a_half_done_create_is_kept_in_the_state_with_its_secrets(plugin: Plugin) -> None:
    with pytest.raises(PluginError) as failure:
        plugin.create("Note", {"title": "half", "key": "hush-hush", "fail": "partial"})
    assert failure.value.partial and failure.value.id == "half"
    assert failure.value.sentence == "Half of [secret]."
    assert failure.value.properties is not None and failure.value.properties["key"] == Secret("hush-hush")


def test_a_change_of_a_replacing_property_replaces(plugin: Plugin) -> None:
    old = Object("a", {"title": "a"}, {"title": "a", "size": 0})
    diff = plugin.diff("Note", old, {"title": "b", "lines": []})
    assert diff.changes == {"title": "UPDATE_REPLACE", "lines": "ADD"}
    assert diff.replaces == ["title"]


def test_outputs_are_no_changes(plugin: Plugin) -> None:
    assert not plugin.diff("Note", Object("a", {"title": "a"}, {"title": "a", "size": 0}), {"title": "a"})


def test_the_configuration_is_checked_and_its_secrets_are_marked(plugin: Plugin) -> None:
    checked = plugin.check_config({"folder": "x", "password": "p", "version": "1"})
    assert checked.inputs == {"folder": "x", "password": Secret("p")} and not checked.failures
    assert plugin.check_config({}).failures == {"folder": "is required"}


def test_an_unknown_kind_is_refused_with_a_sentence(plugin: Plugin) -> None:
    with pytest.raises(PluginError, match="has no resource 'notes:index:Poem'"):
        plugin.check("Poem", {})


def test_a_service_that_is_not_there_fails_the_first_call_and_not_the_configuration(tmp_path: Path) -> None:
    with Plugin(NOTES) as plugin:
        plugin.configure({"folder": str(tmp_path / "none")})
        with pytest.raises(PluginError, match="does not exist"):
            plugin.create("Note", {"title": "a"})


def test_the_schema_describes_inputs_outputs_and_secrets(plugin: Plugin) -> None:
    schema = json.loads(plugin.schema())
    note = schema["resources"]["notes:index:Note"]
    assert note["description"] == "A note in a file."
    assert note["requiredInputs"] == ["title"]
    assert note["inputProperties"]["title"] == {"type": "string", "description": "Name of the file."}
    assert note["inputProperties"]["key"] == {"type": "string", "secret": True}
    assert note["inputProperties"]["lines"]["items"]["additionalProperties"] == {"type": "string"}
    assert note["properties"]["echo"] == {"type": "string", "secret": True}
    assert note["properties"]["seen"] == {"type": "array", "items": {"type": "string"}}
    assert schema["config"]["variables"]["password"]["secret"] is True


def test_a_plugin_loads_the_protocol_alone_and_not_the_program_side_of_the_sdk() -> None:
    code = (
        "from providers.kit.protos import load_bare; load_bare()\n"
        "import providers.kit.serve, sys\n"
        "print([name for name in ('pulumi.resource', 'pulumi.automation', 'requests') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
