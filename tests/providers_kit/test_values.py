"""Properties of the codec and of the structural diff, for any property tree."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kit.codec import decode, encode
from providers.kit.diffing import Change, compare, structural
from providers.kit.errors import ProviderError
from providers.kit.failures import redact
from providers.kit.values import (
    UNKNOWN,
    Secret,
    format_path,
    has_unknown,
    mark_secret_texts,
    mark_secrets,
    reveal,
    secret_paths,
    secret_texts,
    walk,
)

_KEYS = st.text(min_size=1, max_size=8).filter(lambda key: key != "4dabf18193072939515e22adb298388d")
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
    | st.text(max_size=12)
)


def _trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
        max_leaves=12,
    )


_PLAIN = st.dictionaries(_KEYS, _trees(_SCALARS), max_size=4)
_PROPS = st.dictionaries(_KEYS, _trees(_SCALARS | _SCALARS.map(Secret) | st.just(UNKNOWN)), max_size=4)


@given(_PROPS)
def test_what_is_encoded_is_decoded_unchanged(props: dict[str, Any]) -> None:
    assert decode(encode(props)) == props


@given(_PLAIN)
def test_nothing_differs_from_itself(props: dict[str, Any]) -> None:
    assert not structural(props, copy.deepcopy(props))


@given(_PLAIN)
def test_marking_a_secret_is_no_change(props: dict[str, Any]) -> None:
    marked = mark_secrets(props, {(key,) for key in props})
    assert not structural(props, marked)
    assert reveal(marked) == props


@given(_PLAIN, _KEYS, _SCALARS)
def test_an_unknown_never_equals_a_known_value(props: dict[str, Any], key: str, value: Any) -> None:
    assert structural({**props, key: value}, {**props, key: UNKNOWN}).changes
    assert structural({**props, key: UNKNOWN}, {**props, key: UNKNOWN}).changes


@given(_PROPS)
def test_secrets_are_found_again_at_their_paths(props: dict[str, Any]) -> None:
    assert secret_paths(mark_secrets(reveal(props), secret_paths(props))) == secret_paths(props)


@given(_PROPS)
def test_has_unknown_sees_every_leaf(props: dict[str, Any]) -> None:
    assert has_unknown(props) == any(leaf is UNKNOWN for _, leaf, _ in walk(props))


def test_an_unknown_inside_a_secret_is_unknown() -> None:
    assert decode(encode({"a": Secret(UNKNOWN)})) == {"a": UNKNOWN}


def test_whole_numbers_come_back_as_int_and_booleans_stay_booleans() -> None:
    values = decode(encode({"a": 1, "b": True, "c": 1.5}))
    assert [type(values[key]) for key in "abc"] == [int, bool, float]


def test_assets_are_refused_with_a_sentence() -> None:
    asset = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "x"}
    with pytest.raises(ProviderError, match="not accepted"):
        decode(encode({"a": asset}))


def test_a_value_that_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        encode({"a": {1}})


def test_a_change_inside_a_secret_is_reported_at_the_secret_alone() -> None:
    old, new = {"a": Secret({"b": 1, "c": 2})}, {"a": Secret({"b": 1, "c": 3})}
    assert list(compare(old, new)) == [(("a",), Change.UPDATE)]


def test_a_boolean_is_no_number() -> None:
    assert structural({"a": True}, {"a": 1}).changes == {"a": Change.UPDATE}


def test_changes_name_their_paths_and_those_below_a_replacing_property_replace() -> None:
    old = {"columns": [{"name": "a"}, {"name": "b"}], "title": {"x.y": 1}}
    new = {"columns": [{"name": "c"}], "title": {"x.y": 2}}
    diff = structural(old, new, frozenset({"title"}))
    assert diff.changes == {
        "columns[0].name": Change.UPDATE,
        "columns[1]": Change.DELETE,
        'title["x.y"]': Change.UPDATE,
    }
    assert diff.replaces == {'title["x.y"]'}


def test_paths_are_written_as_pulumi_writes_them() -> None:
    assert format_path(("a", 0, "b-c", 'd"e', "_f")) == 'a[0].b-c["d\\"e"]._f'


def test_a_secret_is_recognised_where_a_list_was_reordered() -> None:
    known = {"list": ["plain", Secret("hush-hush")]}
    marked = mark_secret_texts({"list": ["hush-hush", {"deep": "hush-hush"}]}, secret_texts(known))
    assert marked == {"list": [Secret("hush-hush"), {"deep": Secret("hush-hush")}]}


def test_no_secret_shows_itself() -> None:
    assert "hush" not in repr({"a": Secret("hush")})
    assert redact("say hush-hush, hush", {"hush", "hush-hush"}) == "say [secret], [secret]"
