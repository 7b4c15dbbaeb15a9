"""`./dev bench [NAME…]`: measure what the design promises about speed and size, on a sandbox of its own."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.figures import Figure
from ops.console import print_problem, say
from ops.errors import Problem, UsageProblem

if TYPE_CHECKING:
    from benchmarks.ground import Ground

__all__ = ["MEASUREMENTS", "app"]

# name -> its line in the help; each is a module of `benchmarks` with a function `measure`
MEASUREMENTS = {
    "sandbox": "cold start, and memory of all processes",
    "up": "`pulumi up` without changes against an empty program",
    "sync": "the sync Action against the bare upsert",
    "login": "what the two Actions add to a login",
    "crowd": "1,000 logins at once of 200 new people",
}

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(
    epilog="  ·  ".join(f"{name}: {line}" for name, line in MEASUREMENTS.items()),
)
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]…", help=f"{', '.join(MEASUREMENTS)}; all without.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """Measure what the design promises about speed and size. Exit status 1 where an aim is missed."""
    wanted = list(dict.fromkeys(names or MEASUREMENTS))
    unknown = [name for name in wanted if name not in MEASUREMENTS]
    if unknown:
        raise UsageProblem(f"There is no measurement {unknown[0]}: there are {', '.join(MEASUREMENTS)}.")
    figures, failed = measure(wanted)
    if as_json:
        print(json.dumps([figure.as_json() for figure in figures], indent=2, ensure_ascii=False))
    else:
        show(figures)
    if failed or any(figure.met is False for figure in figures):
        raise typer.Exit(1)


def measure(names: list[str]) -> tuple[list[Figure], list[str]]:
    """The figures, and the measurements that failed: one that does is said, and the others go on."""
    figures: list[Figure] = []
    failed: list[str] = []
    with ground() as made:
        for name in names:
            say(f"Measuring {name}: {MEASUREMENTS[name]} …")
            try:
                figures += measurement(name)(made)
            except Problem as problem:
                print_problem(f"{name}: {problem}")
                failed.append(name)
    return figures, failed


def ground() -> AbstractContextManager[Ground]:
    """What is measured on. Imported here, so that --help is instant."""
    from benchmarks import ground as made  # noqa: PLC0415 — so that --help is instant

    return made.ground()


def measurement(name: str) -> Callable[[Ground], list[Figure]]:
    """The function behind a name."""
    measure_it: Callable[[Ground], list[Figure]] = importlib.import_module(f"benchmarks.{name}").measure
    return measure_it


def show(figures: list[Figure], console: Console | None = None) -> None:
    """The table: what, figure, aim, met or not, and how it came about."""
    table = Table(box=None, pad_edge=False)
    for title in ("what", "figure", "aim", "", "how"):
        table.add_column(title, header_style="dim", overflow="fold", no_wrap=title == "aim")
    marks = {True: "[green]✓[/]", False: "[bold red]✗[/]", None: ""}
    for figure in figures:
        table.add_row(
            escape(figure.what),
            figure.shown,
            figure.shown_aim,
            marks[figure.met],
            f"[dim]{escape(figure.note)}[/]",
        )
    (console or Console(highlight=False)).print(table)
