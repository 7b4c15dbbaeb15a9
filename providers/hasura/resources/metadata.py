"""`hasura:index:Metadata`: the objects of one metadata fragment, in an engine that is shared with others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from providers.hasura.canonical import canonical
from providers.hasura.clients import Clients
from providers.hasura.fragment import describe, objects, problems, project
from providers.hasura.ownership import Memory, Plan, plan_delete, plan_write, remembered
from providers.hasura.transport import Patience
from providers.hasura.tree import TREE, Collection, identity
from providers.hasura.writing import Writer
from providers.kit.diffing import Change, Diff, compare, structural
from providers.kit.errors import ProviderError
from providers.kit.inputs import CheckFailure, Inputs
from providers.kit.resource import Context, Live, Resource
from providers.kit.values import UNKNOWN, Path, Props, Secret, format_path

# Seconds; an engine that a change of its environment restarts is back within that time.
PATIENCE = 30.0


class MetadataInputs(Inputs):
    """What a program declares."""

    fragment: dict[str, Any] = Field(
        description="Sources with their tables, permissions, relationships …, in the format of Hasura's metadata v3."
    )
    adopt: bool = Field(
        False,
        description="Overwrite objects that exist already and differ; they are put back when the resource is deleted.",
    )


class Metadata(Resource[Clients, MetadataInputs]):
    """A fragment of an engine's metadata: owns the objects that it names and leaves everything else alone."""

    token = "hasura:index:Metadata"
    inputs = MetadataInputs
    output_types: ClassVar[dict[str, str]] = {"adopted": "array", "replaced": "object"}
    changed_at = True
    secret_outputs = frozenset({"replaced"})

    def check(self, props: Props) -> list[CheckFailure]:
        """The fragment's shape."""
        return list(problems(props.get("fragment")))

    def normalise(self, props: Props) -> Props:
        """The fragment in canonical form, passwords in it marked as secrets."""
        fragment = props.get("fragment")
        adopt = {"adopt": True} if props.get("adopt") not in (None, False) else {}
        if adopt and props["adopt"] is UNKNOWN:
            adopt = {"adopt": UNKNOWN}
        return {"fragment": _marked(canonical(fragment)), **adopt}

    def diff(self, old: Props, new: Props) -> Diff:
        """Items of a collection are compared by identity, so that one more role is one change."""
        before, after = old.get("fragment"), new.get("fragment")
        rest = structural(
            {key: item for key, item in old.items() if key != "fragment"},
            {key: item for key, item in new.items() if key != "fragment"},
        )
        changes = dict(rest.changes)
        for path, change in _changes(before, after, ("fragment",), TREE):
            text = format_path(path)  # a deleted item and an added one may meet at the same index
            changes[text] = Change.UPDATE if text in changes else change
        return Diff(changes)

    def create(self, inputs: MetadataInputs, context: Context) -> tuple[str, dict[str, Any]]:
        """Write what is missing."""
        plan = self._write({}, inputs, Memory(), context)
        if plan.recovered:
            context.info(
                "All of this fragment was there already, exactly as declared; it belongs to this resource now."
            )
        names = [source["name"] for source in inputs.fragment.get("sources") or []]
        return ",".join(names) or "inherited_roles", plan.memory.outputs()

    def read(self, id: str, inputs: MetadataInputs | None, context: Context) -> Live | None:
        """The fragment as it is live. In an import the id names the sources: everything in them."""
        metadata = self.client.engine.export(self._patience(context)).metadata
        live = objects(canonical(metadata))
        if inputs is not None:
            fragment = project(canonical(inputs.fragment), live)
            adopt = {"adopt": True} if inputs.adopt else {}
            return (
                None
                if fragment is None
                else Live({"fragment": fragment, **adopt}, remembered(context.state).outputs())
            )
        names = set(id.split(","))
        whole = canonical(metadata)
        found = [source for source in whole.get("sources") or [] if source["name"] in names]
        roles = whole.get("inherited_roles") if id == "inherited_roles" else None
        fragment = {key: items for key, items in (("sources", found), ("inherited_roles", roles)) if items}
        return Live({"fragment": fragment}, Memory().outputs()) if fragment else None

    def update(self, id: str, old: MetadataInputs, new: MetadataInputs, context: Context) -> dict[str, Any]:
        """Write what differs, remove what left the fragment."""
        before = objects(canonical(old.fragment))
        return self._write(before, new, remembered(context.state), context).memory.outputs()

    def delete(self, id: str, inputs: MetadataInputs, context: Context) -> None:
        """Remove what is ours, put back what was overwritten."""
        own = objects(canonical(inputs.fragment))
        writer = Writer(self.client.engine, {}, self._patience(context))
        plan = writer.run(lambda live, memory: plan_delete(live, own, memory), remembered(context.state))
        self._warn_of_kept(plan, context)

    def _write(self, old: Mapping[Any, Any], new: MetadataInputs, memory: Memory, context: Context) -> Plan:
        fragment = canonical(new.fragment)
        wanted = objects(fragment)
        owned = {key[1] for key in wanted if len(key) == 2}
        referred = [source["name"] for source in fragment.get("sources") or [] if source["name"] not in owned]

        def planner(live: Mapping[Any, Any], memory: Memory) -> Plan:
            for name in referred:
                if ("sources", name) not in live:
                    raise ProviderError(
                        f"{self.client.engine.http.name} has no source {name}, and the fragment gives no configuration "
                        "to make it with: add the source's configuration, or deploy what makes it first."
                    )
            return plan_write(live, old, wanted, memory, adopt=new.adopt)

        plan = Writer(self.client.engine, wanted, self._patience(context)).run(planner, memory)
        self._warn_of_kept(plan, context)
        return plan

    def _warn_of_kept(self, plan: Plan, context: Context) -> None:
        for key in plan.kept:
            context.warn(f"The {describe(key)} stays: others have put something into it.")

    def _patience(self, context: Context) -> Patience:
        return Patience(context.timeout or PATIENCE, context.cancelled, context.info)


