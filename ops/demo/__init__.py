"""`./dev demo`: the whole way on this machine, and `./dev demo --down`: back to how it was.

deployment.py   sandbox up, stack configured and deployed, leftovers of killed runs removed
people.py       the demo's two people: their accounts and their logins
reach.py        what a token opens in Hasura, and what stays closed
snapshot.py     tenant, metadata and database before and after
tenant.py       the tenant's Management API
tour.py         the steps in order, and what they print
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.locking import locked
from ops.paths import SANDBOX_STATE, TOOLCHAIN

__all__ = ["app"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def demo(
    down: Annotated[
        bool, typer.Option("--down", help="Destroy the stack and show that nothing of it is left.")
    ] = False,
    state: Annotated[
        Path, typer.Option("--state", help="Where the sandbox keeps its state.", show_default=".sandbox")
    ] = SANDBOX_STATE,
) -> None:
    """Start the sandbox, deploy the stack to it with the Pulumi engine, log two people in, and show what each token opens."""
    from ops.demo import tour  # noqa: PLC0415 — so that --help is instant

    # whatever the state, there is one Pulumi.sandbox.yaml
    with locked(TOOLCHAIN / "demo.lock", "demo"):
        if down:
            tour.down(state)
        else:
            tour.up(state)
