"""The proof that a login ends in a row: one check a link of the chain, each with a sentence for when it is broken.

Knows the public APIs of Auth0 and Hasura and plain SQL, and nothing of the stack but the `Chain` that it is given. `up` runs it when
something on the way has changed (`components/login_proof.py`), `./dev verify` at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proof.chain import Chain
from proof.errors import BrokenLinkError

__all__ = ["BrokenLinkError", "Chain", "prove", "prove_deployment"]


def prove(chain: Chain | dict[str, Any], log: Callable[[str], None] = lambda text: None) -> None:
    """Check every link in order, the last one by a run of the deployed sync Action with a probe user.

    Raises `BrokenLinkError` at the first broken link; `log` hears a line for each that holds.
    """
    from proof.links import LINKS  # noqa: PLC0415 — imports requests and psycopg, which a preview never needs

    known = chain if isinstance(chain, Chain) else Chain(**chain)
    for link in LINKS:
        log(f"{link.name}: {link.check(known)}")


def prove_deployment(chain: dict[str, Any], log: Callable[[str], None]) -> None:
    """`prove`, at the end of a deployment: what a deployment may leave in the wrong order is put right first."""
    from proof.order import put_sync_first  # noqa: PLC0415 — see `prove`

    known = Chain(**chain)
    if put_sync_first(known):
        log("login flow: the sync Action was bound behind the claims Action, and is in front of it now")
    prove(known, log)
