"""What a user may see go wrong.

Problem            exit status 1, one sentence
└── UsageProblem   exit status 2, the words on the command line were wrong
"""

from __future__ import annotations


class Problem(Exception):  # noqa: N818 - it is printed as a sentence, not as a traceback
    """Something outside the code went wrong: one sentence that says what was wanted, what happened and what to do.

    Never put a secret into the text; it is printed as it is.
    """

    exit_status = 1


class UsageProblem(Problem):
    """The command was called with words that make no sense together."""

    exit_status = 2
