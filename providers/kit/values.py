"""Property values as plain Python, with the two things that Pulumi adds to JSON: secrets and unknowns.

A property tree is made of `None`, `bool`, `int`, `float`, `str`, `list` and `dict`. Anywhere in it a value may be wrapped in
`Secret`, and during a preview a value that only exists after the deployment is `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Props = dict[str, Any]
Path = tuple[str | int, ...]


class Unknown:
    """The one value that stands for "not known before the deployment". It equals nothing that is known."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that may appear in no log, diff, error or plain-text state. Its `repr` hides it."""

    value: Any = field(repr=False)


def reveal(value: Any) -> Any:
    """A copy of `value` without the `Secret` wrappers. Unknowns stay."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Whether an unknown lies anywhere in `value`."""
    return any(item is UNKNOWN for _, item, _ in walk(value))


def walk(value: Any, path: Path = (), secret: bool = False) -> Iterator[tuple[Path, Any, bool]]:
    """Every leaf of `value` with its path and whether it lies inside a secret. Empty containers are leaves, too."""
    if isinstance(value, Secret):
        yield from walk(value.value, path, True)
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from walk(item, (*path, key), secret)
    elif isinstance(value, list | tuple) and value:
        for index, item in enumerate(value):
            yield from walk(item, (*path, index), secret)
    else:
        yield path, value, secret


def secret_texts(value: Any) -> set[str]:
    """The strings inside secrets that are long enough to be searched for in a text without hiding ordinary words."""
    return {item for _, item, secret in walk(value) if secret and isinstance(item, str) and len(item) >= 4}


def secret_paths(value: Any, path: Path = ()) -> set[Path]:
    """The paths of the outermost secrets in `value`."""
    if isinstance(value, Secret):
        return {path}
    if isinstance(value, Mapping):
        return {found for key, item in value.items() for found in secret_paths(item, (*path, key))}
    if isinstance(value, list | tuple):
        return {found for index, item in enumerate(value) for found in secret_paths(item, (*path, index))}
    return set()


def mark_secrets(value: Any, paths: set[Path], path: Path = ()) -> Any:
    """A copy of `value` in which what lies at one of `paths` is a `Secret`.

    Nothing annotates live state for a provider: after a read, what was secret in the inputs must be marked again by hand.
    """
    if path in paths and not isinstance(value, Secret):
        return Secret(value)
    if isinstance(value, Mapping):
        return {key: mark_secrets(item, paths, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mark_secrets(item, paths, (*path, index)) for index, item in enumerate(value)]
    return value


def mark_secret_texts(value: Any, texts: set[str]) -> Any:
    """A copy of `value` in which every string that is one of `texts` is a `Secret`, wherever it lies.

    For live state in which list items were moved or removed: the path of a secret then says nothing any more.
    """
    if isinstance(value, str) and value in texts:
        return Secret(value)
    if isinstance(value, Mapping):
        return {key: mark_secret_texts(item, texts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mark_secret_texts(item, texts) for item in value]
    return value


def format_path(path: Path) -> str:
    """A path in Pulumi's notation: `columns[0].type`, `variables["a.b"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "a").replace("-", "a").isalnum():
            text += f".{part}" if text else part
        else:
            quoted = part.replace('"', '\\"')
            text += f'["{quoted}"]'
    return text
