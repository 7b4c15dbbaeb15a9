"""Where things lie in the clone. All that the commands make is under `.venv`, `.toolchain` and `.sandbox*`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_BIN = VENV / "bin"
TOOLCHAIN = ROOT / ".toolchain"
ENGINE_BIN = TOOLCHAIN / "bin"  # built from Go modules
RELEASE = TOOLCHAIN / "release"  # the official release, with its bin/ inside
PULUMI_HOME = TOOLCHAIN / "pulumi-home"
STAND_IN_HOME = TOOLCHAIN / "stand-in-home"  # an engine's home whose plugins are the stand-ins
LOGS = TOOLCHAIN / "logs"
ENGINE_LOCKS = ROOT / "ops" / "engine"  # go.mod and go.sum of the engine and of the language host
STAND_INS = ROOT / "sandbox" / "plugins" / "bin"
SANDBOX_STATE = ROOT / ".sandbox"


def relative(path: Path) -> str:
    """The path as a user in the clone would type it."""
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)
