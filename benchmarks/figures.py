"""A figure: what was measured, the samples, and the aim that they are held to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_DIGITS = {"x": 2, "s": 2, "ms": 1, "MB": 0, "": 0}


@dataclass(frozen=True)
class Figure:
    """`aim`: the largest median that is good, or with `exactly` the only one; None for what explains another figure.

    `unit`: `x` for a ratio, `s`, `ms`, `MB`, or nothing for a count. `note`: how the figure came about, in a few words.
    """

    what: str
    samples: Sequence[float]
    unit: str
    aim: float | None = None
    exactly: bool = False
    note: str = field(default="")

    def __post_init__(self) -> None:
        if not self.samples:
            raise ValueError(f"{self.what}: a figure needs samples")

    @property
    def median(self) -> float:
        """The figure."""
        return statistics.median(self.samples)

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None without an aim. Judged by what is shown: 1.504 x meets 1.5 x."""
        if self.aim is None:
            return None
        shown = round(self.median, _DIGITS[self.unit])
        return shown == self.aim if self.exactly else shown <= self.aim

    def text(self, value: float) -> str:
        """A value as it is shown."""
        return f"{value:,.{_DIGITS[self.unit]}f} {self.unit}".strip()

    @property
    def shown(self) -> str:
        """Median, and the range where there is one."""
        if len(self.samples) == 1:
            return self.text(self.median)
        low, high = (self.text(value).split(" ")[0] for value in (min(self.samples), max(self.samples)))
        return f"{self.text(self.median)}  ({low} to {high}, n={len(self.samples)})"

    @property
    def shown_aim(self) -> str:
        """The aim in words of the table."""
        if self.aim is None:
            return ""
        value = f"{self.aim:,g} {self.unit}".strip()
        return value if self.exactly else f"≤ {value}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "what": self.what,
            "median": self.median,
            "min": min(self.samples),
            "max": max(self.samples),
            "samples": list(self.samples),
            "unit": self.unit,
            "aim": self.aim,
            "exactly": self.exactly,
            "met": self.met,
            "note": self.note,
        }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Pair by pair, in the order in which they were measured: the ratio of two neighbours in time."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]
