"""What a table is, as data. The models are the inputs of `pgschema:index:Table`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from providers.kit.inputs import Inputs

# A type as Postgres writes it: words, an optional modifier, an optional array. It goes into DDL, where nothing can be a parameter.
_TYPE = re.compile(r'[a-zA-Z_"][\w". ]*(\(\s*\d+(\s*,\s*\d+)?\s*\))?( with(out)? time zone)?(\[\])*')


def _identifier(value: str) -> str:
    if not value or len(value.encode()) > 63 or "\0" in value:
        raise ValueError("must be a Postgres name of 1 to 63 bytes")
    return value


def _type(value: str) -> str:
    if not _TYPE.fullmatch(value) or value.count('"') % 2:
        raise ValueError("must be a Postgres type, for example text, uuid, timestamptz or numeric(10,2)")
    return value


Identifier = Annotated[str, AfterValidator(_identifier)]


class Column(Inputs):
    """A column. `default` is an SQL expression, for example `now()` or `'new'`."""

    name: Identifier
    type: Annotated[str, AfterValidator(_type)]
    nullable: bool = True
    default: str | None = None
    comment: str | None = None


class UniqueConstraint(Inputs):
    """A unique constraint by its Postgres name, over columns in order."""

    name: Identifier
    columns: list[Identifier] = Field(min_length=1)


class TableInputs(Inputs):
    """A table: the columns and constraints that the resource owns.

    `adopt`: take over a table that exists already. `allow_data_loss`: permit changes that lose data. `on_delete`: whether the
    table goes with the resource; an adopted one always stays.
    """

    schema_: Identifier = Field(default="public", alias="schema")
    name: Identifier
    columns: list[Column] = Field(min_length=1)
    primary_key: list[Identifier] = Field(default_factory=list)
    unique_constraints: list[UniqueConstraint] = Field(default_factory=list)
    comment: str | None = None
    adopt: bool = False
    allow_data_loss: bool = False
    on_delete: Literal["keep", "drop"] = "keep"

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"declares the column {twice[0]} twice")
        used = [*self.primary_key, *(name for item in self.unique_constraints for name in item.columns)]
        missing = sorted(set(used) - set(names))
        if missing:
            raise ValueError(f"has a key over the column {missing[0]}, which it does not declare")
        constraints = [item.name for item in self.unique_constraints]
        if len(set(constraints)) < len(constraints):
            raise ValueError("declares two unique constraints of one name")
        return self

    @property
    def primary_key_name(self) -> str:
        """The name that Postgres gives to the primary key by default."""
        return f"{self.name[:58]}_pkey"

    @property
    def id(self) -> str:
        """The resource's id. Parts with a dot are quoted as in SQL."""
        return ".".join(f'"{part}"' if "." in part else part for part in (self.schema_, self.name))
