"""`./dev sandbox`: the outside world on localhost, started, shown, stopped. Thin over `sandbox.supervisor`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.console import console, say
from ops.errors import Problem, UsageProblem
from sandbox.errors import SandboxError
from sandbox.logs import follow, last_lines
from sandbox.memory import memory_by_service
from sandbox.supervisor import DEFAULT_STATE, NotRunningError, Sandbox

__all__ = ["app", "sentences"]

app = typer.Typer(
    help="The outside world on localhost: Postgres, Auth0 tenant, Hasura.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

State = Annotated[
    Path, typer.Option("--state", help="Where the sandbox keeps its state.", show_default=".sandbox")
]


class NotRunning(Problem):
    """The sandbox, or a service of it, is not running."""

    exit_status = 3


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """The sandbox's errors as the commands' errors."""
    try:
        yield
    except NotRunningError as error:
        raise NotRunning(str(error)) from None
    except SandboxError as error:
        raise Problem(str(error)) from None


@app.command()
def start(
    state: State = DEFAULT_STATE,
    hasura: Annotated[str, typer.Option(help="Which engine: `builtin`.")] = "builtin",
) -> None:
    """Start what is not running, and say what runs where."""
    if hasura == "docker":
        raise Problem(
            "`--hasura docker` is not supported yet: leave the option out to run the sandbox's own engine."
        )
    if hasura != "builtin":
        raise UsageProblem(f"`--hasura {hasura}` is not known: the only engine is `builtin`.")
    sandbox = Sandbox(state)
    with sentences():
        found = sandbox.start(say)
        if found.already:
            say("The sandbox is already running:")
            _print_services(sandbox)
            return
    say(
        f"The sandbox is running. `{sandbox.command('status')}` shows it, `{sandbox.command('stop')}` ends it."
    )


@app.command()
def stop(state: State = DEFAULT_STATE) -> None:
    """End everything; the data stays."""
    with sentences():
        ran = Sandbox(state).stop()
    say("The sandbox has ended; its data is kept." if ran else "The sandbox was not running.")


@app.command()
def reset(state: State = DEFAULT_STATE) -> None:
    """End everything and remove all of its data, secrets and ports."""
    with sentences():
        Sandbox(state).reset()
    say("The sandbox's state is gone; the next start makes a new one.")


@app.command()
def status(
    state: State = DEFAULT_STATE,
    as_json: Annotated[bool, typer.Option("--json", help="What a client needs, secrets included.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="Show what each service keeps in memory.")] = False,
) -> None:
    """What runs where. Exit status 3 if it is not running."""
    sandbox = Sandbox(state)
    with sentences():
        if not as_json:
            _print_services(sandbox, memory=memory)
        facts = sandbox.status()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="One service; all of them without.")] = None,
    state: State = DEFAULT_STATE,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    number: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines of each log.")] = 20,
) -> None:
    """The last lines of the services' logs."""
    directory = Sandbox(state).state.logs
    known = sorted(path.stem for path in directory.glob("*.log"))
    if not known:
        raise NotRunning(f"There are no logs yet: start it with `{Sandbox(state).command('start')}`.")
    if service is not None and service not in known:
        raise UsageProblem(f"There is no log of {service}: there are {', '.join(known)}.")
    paths = [directory / f"{name}.log" for name in ([service] if service else known)]
    prefixed = service is None
    for path in paths:
        for line in last_lines(path, number):
            _print_line(path, line, prefixed=prefixed)
    if following:
        with contextlib.suppress(KeyboardInterrupt):
            for path, line in follow(paths):
                _print_line(path, line, prefixed=prefixed)


def _print_line(path: Path, line: str, *, prefixed: bool) -> None:
    typer.echo(f"{path.stem:<10}{line}" if prefixed else line)


def _print_services(sandbox: Sandbox, *, memory: bool = False) -> None:
    found = sandbox.services()
    if not found:
        return
    used = memory_by_service(sandbox.state) if memory else {}
    table = Table(box=None, pad_edge=False)
    for title in ("service", "state", "pid", "where", *(["memory"] if memory else [])):
        table.add_column(title, header_style="dim", justify="right" if title in {"pid", "memory"} else "left")
    for service in found:
        colour = "green" if service.state == "running" else "bold red"
        row = [service.name, f"[{colour}]{service.state}[/]", str(service.pid), escape(service.url)]
        if memory:
            row.append(f"{used.get(service.name, 0) / 1_048_576:.0f} MB")
        table.add_row(*row)
    if memory:
        table.add_row("supervisor", "", "", "", f"{used.get('supervisor', 0) / 1_048_576:.0f} MB")
        table.add_row("all", "", "", "", f"{sum(used.values()) / 1_048_576:.0f} MB")
    Console(highlight=False).print(table)
    for service in found:
        for line in service.last_words:
            console.print(f"[dim]{service.name}:[/] {escape(line)}")
