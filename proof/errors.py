"""How a proof fails."""

from __future__ import annotations


class BrokenLinkError(Exception):
    """A link of the chain that does not hold: which one, what was found there, what to do. The message is one sentence."""

    def __init__(self, link: str, found: str, mend: str) -> None:
        super().__init__(f"Broken link “{link}”: {found}; {mend}")
        self.link = link
        self.found = found
        self.mend = mend
