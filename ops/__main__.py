"""`./dev COMMAND`: the table of commands. A module is imported when its command is called: help is instant."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType

import typer

from ops.console import print_problem, say
from ops.errors import Problem

# command -> (module with a Typer `app`, its line in the help)
COMMANDS = {
    "demo": (
        "ops.demo",
        "Bring everything up on this machine, log two people in, and show what each token opens.",
    ),
    "test": ("ops.test", "Lint, type-check and test; further words go to pytest."),
    "sandbox": ("ops.sandbox", "The outside world on localhost: start, stop, status, reset, logs."),
    "verify": (
        "ops.verify",
        "Prove that a deployed stack syncs: run the sync Action, look for the row, remove it.",
    ),
    "pulumi": ("ops.pulumi", "Run pulumi on the sandbox's stack: `./dev pulumi up --refresh`."),
    "bench": ("ops.bench", "Measure what the design promises, as ratios inside one run."),
    "conformance": (
        "ops.conformance",
        "Replay recorded answers of the real services against a sandbox of its own.",
    ),
    "toolchain": (
        "ops.toolchain",
        "Provide the Pulumi engine, its plugins and Node, and say where they are.",
    ),
}
EVERY_WORD = {"ignore_unknown_options": True, "allow_extra_args": True}

app = typer.Typer(
    name="./dev",
    help="One Pulumi stack: everybody who logs in through Auth0 has a row in Postgres, and a token that opens just that row.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(name: str, module: str, line: str) -> None:
    """Add a command that imports its module when called and hands all words on, `--help` among them."""

    def call(context: typer.Context) -> None:
        imported = importlib.import_module(module)
        imported.app(args=context.args, prog_name=f"./dev {name}")

    app.command(name, help=line, context_settings=EVERY_WORD, add_help_option=False)(call)


for _name, (_module, _line) in COMMANDS.items():
    register(_name, _module, _line)


def stop(number: int, frame: FrameType | None) -> None:
    """A polite end asked for from outside: unwinds like Ctrl-C, so that children are ended."""
    raise SystemExit(128 + number)


def main() -> int:
    """Run the command on the command line. Exit status: 1 a Problem, 2 wrong words, 130 Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        app(prog_name="./dev")
    except Problem as problem:
        print_problem(str(problem))
        return problem.exit_status
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    except SystemExit as end:
        if end.code == 130:
            say("Interrupted.")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
