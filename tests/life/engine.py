"""The stack under the real engine, through Pulumi's Automation API: each command with what the engine said and did."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import errors, events

from ops import paths
from ops.stack import Stack, settings_for
from ops.toolchain import Toolchain

Status = dict[str, dict[str, str]]


@dataclass
class Run:
    """One command: whether it succeeded, all that it printed, and what it did (or would do) to each resource by `type name`."""

    ok: bool = True
    text: str = ""
    """Standard output, and the diagnostics as events."""
    stderr: str = ""
    errors: list[str] = field(default_factory=list)
    """Diagnostics of severity error."""
    steps: dict[str, str] = field(default_factory=dict)
    diffs: dict[str, list[str]] = field(default_factory=dict)
    """Property paths that differ, by resource."""

    @property
    def changes(self) -> dict[str, str]:
        """Resources that do not stay as they are. A provider whose inputs are the same is none of them."""
        return {name: step for name, step in self.steps.items() if step not in ("same", "read")}

    def hear(self, event: events.EngineEvent) -> None:
        """Take up an event of the engine."""
        if event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            name = _short(metadata.urn)
            self.steps[name] = str(getattr(metadata.op, "value", metadata.op))
            self.diffs[name] = sorted(metadata.detailed_diff or {})
        if event.diagnostic_event:
            diagnostic = event.diagnostic_event
            self.text += diagnostic.message
            if diagnostic.severity == "error":
                self.errors.append(diagnostic.message.strip())


def _short(urn: str) -> str:
    """`Action login-sync-user`: the last part of the type, and the name."""
    kind, name = urn.split("::")[-2:]
    return f"{kind.rsplit(':', 1)[-1]} {name}"


class _Brief(automation.Stack):
    """Asks the engine once for each command. The Automation API asks three times more, for outputs and history: seconds that add up."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool | None = None) -> automation.UpdateSummary:
        return automation.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


class Engine:
    """A stack of the project on a sandbox. Its file `Pulumi.<name>.yaml` is gone after `close`."""

    def __init__(self, toolchain: Toolchain, state: Path, status: Status, name: str) -> None:
        self.cli = Stack.open(toolchain, state, status["auth0"]["ca_file"], name)
        self.cli.configure(*settings_for(status))
        workspace = automation.LocalWorkspace(
            work_dir=str(paths.ROOT), pulumi_command=toolchain.command, env_vars=self.cli.environment
        )
        self.stack = _Brief.select(name, workspace)
        self.runs: list[Run] = []

    def configure(self, plain: dict[str, str], secret: dict[str, str] | None = None) -> None:
        """Change the configuration, by path."""
        self.cli.configure(plain, secret or {})

    def up(self, **options: Any) -> Run:
        """`pulumi up`."""
        return self._run(self.stack.up, **options)

    def preview(self, **options: Any) -> Run:
        """`pulumi preview --diff`."""
        return self._run(self.stack.preview, diff=True, **options)

    def destroy(self, **options: Any) -> Run:
        """`pulumi destroy`."""
        return self._run(self.stack.destroy, **options)

    def outputs(self) -> dict[str, Any]:
        """The outputs, secrets in plain text."""
        return self.cli.outputs()

    def chain(self) -> dict[str, Any]:
        """What the deployment keeps for its proof."""
        chain = self.cli.chain()
        assert chain is not None
        return chain

    def exported(self) -> str:
        """The state as text, secrets encrypted."""
        return json.dumps(self.cli.export())

    def close(self) -> None:
        """Forget the stack, which may have resources: the sandbox goes as a whole."""
        self.cli.remove()

    def _run(self, command: Callable[..., Any], **options: Any) -> Run:
        run, lines, complaints = Run(), list[str](), list[str]()
        self.runs.append(run)
        try:
            command(
                on_output=lines.append,
                on_error=complaints.append,
                on_event=run.hear,
                color="never",
                **options,
            )
        except errors.CommandError:
            run.ok = False
        run.text = "\n".join([run.text, *lines])
        run.stderr = "\n".join(complaints)
        return run
