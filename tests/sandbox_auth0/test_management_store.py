"""The store: copies, order, look-ups, and what survives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.auth0.store import Store, public


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "tenant.db")
    yield store
    store.close()


def test_documents_are_copies(store):
    """Changing what was read or written changes nothing until it is put back."""
    document = {"a": [1]}
    store.put("k", "1", document)
    document["a"].append(2)
    read = store.get("k", "1")
    read["a"].append(3)
    assert store.get("k", "1") == {"a": [1]}
    assert store.get("k", "none") is None


def test_order_is_that_of_creation(store):
    """Neither an update nor a changed field moves a document; a deleted one comes back at the end."""
    for ident in "abc":
        store.put("k", ident, {"id": ident, "colour": "red"})
    assert store.find("k", colour="red")
    store.put("k", "a", {"id": "a", "colour": "blue"})
    store.put("k", "a", {"id": "a", "colour": "red"})
    assert [item["id"] for item in store.find("k", colour="red")] == ["a", "b", "c"]
    assert store.delete("k", "a")
    assert not store.delete("k", "a")
    store.put("k", "a", {"id": "a", "colour": "red"})
    assert [item["id"] for item in store.all("k")] == ["b", "c", "a"]
    assert [item["id"] for item in store.find("k", colour="red")] == ["b", "c", "a"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None, 1])), max_size=30))
def test_look_up_finds_what_a_scan_finds(tmp_path_factory, steps):
    """After any writes and deletions, `find` gives the documents whose field is equal, in their order."""
    store = Store(tmp_path_factory.mktemp("store") / "tenant.db")
    for ident, value in steps:
        if value is None:
            store.delete("k", ident)
        else:
            store.put("k", ident, {"id": ident, "f": value})
        for wanted in ("x", "y", 1):
            assert store.find("k", f=wanted) == [item for item in store.all("k") if item["f"] == wanted]
    store.close()


def test_reset_can_keep_keys(store):
    """A reset removes documents and values, but those values that are named by their beginning."""
    store.put("k", "1", {})
    store.put_value("_key", 1)
    store.put_value("list", [1])
    store.reset(keep_values="_")
    assert store.all("k") == []
    assert store.get_value("_key") == 1
    assert store.get_value("list") is None


def test_private_keys_are_left_out_at_any_depth():
    """What leaves the API holds no key that begins with an underscore."""
    assert public({"a": [{"_b": 1, "c": 2}], "_d": 3}) == {"a": [{"c": 2}]}
