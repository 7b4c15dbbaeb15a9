"""Lists: `page`/`per_page`/`include_totals`, checkpoints (`take`/`from`), `fields`/`include_fields`.

Rules: the API's reference, and the shapes of recorded answers.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from sandbox.auth0.management.errors import QueryInvalidError, bad_request
from sandbox.auth0.store import Document

__all__ = [
    "CHECKPOINT",
    "FIELDS",
    "PAGE",
    "checkpoint_page",
    "flag_argument",
    "number_argument",
    "page",
    "pick",
]

PAGE = ("page", "per_page", "include_totals")
CHECKPOINT = ("from", "take")
FIELDS = ("fields", "include_fields")


def number_argument(query: dict[str, str], name: str, default: int, largest: int | None = None) -> int:
    """A whole number of the query.

    Raises QueryInvalidError in the API's words where it is none or too large.
    """
    text = query.get(name)
    if text is None:
        return default
    if not text.isdigit():
        raise QueryInvalidError("Expected type integer but found type string", name)
    value = int(text)
    if largest is not None and value > largest:
        raise QueryInvalidError(f"Value {value} is greater than maximum {largest}", name)
    return value


def flag_argument(query: dict[str, str], name: str, default: bool = False) -> bool:
    """A boolean of the query. Raises QueryInvalidError where it is neither `true` nor `false`."""
    text = query.get(name)
    if text is None:
        return default
    if text not in ("true", "false"):
        raise QueryInvalidError("Expected type boolean but found type string", name)
    return text == "true"


def page(
    query: dict[str, str],
    documents: list[Any],
    key: str,
    *,
    per_page: int = 50,
    largest: int = 100,
    totals: Iterable[str] = ("start", "limit", "length", "total"),
) -> Any:
    """One page of a list: bare, or inside an object with totals where `include_totals=true`.

    `totals` lists the counters that this route answers with; `key` names the list inside the object.
    """
    number = number_argument(query, "page", 0)
    size = number_argument(query, "per_page", per_page, largest)
    start = number * size
    chunk = documents[start : start + size]
    if not flag_argument(query, "include_totals"):
        return chunk
    counters = {"start": start, "limit": size, "length": len(chunk), "total": len(documents)}
    return {**{name: counters[name] for name in totals}, key: chunk}


def checkpoint_page(query: dict[str, str], documents: list[Any], key: str) -> dict[str, Any]:
    """One page after a checkpoint: `{key: […], "next": …}`, `next` only where more follows.

    Raises ApiError 400 where `from` is none of ours.
    """
    take = number_argument(query, "take", 50, 100)
    start = 0
    if "from" in query:
        try:
            start = int(base64.urlsafe_b64decode(query["from"].encode()).decode())
        except (binascii.Error, ValueError) as error:
            raise bad_request("Invalid checkpoint ID", "invalid_query_string") from error
    chunk = documents[start : start + take]
    answer: dict[str, Any] = {key: chunk}
    if start + take < len(documents):
        answer["next"] = base64.urlsafe_b64encode(str(start + take).encode()).decode()
    return answer


def pick(query: dict[str, str], document: Document, always: Iterable[str] = ()) -> Document:
    """A document cut down to `fields` (or without them, where `include_fields=false`); `always` stays."""
    names = {name.strip() for name in query.get("fields", "").split(",") if name.strip()}
    if not names:
        return document
    if flag_argument(query, "include_fields", True):
        return {key: value for key, value in document.items() if key in names or key in always}
    return {key: value for key, value in document.items() if key not in names}
