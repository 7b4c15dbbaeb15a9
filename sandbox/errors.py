"""The one error of the sandbox that a user is meant to read."""

from __future__ import annotations

__all__ = ["SandboxError"]


class SandboxError(Exception):
    """One sentence, without secrets: what was wanted, what stood in the way, what to do about it."""
