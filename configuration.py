"""Reads Pulumi's configuration of the current stack into `Settings`, or says everything that is wrong with it.

One line a problem: the key, the value (never a secret's), what is allowed, an example.
"""

from __future__ import annotations

import difflib
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, get_args

import pulumi
import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from settings import Settings, Tenant

Model = TypeVar("Model", bound=BaseModel)
Location = Sequence[str | int]

_ROOT = Path(__file__).parent
_SHOWN = 60  # characters of a bad value
_KEY = "[key]"  # what pydantic adds to the location of a mapping's bad key
_REASONS = {
    "model_type": "must be a mapping of settings",
    "dict_type": "must be a mapping",
    "tuple_type": "must be a list",
    "string_type": "must be a text (put it in quotes)",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must be made of letters, digits, _ and -, with a letter first",
}


def end_quietly() -> None:
    """Say nothing when the engine interrupts the program because a resource failed: the engine has said what failed, and Python's
    traceback of a KeyboardInterrupt would only hide it."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = hook


def load() -> Settings:
    """The settings of the current stack. Raises `pulumi.RunError` that lists every problem."""
    namespace = pulumi.Config().name
    problems = list(_unknown_keys(namespace))
    settings = _read(namespace, Settings, problems)
    _read("auth0", Tenant, problems)
    if problems or settings is None:
        lines = "".join(f"\n  - {problem}" for problem in dict.fromkeys(problems))
        raise pulumi.RunError(f"The configuration of this stack needs a change:{lines}")
    return settings


def _read(namespace: str, model: type[Model], problems: list[str]) -> Model | None:
    """A namespace as a model; what is wrong with it is added to `problems`."""
    config = pulumi.Config(namespace)
    raw: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        text = config.get(key)
        if text is not None:
            raw[key] = _value(text)
        elif field.is_required() and _section(field):
            raw[key] = {}  # so that what is missing in it is named
        if text is not None:
            marked = pulumi.runtime.is_config_secret(f"{namespace}:{key}")
            problems += [
                f"{namespace}:{_path(secret)} holds a secret in plain text: set it with `{_command(namespace, secret, field)}`"
                for secret, field in _secrets(
                    (key,), field, _written(f"{namespace}:{key}") if marked else raw[key]
                )
            ]
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems += [
            _problem(namespace, model, detail)
            for detail in error.errors(include_url=False)
            # pydantic counts the valid items of a list: one with a bad item is too short as well
            if not (detail["type"] == "too_short" and detail["input"])
        ]
        return None


def _written(full: str) -> Any:
    """A value as the stack's file has it, None where it is not there. One secret in an object marks the whole of it as secret for
    Pulumi: only the file tells which of its parts are encrypted."""
    try:
        text = (_ROOT / f"Pulumi.{pulumi.get_stack()}.yaml").read_text(encoding="utf-8")
        return yaml.safe_load(text)["config"].get(full)
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError):
        return None


def _value(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """The model inside a field, be it the field itself or the items of its list."""
    for candidate in (field.annotation, *get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _secrets(location: Location, field: FieldInfo, value: Any) -> Iterator[tuple[Location, FieldInfo]]:
    """Where in a value secrets stand in plain text."""
    if not field.repr and isinstance(value, str):
        yield location, field
    section = _section(field)
    if section is not None and isinstance(value, Mapping):
        for name, inner in section.model_fields.items():
            key = inner.alias or name
            if value.get(key):
                yield from _secrets((*location, key), inner, value[key])


def _find(model: type[BaseModel], location: Location) -> tuple[FieldInfo | None, list[str]]:
    """The field that a location lies in, and the keys that are known beside it."""
    current: type[BaseModel] | None = model
    field, known = None, []
    for part in location:
        if current is None or isinstance(part, int):
            continue
        known = [inner.alias or name for name, inner in current.model_fields.items()]
        field = next(
            (inner for name, inner in current.model_fields.items() if part in (inner.alias, name)), None
        )
        current = _section(field) if field else None
    return field, known


def _problem(namespace: str, model: type[BaseModel], detail: Any) -> str:
    kind, value = detail["type"], detail["input"]
    location = tuple(part for part in detail["loc"] if part != _KEY)
    field, known = _find(model, location)
    key = f"{namespace}:{_path(location)}" if location else namespace
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        return f"{key} is no setting of this stack" + (
            f"; did you mean {_path((*location[:-1], near[0]))}?" if near else ""
        )
    example = _example(namespace, location, field) if field else ""
    if kind == "missing":
        return f"{key} is missing{example}"
    reason = detail["msg"].removeprefix("Value error, ")
    if kind == "literal_error" and field:
        reason = f"allowed are {', '.join(map(str, get_args(field.annotation)))}"
    reason = _REASONS.get(kind, reason).format_map(detail.get("ctx", {})) if kind in _REASONS else reason
    shown = "" if _KEY in detail["loc"] else _shown(value, field)
    return f"{key}{shown}: {reason}{example}"


def _shown(value: Any, field: FieldInfo | None) -> str:
    """The bad value, unless it is, or may hold, a secret."""
    if field is None or not field.repr or not isinstance(value, str | int | float | bool):
        return ""
    if _section(field) or "@" in str(value):
        return ""
    text = repr(value)
    return f" is {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}"


def _path(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _example(namespace: str, location: Location, field: FieldInfo) -> str:
    if not field.repr:
        return f"; set it with `{_command(namespace, location, field)}`"
    if not field.examples:
        return ""
    example = field.examples[0]
    if isinstance(example, list) and not isinstance(example[0], dict):
        place = location if isinstance(location[-1], int) else (*location, 0)
        return f"; for example `{_command(namespace, place, field, example[0])}`"
    if isinstance(example, dict | list):
        return f"; for example {json.dumps(example)}"
    return f"; for example `{_command(namespace, location, field, example)}`"


def _command(namespace: str, location: Location, field: FieldInfo, example: Any = None) -> str:
    """What to type. The value of a secret is asked for, so that it stays out of the shell's history."""
    prefix = "" if namespace == pulumi.Config().name else f"{namespace}:"
    words = ["pulumi", "config", "set"]
    words += ["--secret"] if not field.repr else []
    words += ["--path"] if len(location) > 1 else []
    words.append(prefix + _path(location))
    if example is not None:
        words.append(str(example).lower() if isinstance(example, bool) else str(example))
    return shlex.join(words)


def _unknown_keys(namespace: str) -> Iterator[str]:
    known = [field.alias or name for name, field in Settings.model_fields.items()]
    for full in sorted(pulumi.runtime.config.CONFIG.get()):
        prefix, _, key = full.partition(":")
        if prefix == namespace and key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            yield f"{full} is no setting of this stack" + (f"; did you mean {near[0]}?" if near else "")
        elif prefix != namespace and difflib.get_close_matches(prefix, [namespace], cutoff=0.8):
            yield f"{full} is no setting of this stack; did you mean {namespace}:{key}?"
