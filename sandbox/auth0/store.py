"""The tenant's documents: sqlite on disk, all of them cached in memory.

One JSON document per row, in order of creation. Reads come from memory (microseconds), writes go through to
sqlite in WAL mode, so that a killed simulator finds its tenant again. Documents have the shape that the
Management API returns; keys that begin with `_` are private and never leave the API (`public`).
"""

from __future__ import annotations

import copy
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

__all__ = ["Document", "Store", "public"]

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS value (key TEXT PRIMARY KEY, doc TEXT NOT NULL);
"""


def public(value: Any) -> Any:
    """A copy of a document (or a list of them) without its private keys, at any depth."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value


class Store:
    """Documents by kind and id, and single values by key.

    Thread-safe. What is returned is a copy: changing it changes nothing until it is put back. For a
    read-modify-write hold `lock`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # NORMAL: a power cut may lose the last writes of a sandbox, a killed process loses none.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        self._documents: dict[str, dict[str, Document]] = {}
        self._values: dict[str, Any] = {}
        self._index: dict[tuple[str, str], dict[Any, dict[str, None]]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._next = 0
        for kind, ident, doc in self._connection.execute("SELECT kind, id, doc FROM document ORDER BY seq"):
            self._documents.setdefault(kind, {})[ident] = json.loads(doc)
            self._number(kind, ident)
        for key, doc in self._connection.execute("SELECT key, doc FROM value"):
            self._values[key] = json.loads(doc)

    def get(self, kind: str, ident: str) -> Document | None:
        """A copy of the document, None where there is none."""
        with self.lock:
            doc = self._documents.get(kind, {}).get(ident)
            return copy.deepcopy(doc) if doc is not None else None

    def put(self, kind: str, ident: str, doc: Document) -> None:
        """Write a document; one that exists keeps its place in the order of creation."""
        text = json.dumps(doc, separators=(",", ":"))
        with self.lock:
            self._connection.execute(
                "INSERT INTO document (kind, id, doc) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc",
                (kind, ident, text),
            )
            documents = self._documents.setdefault(kind, {})
            old, new = documents.get(ident, {}), json.loads(text)
            documents[ident] = new
            self._number(kind, ident)
            self._reindex(kind, ident, old, new)

    def delete(self, kind: str, ident: str) -> bool:
        """Remove a document; False where there was none."""
        with self.lock:
            old = self._documents.get(kind, {}).pop(ident, None)
            if old is None:
                return False
            self._reindex(kind, ident, old, {})
            del self._numbers[kind, ident]
            self._connection.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, ident))
            return True

    def all(self, kind: str) -> list[Document]:
        """Copies of all documents of a kind, in order of creation."""
        with self.lock:
            return copy.deepcopy(list(self._documents.get(kind, {}).values()))

    def find(self, kind: str, **equal_fields: Any) -> list[Document]:
        """Copies of the documents whose top-level fields equal the given strings, numbers or booleans, in order
        of creation.

        The first field named is indexed (built at its first use), so a look-up among many users is quick.
        """
        if not equal_fields:
            return self.all(kind)
        field, wanted = next(iter(equal_fields.items()))
        with self.lock:
            documents = self._documents.get(kind, {})
            index = self._index.get((kind, field))
            if index is None:
                index = self._index[kind, field] = {}
                for ident, doc in documents.items():
                    _add(index, doc.get(field), ident)
            return [
                copy.deepcopy(documents[ident])
                for ident in sorted(index.get(wanted, ()), key=lambda ident: self._numbers[kind, ident])
                if all(documents[ident].get(key) == value for key, value in equal_fields.items())
            ]

    def count(self, kind: str) -> int:
        """How many documents of a kind there are."""
        with self.lock:
            return len(self._documents.get(kind, {}))

    def get_value(self, key: str) -> Any:
        """A copy of a single value, None where it was never put."""
        with self.lock:
            return copy.deepcopy(self._values.get(key))

    def put_value(self, key: str, value: Any) -> None:
        """Write a single value (anything that JSON can hold)."""
        text = json.dumps(value, separators=(",", ":"))
        with self.lock:
            self._connection.execute(
                "INSERT INTO value (key, doc) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET doc = excluded.doc",
                (key, text),
            )
            self._values[key] = json.loads(text)

    def ids(self, kind: str) -> list[str]:
        """Identifiers of all documents of a kind, in order of creation."""
        with self.lock:
            return list(self._documents.get(kind, {}))

    def reset(self, *, keep_values: str | None = None) -> None:
        """Remove every document and every value; values whose key begins with `keep_values` stay."""
        with self.lock:
            self._connection.execute("DELETE FROM document")
            self._documents.clear()
            self._index.clear()
            self._numbers.clear()
            for key in list(self._values):
                if keep_values is None or not key.startswith(keep_values):
                    self._connection.execute("DELETE FROM value WHERE key = ?", (key,))
                    del self._values[key]

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self.lock:
            self._connection.close()

    def _number(self, kind: str, ident: str) -> None:
        """Note the place of a document in the order of creation."""
        if (kind, ident) not in self._numbers:
            self._numbers[kind, ident] = self._next
            self._next += 1

    def _reindex(self, kind: str, ident: str, old: Document, new: Document) -> None:
        """Bring the indexes of a kind from what a document was to what it is; absent is the empty document."""
        for (indexed_kind, field), index in self._index.items():
            if indexed_kind != kind or old.get(field) == new.get(field):
                continue
            bucket = index.get(old.get(field)) if _indexable(old.get(field)) else None
            if bucket is not None:
                bucket.pop(ident, None)
                if not bucket:
                    del index[old[field]]
            _add(index, new.get(field), ident)


def _indexable(value: Any) -> bool:
    return isinstance(value, (str, int, bool))


def _add(index: dict[Any, dict[str, None]], value: Any, ident: str) -> None:
    if _indexable(value):
        index.setdefault(value, {})[ident] = None
