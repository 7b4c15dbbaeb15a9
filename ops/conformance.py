"""`./dev conformance DIR`: recorded answers of the real services, replayed against a sandbox of its own.

DIR holds the recordings and the two programs that replay them (`replay_auth0.py`, `replay_hasura.py`). They lie
outside the repository and are used where they are there: they check the sandbox, nothing depends on them.
A check is one recording of the Management API (all its answers must match), or the floor of Hasura's cases.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import paths
from ops.conformance_setup import add_source, bound_action, management_token
from ops.console import print_problem, say, section
from ops.environment import for_loopback
from ops.errors import Problem, UsageProblem
from sandbox.errors import SandboxError
from sandbox.ports import DEFAULT_PORTS
from sandbox.supervisor import Sandbox

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

CASSETTES = (
    "TestAccAction",
    "TestAccActionWithSecretsWO",
    "TestAccTriggerAction",
    "TestAccClientConfig",
    "TestAccClientJWTConfiguration",
    "TestAccClientRefreshToken",
    "TestAccClientCredentialsWriteOnlySecret",
    "TestAccConnectionClients",
    "TestAccResourceServer",
)
# Recorded while another test had an Action bound in the same tenant, which shows in the list of bindings.
NEXT_TO_A_BOUND_ACTION = ("TestAccAction",)
# Not their subfolders: those are about inherited roles, which the stack does not use.
CASES = (
    "graphql_mutation/insert/onconflict",
    "graphql_mutation/insert/constraints",
    "graphql_mutation/insert/permissions",
    "graphql_query/permissions",
)
SHARED_SETUP = {f"{part}{step}" for part in ("", "schema_", "values_") for step in ("setup", "teardown")}
HASURA_FLOOR = 0.9  # of the cases that ran; some contradict newer versions of the engine
DEFAULT_STATE = paths.ROOT / ".sandbox-conformance"
# Out of the way of the ports that the first sandbox has by default.
PORTS = {name: port + 10_000 for name, port in DEFAULT_PORTS.items()}


@contextmanager
def sandbox_of_its_own(state: Path) -> Iterator[dict[str, Any]]:
    """A new sandbox's connection facts; it is gone afterwards, data and all."""
    sandbox = Sandbox(state, preferred_ports=PORTS)
    try:
        sandbox.reset()
        sandbox.start(say)
        try:
            yield sandbox.status()
        finally:
            sandbox.reset()
    except SandboxError as error:
        raise Problem(str(error)) from None


def replay(program: Path, words: Sequence[str]) -> list[str]:
    """Run a replay with its output shown; its lines."""
    lines = []
    command = [sys.executable, str(program), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=for_loopback(os.environ)) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    if child.returncode not in (0, 1) or not lines:
        raise Problem(f"{program.name} ended with status {child.returncode}.")
    return lines


def auth0_checks(directory: Path, facts: dict[str, Any]) -> dict[str, bool]:
    """Recording -> whether all its answers matched."""
    auth0 = facts["auth0"]
    token = management_token(auth0)
    words = ["--base", auth0["url"], "--token", token, "--ca", auth0["ca_file"]]

    def replayed(names: Sequence[str]) -> list[str]:
        files = [str(directory / "auth0" / "cassettes" / f"{name}.yaml") for name in names]
        return replay(directory / "replay_auth0.py", [*words, *files])

    with bound_action(auth0, token):
        lines = replayed(NEXT_TO_A_BOUND_ACTION)
    lines += replayed([name for name in CASSETTES if name not in NEXT_TO_A_BOUND_ACTION])
    scores = {
        found[1]: found[2] == found[3]
        for line in lines
        if (found := re.fullmatch(r"(\w+): (\d+) of (\d+)", line))
    }
    return {name: scores.get(name, False) for name in CASSETTES}


def hasura_cases(directory: Path) -> list[str]:
    """The case files, without the setup that they share."""
    return [
        str(file)
        for folder in CASES
        for file in sorted((directory / "hasura" / folder).glob("*.yaml"))
        if file.stem not in SHARED_SETUP
    ]


def hasura_check(directory: Path, facts: dict[str, Any]) -> tuple[str, bool]:
    """A sentence with the share of cases passed, and whether it reaches the floor."""
    add_source(facts)
    hasura = facts["hasura"]
    words = ["--base", hasura["url"], "--admin-secret", hasura["admin_secret"], *hasura_cases(directory)]
    last = replay(directory / "replay_hasura.py", words)[-1]
    found = re.fullmatch(r"(\d+) passed, (\d+) failed", last)
    if not found or int(found[1]) + int(found[2]) == 0:
        return "no case was run", False
    passed, ran = int(found[1]), int(found[1]) + int(found[2])
    return f"{passed} of {ran} cases, floor {HASURA_FLOOR:.0%}", passed >= HASURA_FLOOR * ran


@app.command()
def conformance(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the recordings.")],
    state: Annotated[Path, typer.Option(help="Where the sandbox keeps its state; emptied.")] = DEFAULT_STATE,
) -> None:
    """Replay recorded answers of the real services. The last line is `N passed, N failed`, in checks."""
    for name in ("replay_auth0.py", "replay_hasura.py"):
        if not (directory / name).is_file():
            raise UsageProblem(f"{directory} holds no {name}: name the folder with the recordings.")
    os.environ.update(for_loopback(os.environ))  # requests would send even localhost to a proxy
    with sandbox_of_its_own(state) as facts:
        section("Auth0: recorded Management API traffic")
        checks = auth0_checks(directory, facts)
        section("Hasura: cases of the engine's own suite")
        sentence, checks["Hasura"] = hasura_check(directory, facts)
    say(f"Hasura: {sentence}.")
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        print_problem(f"Not as recorded: {', '.join(failed)}.")
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    raise typer.Exit(1 if failed else 0)
