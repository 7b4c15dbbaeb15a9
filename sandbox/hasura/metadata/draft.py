"""A change to the metadata in the making.

A draft starts from the stored metadata, commands change it, and after every command `rebuild` compares it with the
databases: an object that the command itself cannot back, or that it breaks elsewhere, refuses the command (Hasura's
`buildSchemaCacheFor`). Nothing outside the draft changes before the engine commits it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.hasura.catalog import Catalog
from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical import sort_metadata
from sandbox.hasura.metadata.consistency import Checked, check
from sandbox.hasura.metadata.dependencies import Dependencies
from sandbox.hasura.metadata.faults import Fault, not_exists
from sandbox.hasura.metadata.names import Key, as_key, display
from sandbox.hasura.metadata.sources import Source, SourceRegistry

__all__ = ["Draft"]


class Draft:
    """Metadata in exported form that may be changed in place, with the sources and the check that belong to it."""

    def __init__(
        self,
        metadata: dict[str, Any],
        registry: SourceRegistry,
        environment: Mapping[str, str],
        resource_version: int = 0,
        *,
        reread: bool = False,
    ) -> None:
        """`reread`: look at the databases again before anything is compared with them."""
        self.metadata = copy.deepcopy(metadata)
        self.resource_version = resource_version
        self.sources: dict[str, Source] = {}
        self.checked = Checked()
        self._registry, self._environment = registry, environment
        self.refresh()
        if reread:
            for name in list(self.sources):
                self.reread(name)
            self.refresh()

    def refresh(self) -> None:
        """Check the draft against the databases, whatever comes of it."""
        sort_metadata(self.metadata)
        self.sources = {
            source["name"]: self._registry.resolve(source["name"], source["configuration"], self._environment)
            for source in self.metadata["sources"]
        }
        self.checked = check(self.metadata, self.sources)

    def rebuild(self, object_id: ids.ObjectId | None = None) -> None:
        """Check the draft after a change of `object_id`.

        Raises `Fault` when the object itself, or any other that was good before, is inconsistent now.
        """
        before = {item.object for item in self.checked.inconsistencies}
        self.refresh()
        fresh = [item for item in self.checked.inconsistencies if item.object not in before]
        own = [item for item in fresh if item.object == object_id]
        if own:
            raise Fault(
                ", ".join(item.full_reason for item in own),
                "invalid-configuration",
                internal=ids.as_json(own),
            )
        if fresh:
            raise Fault(
                "cannot continue due to new inconsistent metadata", "unexpected", internal=ids.as_json(fresh)
            )

    def reread(self, name: str) -> None:
        """Read the catalog of source `name` again."""
        self.sources[name] = self._registry.reread(self.sources[name])

    def adopt(self, name: str, tables: Catalog) -> None:
        """Take `tables`, just read, for the catalog of source `name`."""
        if tables != self.sources[name].catalog:
            self.sources[name] = self._registry.adopt(self.sources[name], tables)

    def restore(self, earlier: dict[str, Any]) -> None:
        """Go back to metadata that was good before."""
        self.metadata = copy.deepcopy(earlier)
        self.refresh()

    def source(self, name: str) -> dict[str, Any]:
        """The source `name` of the draft. Raises `Fault` when there is none or it cannot be reached."""
        for source in self.metadata["sources"]:
            if source["name"] == name:
                if self.sources[name].catalog is None:
                    raise Fault(f'source with name "{name}" is inconsistent', "unexpected")
                return dict_of(source)
        raise not_exists(f'source with name "{name}" does not exist')

    def dependencies(self, source: str) -> Dependencies:
        """What rests on what in the source `source`."""
        return Dependencies(self.source(source), self.checked.fields.get(source, {}))

    def find_table(self, source: str, key: Key) -> dict[str, Any] | None:
        """The entry of a tracked table, if it is tracked."""
        for entry in self.source(source)["tables"]:
            if as_key(entry["table"]) == key:
                return dict_of(entry)
        return None

    def table(self, source: str, name: dict[str, str]) -> dict[str, Any]:
        """The entry of a tracked table. Raises `Fault` when it is not tracked."""
        entry = self.find_table(source, as_key(name))
        if entry is None:
            raise not_exists(f'table "{display(name)}" does not exist in source: {source}')
        return entry


def dict_of(value: Any) -> dict[str, Any]:
    """`value`, known to be an object of the draft itself (not a copy)."""
    assert isinstance(value, dict)  # noqa: S101 — callers have checked it; for the type checker
    return value
