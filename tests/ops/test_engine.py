"""The Pulumi engine: built from locked modules, complete or not there at all; and a program run by it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from ops import paths, toolchain
from ops.engine import modules
from ops.environment import engine_environment
from ops.errors import Problem
from tests.ops.conftest import Script

# A `go` that answers as the real one does for the words that the build uses.
GO = """
case "$1" in
env) echo go1.26.9 ;;
list) printf '{"Dir": "%s"}' "$FAKE_MODULE" ;;
build)
    while [ "$1" != -o ]; do shift; done
    echo "go: downloading example.com/a v1.0.0"
    [ -z "$FAKE_FAILURE" ] || { echo "$FAKE_FAILURE"; exit 1; }
    echo "example.com/a/b"
    echo "$3" > "$2"; chmod +x "$2" ;;
esac
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A .toolchain of its own, and a module cache with the language host's script."""
    place = tmp_path / "toolchain"
    monkeypatch.setattr(paths, "TOOLCHAIN", place)
    monkeypatch.setattr(paths, "ENGINE_BIN", place / "bin")
    monkeypatch.setattr(paths, "RELEASE", place / "release")
    monkeypatch.setattr(paths, "LOGS", place / "logs")
    module = tmp_path / "module" / "python" / "cmd"
    module.mkdir(parents=True)
    (module / modules.HOST_SCRIPT).write_text("script")
    (module / modules.HOST_SCRIPT).chmod(0o444)
    monkeypatch.setenv("FAKE_MODULE", str(tmp_path / "module"))
    monkeypatch.setenv("FAKE_FAILURE", "")
    return place


@pytest.fixture
def fake_go(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """`GO` comes first on the PATH."""
    monkeypatch.setenv("PATH", str(script("go", GO).parent), prepend=os.pathsep)


def test_build_is_complete_and_tidy(place: Path, fake_go: None):
    """All three files lie in one folder, executable, and the place of work is gone."""
    assert not modules.is_built()
    modules.build(Console(quiet=True))
    assert modules.is_built()
    assert {file.name for file in (place / "bin").iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        ".complete",
    }
    assert all(os.access(file, os.X_OK) for file in (place / "bin").iterdir() if file.name != ".complete")
    assert not (place / "build").exists()
    (place / "bin" / "pulumi-language-python").unlink()
    assert not modules.is_built()


def test_changed_locks_ask_for_a_new_build(place: Path, fake_go: None):
    """What was built from other locks does not count."""
    modules.build(Console(quiet=True))
    (place / "bin" / ".complete").write_text("other locks")
    assert not modules.is_built()
    modules.build(Console(quiet=True))
    assert modules.is_built()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "Get https://example.com: dial tcp: lookup example.com: no such host",
            "Go cannot fetch the Pulumi engine's modules",
        ),
        ("SECURITY ERROR: checksum mismatch", "differs from the hash in ops/engine"),
        ("write /x: no space left on device", "The disk is full"),
        ("example.go:1: syntax error", "could not be built"),
    ],
)
def test_failing_build_is_one_sentence_and_leaves_nothing(
    place: Path, fake_go: None, monkeypatch: pytest.MonkeyPatch, output: str, sentence: str
):
    """A build that fails says why in a sentence that names the log, and nothing of it counts as built."""
    monkeypatch.setenv("FAKE_FAILURE", output)
    with pytest.raises(Problem, match=sentence) as problem:
        modules.build(Console(quiet=True))
    assert "build-pulumi.log" in str(problem.value)
    assert not (place / "bin").exists()
    assert not (place / "build").exists()


@pytest.mark.parametrize("version", ["go1.22.1", "go1.26.5", "devel"])
def test_old_go_is_one_sentence(script: Script, monkeypatch: pytest.MonkeyPatch, version: str):
    """A Go that cannot build the engine is named, with what to install."""
    monkeypatch.setenv("PATH", str(script("go", f"echo {version}").parent), prepend=os.pathsep)
    with pytest.raises(
        Problem, match=rf"\({version}\) is too old.*install Go 1.26.6 or newer, or pulumi 3.259.0 or newer"
    ):
        modules.find_go()


