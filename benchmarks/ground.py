"""What is measured on: a sandbox of its own on random ports with the stack deployed to it, and people with accounts.

Everything is made when first asked for and gone when the run ends; a running sandbox of the user's is never touched.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ops import paths
from ops.browser import Application
from ops.console import console, say
from ops.demo.people import Person
from ops.demo.tenant import Tenant
from ops.environment import trust_sandbox
from ops.errors import Problem
from ops.locking import locked
from ops.stack import Stack, Status, settings_for
from ops.toolchain import Toolchain, ensure
from sandbox.errors import SandboxError
from sandbox.ports import random_ports
from sandbox.supervisor import Sandbox

STATE = paths.ROOT / ".sandbox-bench"
STACK = "sandbox-bench"
CONNECTION = "Username-Password-Authentication"


class Ground:
    """The outside world of a run. `state`: the folder of its sandbox, whose content is removed before and after."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.sandbox = Sandbox(state, preferred_ports=random_ports())
        # beside it: started and removed again and again
        self.second = Sandbox(state.with_name(f"{state.name}-second"), preferred_ports=random_ports())

    @cached_property
    def toolchain(self) -> Toolchain:
        """Engine, plugins and Node."""
        return ensure(console, quiet=True)

    @cached_property
    def status(self) -> Status:
        """The running sandbox, as `./dev sandbox status --json` says it. Raises `Problem` where it does not start."""
        try:
            self.sandbox.start()
            status = self.sandbox.status()
        except SandboxError as error:
            raise Problem(str(error)) from None
        trust_sandbox(status["auth0"]["ca_file"])
        return status

    @cached_property
    def stack(self) -> Stack:
        """The stack, deployed to the sandbox. Raises `Problem` where that fails."""
        stack = Stack.open(self.toolchain, self.state, self.status["auth0"]["ca_file"], STACK)
        stack.configure(*settings_for(self.status))
        say("Deploying the stack to a sandbox of its own …")
        self.pulumi(stack, paths.ROOT, "up", "--yes", "--skip-preview")
        return stack

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Outputs of the deployed stack."""
        return self.stack.outputs()

    @cached_property
    def chain(self) -> dict[str, Any]:
        """What the deployment keeps for its proof."""
        chain = self.stack.chain()
        if chain is None:
            raise Problem("The stack of the measurement has no chain in its state: it was not deployed.")
        return chain

    @cached_property
    def application(self) -> Application:
        """The deployed application, for logins."""
        return Application(
            url=self.status["auth0"]["url"],
            client_id=self.outputs["clientId"],
            client_secret=self.outputs["clientSecret"],
            redirect_uri=f"{self.status['app']['url']}/auth/callback",
            audience=self.outputs["audience"],
        )

    @property
    def ca_file(self) -> str:
        """The sandbox's certificate authority."""
        return self.status["auth0"]["ca_file"]

    @cached_property
    def tenant(self) -> Tenant:
        """The tenant's Management API."""
        return Tenant(self.status["auth0"])

    def people(self, number: int) -> list[Person]:
        """New accounts in the tenant, without a row in the table yet."""
        everybody = [
            Person(f"bench-{secrets.token_hex(6)}@example.com", f"Bench-{secrets.token_urlsafe(12)}1")
            for _ in range(number)
        ]
        for person in everybody:
            self.tenant.call(
                "POST",
                "users",
                {"email": person.email, "password": person.password, "connection": CONNECTION},
            )
        return everybody

    def pulumi(self, stack: Stack, program: Path, *words: str) -> str:
        """Run the engine on the program in a folder; what it printed. Raises `Problem` with its last lines."""
        done = subprocess.run(
            [str(stack.pulumi), *words, "--stack", stack.name, "--non-interactive", "--color", "never"],
            cwd=program,
            env=stack.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise Problem(f"`pulumi {words[0]}` of the measurement failed: {' · '.join(lines[-4:])}")
        return done.stdout

    def deployed_action(self, action_id: str) -> dict[str, Any]:
        """Code and secrets of an Action, as they were deployed: `{"code": …, "secrets": {name: value}}`."""
        exported = json.loads(self.pulumi(self.stack, paths.ROOT, "stack", "export", "--show-secrets"))
        found = next(item for item in exported["deployment"]["resources"] if item.get("id") == action_id)
        listed = _plain(found["inputs"]["secrets"])
        return {
            "code": _plain(found["inputs"]["code"]),
            "secrets": {_plain(one["name"]): _plain(one["value"]) for one in map(_plain, listed)},
        }

    def remove(self) -> None:
        """Leave nothing: processes, state, the stack's configuration file."""
        for sandbox in (self.second, self.sandbox):
            with contextlib.suppress(SandboxError):
                sandbox.reset()
        shutil.rmtree(self.state, ignore_errors=True)
        (paths.ROOT / f"Pulumi.{STACK}.yaml").unlink(missing_ok=True)


@contextlib.contextmanager
def ground(state: Path = STATE) -> Iterator[Ground]:
    """The ground of one run; one run at a time, because two would measure each other."""
    with locked(paths.TOOLCHAIN / "bench.lock", "that measures"):
        made = Ground(state)
        made.remove()  # what a killed run left
        try:
            yield made
        finally:
            made.remove()


def _plain(value: Any) -> Any:
    """What a secret of an exported state holds."""
    if isinstance(value, dict) and "plaintext" in value:
        return json.loads(value["plaintext"])
    return value
