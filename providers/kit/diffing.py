"""Structural differences between two property trees, by property path: what the preview shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from providers.kit.values import UNKNOWN, Path, Secret, format_path


class Change(Enum):
    """What happens at a path."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Diff:
    """Changes by property path (Pulumi's notation), and those of the paths that force a replacement."""

    changes: dict[str, Change] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    delete_before_replace: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes)


def compare(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, Change]]:
    """The paths at which `new` differs from `old`. `None` counts as absent; an unknown differs from everything.

    A change inside a secret is reported at the secret's own path: its structure is nobody's business.
    """
    secret = isinstance(old, Secret) or isinstance(new, Secret)
    old, new = _bare(old), _bare(new)
    if old is None and new is None:
        return
    if old is None or new is None:
        yield path, Change.ADD if old is None else Change.DELETE
    elif secret:
        if any(True for _ in compare(old, new, path)):
            yield path, Change.UPDATE
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from compare(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from compare(before, after, (*path, index))
    elif old is UNKNOWN or new is UNKNOWN or type(old) is not type(new) or old != new:
        yield path, Change.UPDATE


def _bare(value: Any) -> Any:
    return _bare(value.value) if isinstance(value, Secret) else value


def structural(old: dict[str, Any], new: dict[str, Any], replace_on: frozenset[str] = frozenset()) -> Diff:
    """The difference of two sets of inputs. A change below a property of `replace_on` forces a replacement."""
    found = list(compare(old, new))
    return Diff(
        changes={format_path(path): change for path, change in found},
        replaces=frozenset(format_path(path) for path, _ in found if path and path[0] in replace_on),
    )
