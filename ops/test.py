"""`./dev test`: lint, format, types, tests; with words of your own just pytest: `./dev test tests/ops -k venv`."""

from __future__ import annotations

import os
import subprocess
import sys

import typer

from ops import paths
from ops.console import print_problem, section
from ops.environment import without_foreign
from ops.toolchain import ensure

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", "."],
}
WORKERS = "2"  # the suite's fixtures start servers: more workers start more of them


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run a tool of the venv in the clone's root with its output on the terminal; its exit status."""
    executable = str(paths.VENV_BIN / command[0])
    try:
        return subprocess.run(
            [executable, *command[1:]], cwd=paths.ROOT, env=environment, check=False
        ).returncode
    except KeyboardInterrupt:
        return 130  # the terminal sent Ctrl-C to the tool, too: it has ended


@app.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": ["--help"],
    }
)
def test(context: typer.Context) -> None:
    """Lint, type-check and test. Words of your own go to pytest, and then the linters are left out."""
    ensure(quiet=True)
    environment = {**without_foreign(os.environ), "PYTHONDONTWRITEBYTECODE": ""}
    environment["PATH"] = os.pathsep.join([str(paths.VENV_BIN), environment.get("PATH", os.defpath)])
    words, failed = list(context.args), []
    if not words:
        for name, command in CHECKS.items():
            section(name)
            if run(command, environment):
                failed.append(name)
    section("pytest")
    # by file: a module that shares one long story (tests/life) must live it once, not once a worker
    status = run(["python", "-m", "pytest", "-n", WORKERS, "--dist", "loadfile", *words], environment)
    if failed:
        print_problem(f"Failed before the tests: {', '.join(failed)} (see above).")
    sys.exit(status or (1 if failed else 0))