def test_no_go_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without pulumi, release and Go the sentence says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="no Go to build it: install Go"):
        modules.find_go()


def test_interrupted_build_ends_its_processes(tmp_path: Path, script: Script):
    """Ctrl-C on `./dev` ends the compiler's whole process group, and no part of a build stays."""
    pids = tmp_path / "pids"
    body = f"""[ "$1" = env ] && {{ echo go1.26.9; exit; }}
sleep 600 & echo "$! $$" > '{pids}.new'; mv '{pids}.new' '{pids}'; wait"""
    go = script("go", body)
    program = f"""
import sys
from pathlib import Path
from ops import paths
paths.TOOLCHAIN = Path({str(tmp_path / "t")!r})
paths.ENGINE_BIN, paths.LOGS = paths.TOOLCHAIN / "bin", paths.TOOLCHAIN / "logs"
from ops.console import console
from ops.engine import modules
modules.build(console)
"""
    run = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=paths.ROOT,
        env={**os.environ, "PATH": f"{go.parent}{os.pathsep}{os.environ['PATH']}"},
        stderr=subprocess.DEVNULL,
    )
    while not pids.exists():
        assert run.poll() is None
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    run.wait(30)
    for pid in map(int, pids.read_text().split()):
        assert not alive(pid)
    assert not (tmp_path / "t" / "bin").exists()
    assert not (tmp_path / "t" / "build").exists()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return shown != "" and not shown.startswith("Z")


@pytest.mark.parametrize("part", modules.PARTS, ids=lambda part: part.lock)
def test_locks_pin_every_module_by_hash_and_name_no_server(part: modules.Part):
    """Every module of go.mod has its hash in go.sum; no replacement and no address is in either."""
    folder = paths.ENGINE_LOCKS / part.lock
    wanted = re.findall(r"^\s*(?:require )?(\S+) (v\S+)", (folder / "go.mod").read_text(), re.MULTILINE)
    hashes = set(
        re.findall(r"^(\S+) (v[^/\s]+)(?:/go\.mod)? h1:", (folder / "go.sum").read_text(), re.MULTILINE)
    )
    assert len(wanted) > 50
    assert set(wanted) <= hashes
    text = (folder / "go.mod").read_text() + (folder / "go.sum").read_text()
    assert not re.search(r"://|^replace", text, re.MULTILINE)
    assert f"tool {part.package}" in text


def test_engine_version_is_the_locked_one():
    """The version that the engine reports is the version of the module that it is built from."""
    assert (
        f"pulumi/pkg/v3 v{modules.ENGINE_VERSION}" in (paths.ENGINE_LOCKS / "pulumi" / "go.mod").read_text()
    )


def test_python_program_goes_up_and_down_without_a_warning(tmp_path: Path):
    """The engine of `ensure` runs a Python program through the Automation API, in a folder with a space."""
    from pulumi import automation

    tools = toolchain.ensure(quiet=True)
    program = tmp_path / "a program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: scratch\nruntime: python\n")
    (program / "__main__.py").write_text("import sys\nimport pulumi\npulumi.export('python', sys.prefix)\n")
    options = automation.LocalWorkspaceOptions(
        env_vars=engine_environment(tools, tmp_path / "the state", "passphrase"), pulumi_command=tools.command
    )
    stack = automation.create_or_select_stack("test", work_dir=str(program), opts=options)
    up = stack.up()
    assert up.outputs["python"].value == str(paths.VENV)
    assert "warning" not in (up.stdout + up.stderr).lower()
    assert stack.up(expect_no_changes=True).summary.resource_changes == {"same": 1}
    stack.destroy()
    assert (stack.export_stack().deployment or {}).get("resources", []) == []
    assert (tmp_path / "the state" / "pulumi" / ".pulumi").is_dir()
