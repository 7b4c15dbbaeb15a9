"""Carrying out a plan: export, merge, replace; again when somebody else was faster; never at the price of consistency.

Rule: a write that would make anything inconsistent is refused and nothing is written. Objects that were inconsistent before are
others' business and must not block us, so when a strict write fails for them alone it is repeated without strictness, and
taken back should something new be inconsistent after all. An object of ours that is inconsistent is a failure always.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace as changed
from typing import Any

from providers.hasura.canonical import canonical
from providers.hasura.client import EngineClient, Exported, InconsistentError, StaleError
from providers.hasura.fragment import Key, describe, objects
from providers.hasura.ownership import Memory, Plan, apply
from providers.hasura.transport import Patience
from providers.kit.errors import ProviderError

Json = dict[str, Any]
Planner = Callable[[Mapping[Key, Any], Memory], Plan]

_SOURCE_LENGTH = 3  # ("sources", name, property)
_TABLE_LENGTH = 5  # ("sources", name, "tables", name, property)
_RELATIONS = {"object_relationships": "object_relation", "array_relationships": "array_relation"}


class Writer:
    """Writes for one resource. `own` are the objects that must be consistent afterwards (none of them on delete)."""

    def __init__(self, client: EngineClient, own: Mapping[Key, Any], patience: Patience) -> None:
        self.client, self.patience = client, patience
        self._own_names = {name for key in own for name in _engine_names(key)}
        self._sources = {key[1] for key in own if key[0] == "sources"}
        self._reloaded = False

    def run(self, planner: Planner, memory: Memory) -> Plan:
        """Plan against what is there, write, and answer the plan as carried out. Raises `ProviderError`."""
        with self.client.writing:
            return self._run(planner, memory)

    def _run(self, planner: Planner, memory: Memory) -> Plan:
        first: Plan | None = None
        while True:
            exported = self.client.export(self.patience)
            there = {str(source["name"]) for source in exported.metadata.get("sources", [])}
            plan = planner(objects(canonical(exported.metadata)), memory if first is None else first.memory)
            if plan.conflicts:
                raise ProviderError(_conflict(self.client.http.name, plan.conflicts))
            if first is None:
                first = plan
            else:  # what appeared since the first look may be our own write whose answer got lost
                plan = changed(
                    plan, recovered=False, memory=changed(plan.memory, adopted=first.memory.adopted)
                )
            try:
                self._write(exported, plan)
            except StaleError:
                if not self.patience.pause():
                    raise ProviderError(
                        f"{self.client.http.name} is being changed by others all the time; nothing was written. Try again."
                    ) from None
            except InconsistentError as failure:
                self._look_again(failure, sorted(self._sources & there))
            else:
                return plan

    def _write(self, exported: Exported, plan: Plan) -> None:
        if not plan.changes:
            self._judge(self.client.inconsistent(self.patience), before=None)
            return
        document = apply(exported.metadata, plan)
        try:
            self.client.replace(document, exported.version, strict=True, patience=self.patience)
        except InconsistentError as failure:
            before = self.client.inconsistent(self.patience)
            if not failure.objects:  # the engine names them to admins only, and not in every mode
                raise
            self._judge(failure.objects, before)
            after = self.client.replace(document, exported.version, strict=False, patience=self.patience)
            self._take_back(exported, after, before)

    def _take_back(self, exported: Exported, after: list[Json], before: list[Json]) -> None:
        try:
            self._judge(after, before)
        except InconsistentError:
            now = self.client.export(self.patience)
            self.client.replace(exported.metadata, now.version, strict=False, patience=self.patience)
            raise

    def _judge(self, after: list[Json], before: list[Json] | None) -> None:
        """Raise for what is inconsistent and ours, or (where `before` is known) was not inconsistent before."""
        known = None if before is None else {_name(item) for item in before}
        new = [item for item in after if known is not None and _name(item) not in known]
        bad = new or [item for item in after if _name(item) in self._own_names]
        if bad:
            raise InconsistentError(bad)

    def _look_again(self, failure: InconsistentError, sources: list[str]) -> None:
        """The engine knows a database as it was when it looked last, and may still be starting after a change.

        `sources`: those of ours that it has already; it refuses to look at others.
        """
        if not self._reloaded and sources:
            self._reloaded = True
            self.client.reload(sources, self.patience)
            return
        reasons = " ".join(str(item.get("reason")) for item in failure.objects)
        if any(word in reasons for word in ("environment variable", "connection")) and self.patience.pause():
            return
        raise ProviderError(_inconsistency(self.client.http.name, failure.objects))


def _name(item: Json) -> str:
    return str(item.get("name") or json.dumps(item.get("definition"), sort_keys=True))


def _engine_names(key: Key) -> list[str]:
    """How the engine calls an object in `inconsistent_objects` (`moiName` in Hasura's `MetadataObject.hs`)."""
    if key[0] == "inherited_roles":
        return [f"inherited_role inherited role {key[1]}", f"inherited_role {key[1]}"]
    source = f"source {key[1]}"
    if len(key) <= _SOURCE_LENGTH:
        return [source]
    thing = f"{key[2].removesuffix('s')} {key[3].removeprefix('public.')} in {source}"
    if len(key) <= _TABLE_LENGTH:
        return [source, thing]
    return [f"{_RELATIONS.get(key[4], key[4].removesuffix('s'))} {key[5]} in {thing}"]


def _conflict(service: str, conflicts: tuple[Key, ...]) -> str:
    first, more = describe(conflicts[0]), len(conflicts) - 1
    others = f" (and {more} more of the objects declared)" if more else ""
    return (
        f"{service} has a {first} already that somebody else made and that differs{others}; nothing was written. "
        "Remove it there, declare it as it is, or set adopt to overwrite it."
    )


def _inconsistency(service: str, found: list[Json]) -> str:
    reasons = "; ".join(f"{_name(item)}: {item.get('reason', 'no reason given')}" for item in found[:3])
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    what = reasons or "it does not say which"
    advice = ""
    if "environment variable" in reasons:
        advice = " Set it in the engine's environment, restart the engine, and deploy again."
    return f"{service} would have inconsistent objects, so nothing was written: {what}{more}.{advice}"
