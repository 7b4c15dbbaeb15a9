"""Which engine and which plugins are chosen."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from ops import paths, plugins, toolchain
from ops.errors import Problem, UsageProblem
from tests.ops.conftest import Script


@pytest.mark.parametrize(
    ("said", "usable"),
    [
        ("v3.259.0", "3.259.0"),
        ("v3.300.1", "3.300.1"),
        ("v4.0.0-beta", "4.0.0"),
        ("v3.258.9", None),
        ("nonsense", None),
    ],
)
def test_engine_on_the_path_must_be_new_enough(script: Script, said: str, usable: str | None):
    """An engine older than the oldest tested one is passed over."""
    script(toolchain.LANGUAGE_HOST, "")
    assert toolchain.usable(script("pulumi", f"echo {said}")) == usable


def test_engine_without_language_host_is_passed_over(script: Script, monkeypatch: pytest.MonkeyPatch):
    """A pulumi that cannot run Python is no engine for this project."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert toolchain.usable(script("pulumi", "echo v3.300.0")) is None


def test_engine_on_the_path_comes_first(script: Script, monkeypatch: pytest.MonkeyPatch):
    """The user's own pulumi is used, with its language host beside it; nothing is made."""
    script(toolchain.LANGUAGE_HOST, "")
    own = script("pulumi", "echo v3.300.0")
    monkeypatch.setenv("PATH", str(own.parent), prepend=os.pathsep)
    assert toolchain.find_engine() == (own, "3.300.0", "PATH")


