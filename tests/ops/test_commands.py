"""`./dev` as a table of commands: fast help, exit statuses, errors as one sentence; and what tells it of the network."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ops import __main__ as table
from ops import paths
from ops.locking import locked
from ops.reach import reachable


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program with the project importable."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def command_that(body: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the table whose body is this Python."""
    return run(f"""
import sys, types, typer
from ops.errors import Problem, UsageProblem
module = types.ModuleType("ops.probe"); module.app = typer.Typer(pretty_exceptions_enable=False)
@module.app.command()
def probe() -> None:
    {body}
sys.modules["ops.probe"] = module
from ops import __main__ as table
table.register("probe", "ops.probe", "A probe.")
sys.argv = ["dev", "probe"]
sys.exit(table.main())
""")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("raise Problem('The tenant does not answer.')", 1, "dev: The tenant does not answer.\n"),
        ("raise Problem('Odd [bold]name[/bold] [/x].')", 1, "dev: Odd [bold]name[/bold] [/x].\n"),
        ("raise UsageProblem('One or the other.')", 2, "dev: One or the other.\n"),
        ("raise KeyboardInterrupt", 130, "Interrupted.\n"),
        ("raise typer.Exit(7)", 7, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143, ""),
    ],
)
def test_what_goes_wrong_outside_is_one_sentence_and_a_status(body: str, status: int, said: str):
    """1 for the outside world, 2 for the words, 130 for Ctrl-C; no traceback."""
    done = command_that(body)
    assert (done.returncode, done.stderr) == (status, said)


def test_help_lists_every_command_and_imports_none():
    """Help is instant: no command's module, no Pulumi, no client library is imported for it."""
    done = run("""
import sys
from ops import __main__ as table
sys.argv = ["dev", "--help"]
try:
    table.main()
except SystemExit as end:
    assert end.code == 0
loaded = [module for module, _ in table.COMMANDS.values() if module in sys.modules]
loaded += [name for name in ("pulumi", "requests", "psycopg", "pydantic") if name in sys.modules]
print("loaded:", loaded)
""")
    assert done.stdout.endswith("loaded: []\n"), done.stderr
    for name in table.COMMANDS:
        assert f"│ {name} " in done.stdout


@pytest.mark.parametrize("name", table.COMMANDS)
def test_every_command_of_the_table_has_help(name: str):
    """The module is there, has an app, and its help names the command as a user types it."""
    done = run(
        f"import sys; from ops.__main__ import main; sys.argv = ['dev', {name!r}, '--help']; sys.exit(main())"
    )
    assert done.returncode == 0, done.stderr
    assert f"Usage: ./dev {name}" in done.stdout


@pytest.mark.parametrize("words", [["sandbox", "status"], ["verify"]])
def test_a_sandbox_that_does_not_run_has_its_own_status(words: list[str], tmp_path: Path):
    command = [*words, "--state", str(tmp_path)]
    done = run(
        f"import sys; from ops import __main__ as table; sys.argv[1:] = {command!r}; sys.exit(table.main())"
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("dev: The sandbox is not running: start it with `./dev sandbox start")


def test_unknown_command_is_a_usage_error():
    """Status 2, and the command that was probably meant."""
    done = run("import sys; from ops.__main__ import main; sys.argv = ['dev', 'snadbox']; sys.exit(main())")
    assert done.returncode == 2
    assert "'sandbox'" in done.stderr


@pytest.fixture
def server() -> Iterator[str]:
    """An HTTP server that answers 404 to everything."""

    class Nothing(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            return

    http = HTTPServer(("127.0.0.1", 0), Nothing)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()
    thread.join()


def test_host_that_answers_anything_is_reachable(server: str):
    """A 404 is an answer."""
    assert reachable(server, seconds=10)


def test_host_that_refuses_or_keeps_silent_is_not_reachable():
    """A closed port, and one that accepts and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert not reachable(address, seconds=0.2)
    assert not reachable(address, seconds=10)


def test_second_holder_of_a_lock_says_that_it_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It then goes on when the first is done."""
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        waits.set()
        with locked(tmp_path / "lock", "that builds"):
            order.append("second")

    with locked(tmp_path / "lock", "that builds"):
        thread = threading.Thread(target=second)
        thread.start()
        waits.wait()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert capsys.readouterr().err == "Waiting for another ./dev that builds …\n"
