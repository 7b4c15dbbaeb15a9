"""The errors of the sandbox that a user is meant to read.

SandboxError
└── NotRunningError
"""

from __future__ import annotations

__all__ = ["NotRunningError", "SandboxError"]


class SandboxError(Exception):
    """One sentence, without secrets: what was wanted, what stood in the way, what to do about it."""


class NotRunningError(SandboxError):
    """The sandbox, or a service of it, is not running."""
