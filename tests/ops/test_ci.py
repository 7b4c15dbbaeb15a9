"""What runs on a commit: the workflows, `.ci/run`, the replay of recordings."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import conformance, paths

WORKFLOWS = sorted((paths.ROOT / ".github" / "workflows").glob("*.yml"))


def test_workflows_are_valid():
    """They follow the published schema of workflow files."""
    command = [
        str(paths.VENV_BIN / "check-jsonschema"),
        "--builtin-schema",
        "vendor.github-workflows",
        *map(str, WORKFLOWS),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_secrets_belong_to_an_environment_and_never_to_forks(file: Path):
    """A job that reads a secret names a GitHub environment; on a pull request it runs for branches of this repository only."""
    workflow: dict[Any, Any] = yaml.safe_load(file.read_text())
    triggers = workflow[True]  # YAML 1.1 reads the key `on` as true
    assert "pull_request_target" not in triggers
    assert workflow["permissions"].get("contents") == "read"
    for job in workflow["jobs"].values():
        if "secrets." in yaml.safe_dump(job):
            assert job["environment"]
            if "pull_request" in triggers:
                assert "head.repo.full_name == github.repository" in job["if"]


def ci(tmp_path: Path, test: str, replay: str = "exit 0", recordings: bool = False) -> tuple[int, str]:
    """Run `.ci/run` over a `./dev` that is a script; its exit status and its last line."""
    root = tmp_path / "project"
    (root / ".ci").mkdir(parents=True)
    shutil.copy2(paths.ROOT / ".ci" / "run", root / ".ci" / "run")
    (root / "dev").write_text(f'#!/bin/sh\nif [ "$1" = test ]; then {test}; else {replay}; fi\n')
    (root / "dev").chmod(0o755)
    folder = tmp_path / "recordings"
    if recordings:
        folder.mkdir()
        (folder / "replay_auth0.py").touch()
    environment = {**os.environ, "RECORDINGS": str(folder)}
    done = subprocess.run(
        [str(root / ".ci" / "run")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("test", "replay", "recordings", "expected"),
    [
        ("echo '12 passed in 3.4s'", "", False, (0, "12 passed, 0 failed")),
        ("echo '12 passed in 3.4s'", "echo '9 passed, 0 failed'", True, (0, "21 passed, 0 failed")),
        ("echo '12 passed in 3.4s'", "echo '8 passed, 1 failed'; exit 1", True, (1, "20 passed, 1 failed")),
        ("echo '2 failed, 10 passed, 1 error in 3.4s'; exit 1", "", False, (1, "10 passed, 3 failed")),
        ("echo 'Found 1 error'; echo '12 passed in 3.4s'; exit 1", "", False, (1, "12 passed, 1 failed")),
        ("echo 'dev: no network' >&2; exit 1", "", False, (1, "0 passed, 1 failed")),
        ("exit 0", "", False, (1, "0 passed, 0 failed")),
    ],
)
def test_ci_counts_what_ran_and_its_status_agrees(
    tmp_path: Path, test: str, replay: str, recordings: bool, expected: tuple[int, str]
):
    """The last line adds up tests and recordings; a step that fails without a count is one failure; nothing run is no success."""
    assert ci(tmp_path, test, replay or "exit 0", recordings) == expected


def test_replay_counts_a_recording_as_passed_only_if_all_its_answers_matched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A recording that the replay did not reach has failed."""
    monkeypatch.setattr(conformance, "CASSETTES", ("One", "Two", "Three"))
    monkeypatch.setattr(conformance, "NEXT_TO_A_BOUND_ACTION", ("One",))
    monkeypatch.setattr(conformance, "management_token", lambda auth0: "token")
    monkeypatch.setattr(conformance, "bound_action", lambda auth0, token: contextlib.nullcontext())
    (tmp_path / "replay_auth0.py").write_text("print('One: 3 of 3\\nTwo: 2 of 3\\n5 passed, 1 failed')")
    auth0 = {"url": "https://localhost:1", "ca_file": "ca.pem"}
    assert conformance.auth0_checks(tmp_path, {"auth0": auth0}) == {"One": True, "Two": False, "Three": False}


@pytest.mark.parametrize(
    ("last", "reached"),
    [
        ("9 passed, 1 failed", True),
        ("8 passed, 2 failed", False),
        ("0 passed, 0 failed", False),
        ("Killed", False),
    ],
)
def test_hasura_floor_is_a_share_of_the_cases_that_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, reached: bool
):
    """Nine of ten reach it; nothing run does not."""
    monkeypatch.setattr(conformance, "add_source", lambda facts: None)
    (tmp_path / "replay_hasura.py").write_text(f"print({last!r})")
    facts = {"hasura": {"url": "http://127.0.0.1:1", "admin_secret": "s"}}
    assert conformance.hasura_check(tmp_path, facts)[1] is reached


def test_setup_files_and_subfolders_are_no_cases(tmp_path: Path):
    """What the cases of a folder share is not run as a case; inherited roles lie in subfolders and are left out."""
    folder = tmp_path / "hasura" / conformance.CASES[0]
    (folder / "inherited_roles").mkdir(parents=True)
    for name in (
        "a.yaml",
        "setup.yaml",
        "schema_setup.yaml",
        "values_teardown.yaml",
        "inherited_roles/b.yaml",
    ):
        (folder / name).touch()
    assert conformance.hasura_cases(tmp_path) == [str(folder / "a.yaml")]
