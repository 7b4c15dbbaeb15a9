"""A stack of this project on the sandbox: its configuration, and the engine's commands on it with their output as it comes."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops import paths
from ops.environment import engine_environment
from ops.errors import Problem
from ops.toolchain import Toolchain

AUDIENCE = "https://api.sandbox.example"
APP_NAME = "Sandbox demo"

Status = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Stack:
    """A stack by name. `state`: the sandbox's folder, where the engine's state and passphrase are kept, too."""

    name: str
    state: Path
    environment: dict[str, str]
    pulumi: Path

    @classmethod
    def open(cls, toolchain: Toolchain, state: Path, ca_file: str, name: str = "sandbox") -> Stack:
        """The stack, made where it does not exist. Locks left by killed engines are removed."""
        environment = engine_environment(toolchain, state, _passphrase(state))
        # Go (the published auth0 plugin) and requests each have a variable of their own for the certificate authority.
        environment |= {"SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file}
        stack = cls(name, state, environment, toolchain.pulumi)
        stack._break_stale_locks()
        stack._restore_state()
        if stack._capture("stack", "select", name).returncode != 0:
            stack._config_file.unlink(missing_ok=True)  # encrypted for a stack that is gone
            made = stack._capture("stack", "init", name)
            if made.returncode != 0:
                raise Problem(f"Pulumi could not make the stack {name}: {_last_line(made.stderr)}")
        return stack

    @property
    def _config_file(self) -> Path:
        return paths.ROOT / f"Pulumi.{self.name}.yaml"

    @property
    def exists(self) -> bool:
        """Whether the stack has resources."""
        return bool(self.resources())

    def configure(self, settings: Mapping[str, str], secret: Mapping[str, str]) -> None:
        """Set configuration by path (`hasura.kind`). Raises `Problem` with the engine's word."""
        words = [word for key, value in settings.items() for word in ("--plaintext", f"{key}={value}")]
        words += [word for key, value in secret.items() for word in ("--secret", f"{key}={value}")]
        done = self._capture("config", "set-all", "--stack", self.name, "--path", *words)
        if done.returncode != 0:
            raise Problem(
                f"Pulumi did not take the configuration of {self.name}: {_last_line(done.stderr)}; "
                f"delete Pulumi.{self.name}.yaml, which is made anew, and run this again."
            )

    def run(self, command: str, *words: str) -> None:
        """Run `pulumi COMMAND` with its output on this terminal. Raises `Problem` with the first error where it fails."""
        with tempfile.TemporaryDirectory() as folder:
            events = Path(folder) / "events.json"
            status = self._attached(
                [command, "--stack", self.name, "--event-log", str(events), *words], stdin=subprocess.DEVNULL
            )
            if status != 0:
                # the engine needs the sandbox's environment for what a sentence asks to run
                error = _first_error(events).replace("`pulumi ", "`./dev pulumi ")
                raise Problem(f"`pulumi {command}` failed: {error}")

    def interactive(self, *words: str) -> int:
        """Run pulumi with whatever words, the stack being the selected one, on this terminal; its exit status."""
        return self._attached(words, stdin=None)

    def _attached(self, words: Sequence[str], *, stdin: int | None) -> int:
        # the event log is an option for programs, hidden from people
        environment = {**self.environment, "PULUMI_STACK": self.name, "PULUMI_DEBUG_COMMANDS": "true"}
        child = subprocess.Popen([str(self.pulumi), *words], cwd=paths.ROOT, env=environment, stdin=stdin)
        try:
            return child.wait()
        except BaseException:
            # Ctrl-C went to the engine, too: it finishes what it is doing, so that nothing is made and forgotten.
            child.wait()
            raise

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in plain text."""
        shown = self._capture("stack", "output", "--stack", self.name, "--json", "--show-secrets")
        if shown.returncode != 0:
            raise Problem(f"Pulumi shows no outputs of {self.name}: {_last_line(shown.stderr)}")
        found: dict[str, Any] = json.loads(shown.stdout)
        return found

    def chain(self) -> dict[str, Any] | None:
        """What the proof needs to know; None where nothing is deployed."""
        return find_chain(self.export("--show-secrets"))

    def export(self, *words: str) -> dict[str, Any]:
        """The deployment as the engine keeps it, secrets encrypted unless `words` ask for plain text."""
        exported = self._capture("stack", "export", "--stack", self.name, *words)
        if exported.returncode != 0:
            raise Problem(f"Pulumi does not export {self.name}: {_last_line(exported.stderr)}")
        found: dict[str, Any] = json.loads(exported.stdout)
        return found

    def resources(self) -> list[dict[str, Any]]:
        """What the state holds."""
        return self.export()["deployment"].get("resources") or []

    def forget_pending(self) -> bool:
        """Take operations that a killed engine left unfinished out of the state; whether there were any.

        For whoever has looked at what became of them: the engine keeps them to make somebody look.
        """
        exported = self.export()
        if not exported["deployment"].pop("pending_operations", None):
            return False
        imported = subprocess.run(
            [str(self.pulumi), "stack", "import", "--stack", self.name, "--non-interactive"],
            cwd=paths.ROOT,
            env=self.environment,
            input=json.dumps(exported),
            capture_output=True,
            text=True,
            check=False,
        )
        if imported.returncode != 0:
            raise Problem(f"Pulumi did not take back the state of {self.name}: {_last_line(imported.stderr)}")
        return True

    def remove(self) -> None:
        """Forget the stack after a destroy, its configuration file included."""
        self._capture("stack", "rm", "--stack", self.name, "--yes", "--force")
        self._config_file.unlink(missing_ok=True)
        self._state_file.with_name(f"{self.name}.json.bak").unlink(missing_ok=True)

    def _capture(self, *words: str) -> subprocess.CompletedProcess[str]:
        arguments = [str(self.pulumi), *words, "--non-interactive"]
        return subprocess.run(
            arguments, cwd=paths.ROOT, env=self.environment, capture_output=True, text=True, check=False
        )

    @property
    def _state_file(self) -> Path:
        project = paths.ROOT / "Pulumi.yaml"
        name = next(
            line.split(":")[1].strip()
            for line in project.read_text().splitlines()
            if line.startswith("name:")
        )
        return self.state / "pulumi" / ".pulumi" / "stacks" / name / f"{self.name}.json"

    def _restore_state(self) -> None:
        """The file backend moves the old state aside before it writes the new one: a kill in between leaves the copy alone."""
        copy = self._state_file.with_name(f"{self.name}.json.bak")
        if copy.exists() and not self._state_file.exists():
            copy.rename(self._state_file)

    def _break_stale_locks(self) -> None:
        """The file backend locks with a file that a killed engine leaves behind; it names the engine's process."""
        for lock in (self.state / "pulumi" / ".pulumi" / "locks").rglob("*.json"):
            try:
                pid = int(json.loads(lock.read_text(encoding="utf-8"))["pid"])
            except (OSError, ValueError, KeyError, TypeError):
                pid = 0
            if not _is_engine(pid):
                lock.unlink(missing_ok=True)


