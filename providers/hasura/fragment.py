"""Fragments of metadata as sets of objects: what is wrong with one, which objects it names, how they are read and written.

An object's key is its path of collections and identities, e.g. `("sources", "default", "tables", "public.users",
"select_permissions", "user")`; a property of a container ends in its name: `(…, "public.users", "configuration")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.hasura.tree import TREE, Collection, identity
from providers.kit.inputs import CheckFailure
from providers.kit.values import UNKNOWN, Path, format_path, reveal

Key = tuple[str, ...]
Json = dict[str, Any]
SOURCE_CONFIGURATION = 3  # length of ("sources", name, "configuration")


def problems(fragment: Any) -> Iterator[CheckFailure]:
    """Everything that is wrong with the shape of a fragment (secrets revealed, unknowns in it)."""
    plain = reveal(fragment)
    if not isinstance(plain, dict):
        return
    unsupported = sorted(plain.keys() - TREE.keys() - {"version"})
    for key in unsupported:
        path = format_path(("fragment", key))
        yield CheckFailure(
            path, f"is no part of metadata that a fragment can own; those are {', '.join(TREE)}"
        )
    if not any(plain.get(key) for key in TREE) and UNKNOWN not in plain.values() and not unsupported:
        yield CheckFailure("fragment", "names no object; give it sources or inherited_roles")
    for name, collection in TREE.items():
        yield from _collection_problems(plain.get(name), collection, ("fragment", name))


def _collection_problems(value: Any, collection: Collection, path: Path) -> Iterator[CheckFailure]:
    if value is None or value is UNKNOWN:
        return
    if not isinstance(value, list):
        yield CheckFailure(format_path(path), "must be a list")
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        here = (*path, index)
        if item is UNKNOWN:
            continue
        if not isinstance(item, dict):
            yield CheckFailure(format_path(here), "must be an object")
            continue
        yield from _item_problems(item, collection, here)
        name = identity(collection, item)
        if name is not None and name in seen:
            yield CheckFailure(format_path(here), f"declares the {collection.noun} {name} a second time")
        seen.add(name or "")


def _item_problems(item: Json, collection: Collection, here: Path) -> Iterator[CheckFailure]:
    name = item.get(collection.key)
    unknown = name is UNKNOWN or (isinstance(name, dict) and UNKNOWN in name.values())
    if identity(collection, item) is None and not unknown:
        yield CheckFailure(
            format_path((*here, collection.key)), f"is required: it names the {collection.noun}"
        )
    for key in sorted(collection.required):
        if item.get(key) is None:
            yield CheckFailure(format_path((*here, key)), "is required")
    if collection.inner:
        for key in sorted(item.keys() - collection.inner.keys() - collection.properties - {collection.key}):
            known = ", ".join(sorted({*collection.inner, *collection.properties}))
            reason = f"is not known for a {collection.noun}; known are {known}"
            yield CheckFailure(format_path((*here, key)), reason)
        for key, inner in collection.inner.items():
            yield from _collection_problems(item.get(key), inner, (*here, key))


def objects(fragment: Any) -> dict[Key, Any]:
    """The objects that a canonical fragment (plain values) owns, containers before what lies in them.

    A source without `configuration` is only referred to: it is no object of the fragment.
    """
    return dict(_objects(fragment, TREE, ()))


def _objects(holder: Json, inner: Mapping[str, Collection], path: Key) -> Iterator[tuple[Key, Any]]:
    for name, collection in inner.items():
        for item in holder.get(name) or []:
            key = (*path, name, identity(collection, item) or "")
            if not collection.inner:
                yield key, item
                continue
            if name != "sources" or "configuration" in item:
                value = {collection.key: item[collection.key]}
                yield key, value | ({"kind": item["kind"]} if item.get("kind") else {})
                for prop in sorted(collection.properties & item.keys() - {"kind"}):
                    yield (*key, prop), item[prop]
            yield from _objects(item, collection.inner, key)


def put(document: Json, key: Key, value: Any) -> None:
    """Write one object into `document`, in place. Containers must be written before what lies in them."""
    holder, collection, name = _holder(document, key)
    if len(key) % 2:
        holder[key[-1]] = value
        return
    items = holder.setdefault(name, [])
    for index, item in enumerate(items):
        if identity(collection, item) == key[-1]:
            items[index] = {**item, **value} if collection.inner else value
            return
    items.append(dict(value))


def remove(document: Json, key: Key) -> None:
    """Take one object (with everything in it) out of `document`, in place."""
    holder, collection, name = _holder(document, key)
    if len(key) % 2:
        holder.pop(key[-1], None)
        return
    kept = [item for item in holder.get(name, []) if identity(collection, item) != key[-1]]
    holder[name] = kept
    if not kept and name not in ("sources", "tables"):
        del holder[name]


def _holder(document: Json, key: Key) -> tuple[Json, Collection, str]:
    """The object in which `key`'s collection (or property) lies, the collection, and its name."""
    inner, holder, pairs = TREE, document, list(zip(key[::2], key[1::2], strict=False))
    for name, wanted in pairs if len(key) % 2 else pairs[:-1]:
        collection = inner[name]
        holder = next(item for item in holder.get(name, []) if identity(collection, item) == wanted)
        inner = collection.inner
    if len(key) % 2:
        return holder, TREE["sources"], ""
    return holder, inner[key[-2]], key[-2]


def project(fragment: Json, live: Mapping[Key, Any]) -> Json | None:
    """`fragment` as it is in `live`: own objects with their live values, the gone left out; None where none is left."""
    own = [key for key in objects(fragment) if key in live]
    if not own:
        return None
    owned = {key[1] for key in objects(fragment) if len(key) == 2 and key[0] == "sources"}
    out: Json = {}
    for source in fragment.get("sources") or []:
        if source["name"] not in owned and ("sources", source["name"]) in live:
            referred = {key: item for key, item in source.items() if key not in TREE["sources"].inner}
            out.setdefault("sources", []).append(referred)
    present = {key[:2] for key in own} | {("sources", item["name"]) for item in out.get("sources", [])}
    for key in own:
        if _reachable(key, live, present):
            put(out, key, live[key])
    return out


def _reachable(key: Key, live: Mapping[Key, Any], present: set[Key]) -> bool:
    return key[:2] in present and all(key[:end] in live for end in range(2, len(key), 2))


def describe(key: Key) -> str:
    """An object in words: `select permission of role user on table public.users of source default`."""
    inner, words = TREE, []
    for name, wanted in zip(key[::2], key[1::2], strict=False):
        words.append(f"{inner[name].noun} {wanted}")
        inner = inner[name].inner
    if len(key) % 2:
        return " of ".join([key[-1], *reversed(words)])
    return " of ".join(reversed(words)).replace(" of table ", " on table ")


def label(key: Key) -> str:
    """An object's key as one text, for the state: `sources/default/tables/public.users`."""
    return "/".join(key)
