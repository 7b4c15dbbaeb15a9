"""What a resource may raise.

    ProviderError             an expected failure: one sentence that the user can act on
    └── PartialError        the object exists now, but is not as wanted: the engine keeps it in the state

Everything else is a bug: the user sees the kind of error and where in the code it happened, never its values.
"""

from __future__ import annotations

from typing import Any


class ProviderError(Exception):
    """An expected failure of the outside world. The message is the one sentence that the user reads."""


class PartialError(ProviderError):
    """A create or update that stopped half-way.

    `id` and `outputs` (plain values; inputs included) go into the state, so that the next deployment finds the object.
    """

    def __init__(self, message: str, *, id: str, outputs: dict[str, Any]) -> None:
        super().__init__(message)
        self.id = id
        self.outputs = outputs