def settings_for(status: Status) -> tuple[dict[str, str], dict[str, str]]:
    """Configuration (plain, secret) of a stack that deploys to a sandbox, from `./dev sandbox status --json`."""
    plain = {
        "auth0:domain": status["auth0"]["domain"],
        "auth0:clientId": status["auth0"]["client_id"],
        "appName": APP_NAME,
        "appUrls[0]": status["app"]["url"],
        "audience": AUDIENCE,
        "usersTable.onDestroy": "drop",
        "hasura.kind": "cloud",
        "hasura.endpoint": status["hasura"]["url"],
        "hasura.projectId": status["hasura_cloud"]["project_id"],
        "hasura.cloudEndpoint": f"{status['hasura_cloud']['url']}/v1/graphql",
    }
    secret = {
        "auth0:clientSecret": status["auth0"]["client_secret"],
        "databaseUrl": status["postgres"]["url"],
        "hasura.adminSecret": status["hasura"]["admin_secret"],
        "hasura.cloudToken": status["hasura_cloud"]["token"],
    }
    return plain, secret


def find_chain(exported: Mapping[str, Any]) -> dict[str, Any] | None:
    """The chain that a deployment keeps for its proof (`components/login_proof.py`), from `pulumi stack export --show-secrets`."""
    for resource in exported["deployment"].get("resources") or []:
        if resource["urn"].endswith("LoginProof$pulumi:index:Stash::proof-chain"):
            kept = resource["inputs"]["input"]
            chain: dict[str, Any] = json.loads(kept["plaintext"]) if "plaintext" in kept else kept
            return chain
    return None


def _passphrase(state: Path) -> str:
    """What encrypts the stack's secrets: random, made once a sandbox."""
    file = state / "pulumi-passphrase"
    state.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
            sink.write(secrets.token_urlsafe(24))
    return file.read_text(encoding="utf-8")


def _is_engine(pid: int) -> bool:
    if pid <= 0:
        return False
    words: Sequence[str] = ("ps", "-o", "stat=,command=", "-p", str(pid))
    shown = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return "pulumi" in shown and not shown.startswith("Z")  # Z: killed, and not yet reaped


def _first_error(events: Path) -> str:
    """The first error in an engine's event log that is about a resource, without the engine's words around it."""
    found: list[str] = []
    for line in events.read_text(encoding="utf-8").splitlines() if events.exists() else []:
        diagnosis = json.loads(line).get("diagnosticEvent") or {}
        if diagnosis.get("severity") == "error":
            text = re.sub(r"<{%.*?%}>", "", diagnosis["message"]).strip()  # marks for colours
            found.append(re.sub(r'^before hook "[^"]*" failed: ', "", text))
    # a program that ended with an error of its own answers no hook any more: only what it said tells
    telling = [
        text
        for text in found
        if text not in ("update failed", "update canceled") and "rpc error: code = Unavailable" not in text
    ]
    return (telling or found or ["the lines above say why."])[0]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
