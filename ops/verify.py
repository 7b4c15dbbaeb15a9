"""`./dev verify`: prove a deployed stack, link by link, the last one by a run of the deployed sync Action."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import paths
from ops.console import console, say
from ops.environment import trust_sandbox
from ops.errors import Problem
from ops.sandbox import sentences
from ops.stack import Stack, find_chain
from ops.toolchain import ensure
from proof import BrokenLinkError, prove
from sandbox.supervisor import Sandbox

__all__ = ["app", "prove_links"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def verify(
    stack: Annotated[
        str,
        typer.Option(
            "--stack",
            "-s",
            help="Stack to prove; of the shell's own Pulumi backend, unless it is the sandbox's.",
        ),
    ] = "sandbox",
    state: Annotated[
        Path, typer.Option("--state", help="Where the sandbox keeps its state.", show_default=".sandbox")
    ] = paths.SANDBOX_STATE,
) -> None:
    """Prove that a deployed stack syncs: check every link, run the sync Action with a probe user, look for its row, remove it."""
    chain = _sandbox_chain(state, stack) if stack == "sandbox" else _chain(stack)
    if chain is None:
        up = "./dev demo" if stack == "sandbox" else "pulumi up"
        raise Problem(f"The stack {stack} has nothing deployed that could be proved: run `{up}` first.")
    prove_links(chain, lambda text: console.print(f"[green]✓[/] {text}"))
    say("Every link holds.")


def prove_links(chain: dict[str, Any], log: Callable[[str], None]) -> None:
    """Prove a chain; `log` hears a line for each link. Raises `Problem` with the sentence of the broken one."""
    try:
        prove(chain, log)
    except BrokenLinkError as error:
        sentence = str(error)
        if "localhost" in str(chain.get("domain")):  # the engine needs the sandbox's environment there
            sentence = sentence.replace("`pulumi ", "`./dev pulumi ")
        raise Problem(sentence) from None


def _sandbox_chain(state: Path, name: str) -> dict[str, Any] | None:
    toolchain = ensure(console, quiet=True)
    with sentences():
        status = Sandbox(state).status()
    stack = Stack.open(toolchain, state, status["auth0"]["ca_file"], name)
    trust_sandbox(status["auth0"]["ca_file"])
    return stack.chain()


def _chain(name: str) -> dict[str, Any] | None:
    """The chain of a stack in the backend that the user's shell is logged in to."""
    toolchain = ensure(console, quiet=True)
    words = ["stack", "export", "--stack", name, "--show-secrets", "--non-interactive"]
    shown = subprocess.run(
        [str(toolchain.pulumi), *words], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    if shown.returncode != 0:
        lines = [line for line in shown.stderr.splitlines() if line.strip()]
        raise Problem(
            f"Pulumi does not show the state of {name}: {lines[-1] if lines else 'it gave no reason'}"
        )
    return find_chain(json.loads(shown.stdout))
