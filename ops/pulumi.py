"""`./dev pulumi WORDS`: the engine on the sandbox's stack, in the environment that it needs there."""

from __future__ import annotations

from typing import Annotated

import typer

from ops import paths
from ops.console import console
from ops.sandbox import sentences
from ops.stack import Stack
from ops.toolchain import ensure
from sandbox.supervisor import Sandbox

__all__ = ["app"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": ["-h", "--help"],
    }
)
def pulumi(
    words: Annotated[list[str] | None, typer.Argument(help="Words for pulumi.", show_default=False)] = None,
) -> None:
    """Run pulumi on the sandbox's stack: `./dev pulumi preview --diff`, `./dev pulumi up --refresh`, `./dev pulumi help up`."""
    state = paths.SANDBOX_STATE
    with sentences():
        status = Sandbox(state).status()
    stack = Stack.open(ensure(console, quiet=True), state, status["auth0"]["ca_file"])
    raise typer.Exit(stack.interactive(*(words or ["help"])))