def _marked(fragment: Any) -> Any:
    """Connection strings and passwords are secrets whatever the program says."""
    if not isinstance(fragment, dict) or not isinstance(fragment.get("sources"), list):
        return fragment
    return {**fragment, "sources": [_marked_source(source) for source in fragment["sources"]]}


def _marked_source(source: Any) -> Any:
    configuration = source.get("configuration") if isinstance(source, dict) else None
    return (
        {**source, "configuration": _marked_urls(configuration)}
        if isinstance(configuration, dict)
        else source
    )


def _marked_urls(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _marked_urls(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_marked_urls(item, key) for item in value]
    return Secret(value) if key in ("database_url", "password") and isinstance(value, str) else value


def _changes(
    old: Any, new: Any, path: Path, inner: Mapping[str, Collection]
) -> Iterator[tuple[Path, Change]]:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield from compare(old, new, path)
        return
    for key in sorted(old.keys() | new.keys()):
        before, after, here = old.get(key), new.get(key), (*path, key)
        if key in inner and isinstance(before, list) and isinstance(after, list):
            yield from _item_changes(before, after, here, inner[key])
        else:
            yield from compare(before, after, here)


def _item_changes(
    old: list[Any], new: list[Any], path: Path, collection: Collection
) -> Iterator[tuple[Path, Change]]:
    before = {identity(collection, item) or f"#{index}": index for index, item in enumerate(old)}
    after = {identity(collection, item) or f"#{index}": index for index, item in enumerate(new)}
    for name, index in after.items():
        if name in before:
            yield from _changes(old[before[name]], new[index], (*path, index), collection.inner)
        else:
            yield (*path, index), Change.ADD
    for name, index in before.items():
        if name not in after:
            yield (*path, index), Change.DELETE
