"""Steps of a story that are gone once, in order, each when something first asks for what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Story = TypeVar("Story")
Found = TypeVar("Found")


class step(Generic[Story, Found]):  # noqa: N801 — used as a decorator, like `property`
    """A property that is computed once. Unlike `functools.cached_property` it keeps a failure, too: a step that failed half-way is
    never gone again, everybody who asks for it gets the same failure."""

    def __init__(self, function: Callable[[Story], Found]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_step_{name}"

    def __get__(self, story: Story, owner: Any = None) -> Found:
        kept = vars(story)
        if self._name not in kept:
            try:
                kept[self._name] = (self._function(story), None)
            except BaseException as error:
                kept[self._name] = (None, error)
        found, failure = kept[self._name]
        if failure is not None:
            raise failure
        result: Found = found
        return result
