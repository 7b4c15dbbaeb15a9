"""How an update changes a document: what is named is set, `null` removes, the rest stays."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sandbox.auth0.store import Document

__all__ = ["deep_merge", "merged"]


def merged(document: Document, changes: Document, *, deep: Collection[str] = ()) -> Document:
    """The document after a PATCH. Objects named in `deep` are merged key by key, others are replaced."""
    result = dict(document)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif name in deep and isinstance(value, dict):
            result[name] = deep_merge(result.get(name) or {}, value)
        else:
            result[name] = value
    return result


def deep_merge(old: Any, new: Any) -> Any:
    """Objects merged at every depth, `null` removing; everything else is the new value."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    result = dict(old)
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        else:
            known = result.get(name)
            result[name] = deep_merge(known if isinstance(known, dict) else {}, value)
    return result
