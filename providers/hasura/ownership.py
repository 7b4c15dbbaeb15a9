"""Who owns what: from the objects wanted, the objects there, and what the state remembers, to a list of changes.

Rules:
* What a fragment names and nobody had made is ours: updated and removed with the fragment.
* What was there before, identical, is *adopted*: it stays when the fragment goes. If the very fragment is there as a whole, with
  something in it that nobody has by accident (a permission, a relationship, a configuration), then it is our own work of a
  deployment that broke off before its state was saved, and ours.
* What was there before and differs is somebody else's: a conflict, unless the program says `adopt`. Then the former value is kept
  in the state, to be put back when the fragment goes.
* A source or table of ours in which others have put something stays as long as they need it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from providers.hasura.fragment import SOURCE_CONFIGURATION, Key, label, put, remove

Json = dict[str, Any]


@dataclass(frozen=True)
class Memory:
    """What the state remembers of the time before: labels of adopted objects, former values of overwritten ones."""

    adopted: frozenset[str] = frozenset()
    replaced: Mapping[str, Any] = field(default_factory=dict)

    def outputs(self) -> Json:
        """As outputs of the resource."""
        return {"adopted": sorted(self.adopted), "replaced": dict(self.replaced)}


def remembered(state: Mapping[str, Any]) -> Memory:
    """The memory in a resource's state (plain values)."""
    return Memory(frozenset(state.get("adopted") or ()), dict(state.get("replaced") or {}))


@dataclass(frozen=True)
class Plan:
    """What to do to the metadata, and what the state must remember afterwards."""

    puts: dict[Key, Any]
    removals: tuple[Key, ...]
    memory: Memory
    conflicts: tuple[Key, ...] = ()
    kept: tuple[Key, ...] = ()
    found: tuple[Key, ...] = ()
    """Objects newly named that were there already, identical."""
    recovered: bool = False
    """All of it was there already: our own work of a deployment that broke off."""

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.puts or self.removals)


def plan_write(
    live: Mapping[Key, Any], old: Mapping[Key, Any], new: Mapping[Key, Any], memory: Memory, *, adopt: bool
) -> Plan:
    """How to get from `old` (empty on create) to `new`."""
    puts: dict[Key, Any] = {}
    found, conflicts = [], []
    adopted, replaced = set(memory.adopted), dict(memory.replaced)
    for key, value in new.items():
        if key not in live:
            puts[key] = value
            adopted.discard(label(key))
        elif live[key] == value:
            if key not in old:
                found.append(key)
        elif key in old or adopt:
            puts[key] = value
            if key not in old or label(key) in adopted:
                replaced.setdefault(label(key), live[key])
        else:
            conflicts.append(key)
    left = [key for key in old if key not in new]
    removal = _plan_removal(live, left, Memory(frozenset(adopted), replaced))
    memory = removal.memory
    plan = replace(
        removal, puts={**puts, **removal.puts}, conflicts=tuple(conflicts), found=tuple(found), memory=memory
    )
    recovered = not plan.changes and not conflicts and any(_has_content(key) for key in found)
    if not recovered:
        memory = replace(memory, adopted=memory.adopted | {label(key) for key in found})
    return replace(plan, memory=memory, recovered=recovered)


def _has_content(key: Key) -> bool:
    """Whether an object says more than that something is tracked."""
    return len(key) % 2 == 1 or key[-2] not in ("sources", "tables", "functions")


def plan_delete(live: Mapping[Key, Any], own: Mapping[Key, Any], memory: Memory) -> Plan:
    """How to leave the metadata as it was before, apart from what others have done since."""
    return _plan_removal(live, list(own), memory)


def _plan_removal(live: Mapping[Key, Any], keys: list[Key], memory: Memory) -> Plan:
    puts: dict[Key, Any] = {}
    removals: list[Key] = []
    kept: list[Key] = []
    for key in reversed(keys):  # what lies in a container before the container
        name = label(key)
        if key not in live:
            continue
        if name in memory.replaced:
            if live[key] != memory.replaced[name]:
                puts[key] = memory.replaced[name]
        elif name in memory.adopted or (len(key) == SOURCE_CONFIGURATION and key[-1] == "configuration"):
            continue  # a source's configuration goes with the source
        elif any(other[: len(key)] == key and other not in removals for other in _inside(live, key)):
            kept.append(key)
        else:
            removals.append(key)
    names = {label(key) for key in keys}
    rest = Memory(
        memory.adopted - names, {name: item for name, item in memory.replaced.items() if name not in names}
    )
    return Plan(puts, tuple(removals), rest, kept=tuple(kept))


def _inside(live: Mapping[Key, Any], key: Key) -> list[Key]:
    """What lies in a container. A source's own settings are part of it, whoever named them."""
    if len(key) % 2:
        return []
    inside = [other for other in live if len(other) > len(key) and other[: len(key)] == key]
    return [other for other in inside if not (key[0] == "sources" and len(key) == 2 and len(other) == 3)]


def apply(metadata: Json, plan: Plan) -> Json:
    """A copy of exported `metadata` with a plan's changes in it."""
    document = copy.deepcopy(metadata)
    for key in plan.removals:
        remove(document, key)
    for key, value in plan.puts.items():
        put(document, key, value)
    for source in document.get("sources", []):
        source.setdefault("kind", "postgres")
        source.setdefault("tables", [])
    return document