@pytest.fixture
def no_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without published plugins where nothing can be downloaded; the engine's home."""
    monkeypatch.setattr(paths, "PULUMI_HOME", tmp_path / "home")
    monkeypatch.setattr(paths, "STAND_IN_HOME", tmp_path / "stand-in-home")
    monkeypatch.setattr(plugins, "reachable", lambda url: False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv(plugins.OVERRIDE, raising=False)
    return tmp_path / "home"


def install(home: Path, name: str) -> Path:
    """What the engine makes when it installs a plugin."""
    folder = home / "plugins" / f"resource-{name}-v{version(plugins.PLUGINS[name])}"
    folder.mkdir(parents=True)
    (folder / f"pulumi-resource-{name}").touch()
    return folder


def test_stand_ins_serve_where_nothing_can_be_downloaded(no_plugins: Path):
    """They are in a home where the engine finds them by version, and one line says so."""
    chosen = plugins.provide(Path("pulumi"))
    assert (chosen.kind, chosen.home) == ("stand-in", paths.STAND_IN_HOME)
    assert "stand-ins" in chosen.note
    assert "\n" not in chosen.note
    for name in plugins.PLUGINS:
        launcher = plugins.folder_in(chosen.home, name) / f"pulumi-resource-{name}"
        assert os.access(launcher, os.X_OK)
        assert str(paths.STAND_INS) in launcher.read_text()


def test_launcher_of_a_stand_in_hands_on_its_words(tmp_path: Path, script: Script):
    """From a clone with a space and a quote in its path, too; it is renewed when the clone has moved."""
    launcher = tmp_path / "home" / "plugin"
    for place in ("it's a clone", "moved"):
        command = tmp_path / place / "plugin"
        command.parent.mkdir()
        command.write_text('#!/bin/sh\necho "$0" "$@"\n')
        command.chmod(0o755)
        plugins.place_launcher(launcher, command)
        said = subprocess.run([str(launcher), "a b"], capture_output=True, text=True, check=True).stdout
        assert said == f"{command} a b\n"
    assert [file.name for file in launcher.parent.iterdir()] == ["plugin"]


def test_published_plugins_serve_where_both_are_installed(no_plugins: Path):
    """Both in the engine's home: published. One of them, or one cut off in its download: stand-ins for both."""
    install(no_plugins, "auth0")
    assert plugins.provide(Path("pulumi")).kind == "stand-in"
    folder = install(no_plugins, "postgresql")
    assert plugins.provide(Path("pulumi")) == plugins.Choice("published", paths.PULUMI_HOME)
    folder.with_name(f"{folder.name}.partial").touch()
    assert plugins.provide(Path("pulumi")).kind == "stand-in"


def test_published_plugins_on_the_path_serve(
    no_plugins: Path, script: Script, monkeypatch: pytest.MonkeyPatch
):
    """Plugins that the user installed are used; the stand-ins on a PATH are not taken for such."""
    monkeypatch.setenv("PATH", str(paths.STAND_INS))
    assert plugins.provide(Path("pulumi")).kind == "stand-in"
    for name in plugins.PLUGINS:
        folder = script(f"pulumi-resource-{name}", "").parent
    monkeypatch.setenv("PATH", str(folder))
    assert plugins.provide(Path("pulumi")).kind == "published"


def test_reachable_downloads_are_installed_by_the_engine(
    no_plugins: Path, script: Script, monkeypatch: pytest.MonkeyPatch
):
    """The versions are those that the Python packages were made for."""
    monkeypatch.setattr(plugins, "reachable", lambda url: True)
    monkeypatch.setattr(paths, "TOOLCHAIN", no_plugins.parent / "toolchain")
    monkeypatch.setattr(paths, "LOGS", no_plugins.parent / "logs")
    pulumi = script(
        "pulumi",
        'folder="$PULUMI_HOME/plugins/resource-$4-v$5"; mkdir -p "$folder" && touch "$folder/pulumi-resource-$4"',
    )
    assert plugins.provide(pulumi).kind == "published"
    assert all(plugins.is_installed(name) for name in plugins.PLUGINS)


def test_failing_download_falls_back_to_stand_ins(
    no_plugins: Path, script: Script, monkeypatch: pytest.MonkeyPatch
):
    """A host that answers and then gives nothing is no reason to stop."""
    monkeypatch.setattr(plugins, "reachable", lambda url: True)
    monkeypatch.setattr(paths, "TOOLCHAIN", no_plugins.parent / "toolchain")
    monkeypatch.setattr(paths, "LOGS", no_plugins.parent / "logs")
    assert plugins.provide(script("pulumi", "echo 403 >&2; exit 1")).kind == "stand-in"


def test_override_decides(no_plugins: Path, monkeypatch: pytest.MonkeyPatch):
    """DEV_PLUGINS wants one of two words, and what it wants or a sentence."""
    for name in plugins.PLUGINS:
        install(no_plugins, name)
    monkeypatch.setenv(plugins.OVERRIDE, "standin")
    assert plugins.provide(Path("pulumi")).kind == "stand-in"
    monkeypatch.setenv(plugins.OVERRIDE, "published")
    assert plugins.provide(Path("pulumi")).kind == "published"
    monkeypatch.setenv(plugins.OVERRIDE, "neither")
    with pytest.raises(UsageProblem, match="DEV_PLUGINS=neither is not known"):
        plugins.provide(Path("pulumi"))


def test_wanted_published_plugins_that_are_not_to_be_had_are_a_sentence(
    no_plugins: Path, monkeypatch: pytest.MonkeyPatch
):
    """No silent stand-in where the published ones were asked for."""
    monkeypatch.setenv(plugins.OVERRIDE, "published")
    with pytest.raises(Problem, match="neither on the PATH nor downloadable"):
        plugins.provide(Path("pulumi"))


def test_command_prints_where_the_tools_are_for_programs():
    """`./dev toolchain --json` names executables that exist; Node is 22, npm runs."""
    done = subprocess.run(
        [str(paths.VENV_BIN / "python"), "-P", "-m", "ops", "toolchain", "--json"],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name in ("pulumi", "node", "npm"):
        assert os.access(found[name], os.X_OK)
    node = subprocess.run([found["node"], "--version"], capture_output=True, text=True, check=True)
    assert node.stdout.startswith("v22.")
    assert Path(found["pulumi"]).parent == Path(found["bin_dirs"][0])


def test_on_macos_stand_ins_serve_the_sandbox_though_the_published_plugins_are_there(
    no_plugins: Path, monkeypatch: pytest.MonkeyPatch
):
    """Go asks the keychain there, which knows nothing of the sandbox's certificate authority; DEV_PLUGINS still decides."""
    for name in plugins.PLUGINS:
        install(no_plugins, name)
    monkeypatch.setattr("sys.platform", "darwin")
    chosen = plugins.provide(Path("pulumi"))
    assert (chosen.kind, chosen.note) == ("stand-in", plugins.NOTE_MACOS)
    monkeypatch.setenv(plugins.OVERRIDE, "published")
    assert plugins.provide(Path("pulumi")).kind == "published"
