"""A whole provider in one file: notes kept as JSON files in a folder. What the kit's tests speak to."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from providers.kit.protos import load_bare

load_bare()

import json
from typing import Any, ClassVar

from pydantic import Field

from providers.kit.errors import PartialError, ProviderError
from providers.kit.inputs import Inputs
from providers.kit.provider import Provider
from providers.kit.resource import Context, Live, Resource
from providers.kit.serve import serve


class Config(Inputs):
    """Where the notes lie, and a password for the tests of secrets."""

    folder: str
    password: str = Field("", json_schema_extra={"secret": True})


class NoteInputs(Inputs):
    """A note."""

    title: str = Field(description="Name of the file.")
    lines: list[dict[str, str]] = Field([])
    key: str | None = Field(None, json_schema_extra={"secret": True})
    fail: str | None = None


class Note(Resource[Config, NoteInputs]):
    """A note in a file.

    The second paragraph is not part of the schema.
    """

    token = "notes:index:Note"
    inputs = NoteInputs
    replace_on = frozenset({"title"})
    output_types: ClassVar[dict[str, str]] = {"size": "integer", "seen": "array", "echo": "string"}
    secret_outputs = frozenset({"echo"})

    def _file(self, id: str) -> Path:
        return Path(self.client.folder) / id

    def _write(self, inputs: NoteInputs) -> dict[str, Any]:
        content = inputs.model_dump(mode="json", by_alias=True, exclude_none=True)
        self._file(inputs.title).write_text(json.dumps(content))
        outputs = {"size": len(inputs.lines), "seen": ["a"], "echo": inputs.key or "nothing"}
        match inputs.fail:
            case "partial":
                raise PartialError(f"Half of {inputs.key}.", id=inputs.title, outputs={**content, "size": 0})
            case "expected":
                raise ProviderError(f"The key {inputs.key} and {self.client.password} were refused.")
            case "bug":
                raise KeyError(f"{inputs.key} {self.client.password}")
        return outputs

    def create(self, inputs: NoteInputs, context: Context) -> tuple[str, dict[str, Any]]:
        """Write the file."""
        return inputs.title, self._write(inputs)

    def read(self, id: str, inputs: NoteInputs | None, context: Context) -> Live | None:
        """Read the file."""
        if not self._file(id).exists():
            return None
        content = json.loads(self._file(id).read_text())
        return Live(content, {"size": context.state.get("size", -1)})

    def update(self, id: str, old: NoteInputs, new: NoteInputs, context: Context) -> dict[str, Any]:
        """Write the file again; `seen` says what the state held."""
        return {**self._write(new), "seen": [str(context.state.get("echo"))]}

    def delete(self, id: str, inputs: NoteInputs, context: Context) -> None:
        """Remove the file."""
        self._file(id).unlink(missing_ok=True)


class Notes(Provider[Config]):
    """The provider."""

    def connect(self, config: Any) -> Config:
        """The folder must exist by the first call."""
        if not Path(config.folder).is_dir():
            raise ProviderError(f"The folder {config.folder} does not exist.")
        return Config.model_validate(config)


if __name__ == "__main__":
    serve(Notes("notes", "0.1.0", "Notes in files.", Config, (Note,)), sys.argv[1:])
