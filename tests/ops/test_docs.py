"""The documents: tables that follow from code are what the code says, no cell is empty, every link leads somewhere."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from ops import documents, paths
from ops.__main__ import COMMANDS
from ops.document_links import broken_links
from ops.document_schemas import settings
from ops.sandbox import app as sandbox_app
from proof.links import LINKS

FILES = documents.documents()
SANDBOX_COMMANDS = get_command(sandbox_app).commands  # type: ignore[attr-defined]


def block(file: str, name: str) -> list[list[str]]:
    """The rows of a block in a document."""
    text = (documents.DOCS / file).read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found, f"{file} has no block {name}"
    return documents.cells(found[1])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_tables_equal_what_the_code_says(file):
    """`python -m ops.documents` would change nothing."""
    text = file.read_text(encoding="utf-8")
    assert documents.renewed(text) == text, "run `.venv/bin/python -m ops.documents`"


def test_every_block_stands_in_a_document():
    """A table that code can make is in exactly one place."""
    text = "".join(file.read_text(encoding="utf-8") for file in FILES)
    assert {name: text.count(f"<!-- {name} -->") for name in documents.BLOCKS} == dict.fromkeys(
        documents.BLOCKS, 1
    )


def test_every_setting_is_documented_and_nothing_else():
    """Keys, types, defaults and examples are those of `settings.py`, nested ones included; each has a meaning in words."""
    documented = block("configuration.md", "settings")
    assert [[*row[:3], row[4]] for row in documented] == [[*row[:3], row[4]] for row in settings()]
    assert [row[0] for row in documented if not row[3]] == []


@pytest.mark.parametrize(
    ("file", "name", "place"),
    [("sandbox.md", "ports", 2)] + [("providers.md", name, -1) for name in documents.BLOCKS if ":" in name],
)
def test_every_row_says_what_it_means(file, name, place):
    """No cell of a column `meaning` is empty."""
    assert [row[0] for row in block(file, name) if not row[place]] == []


def test_every_link_of_the_proof_is_explained():
    """Each link of the chain has its sentences in the document, and its name in the order of the check."""
    names = [link.name for link in LINKS]
    assert set(names) <= {row[0] for row in broken_links()}
    text = " ".join((documents.DOCS / "errors.md").read_text(encoding="utf-8").split())
    assert ", ".join(names) in text


def test_secrets_show_no_example():
    """A row of a secret has no value that somebody could paste as plain text."""
    assert [row for row in settings() if row[1].startswith("secret") and row[4]] == []


@pytest.mark.parametrize("file", [*FILES, paths.ROOT / "README.md"], ids=lambda file: file.name)
def test_commands_that_are_named_exist(file):
    """Every `./dev COMMAND`, and every `./dev sandbox COMMAND`, is one that can be typed."""
    text = file.read_text(encoding="utf-8")
    assert set(re.findall(r"`\./dev ([a-z]+)", text)) <= set(COMMANDS)
    assert set(re.findall(r"`\./dev sandbox ([a-z]+)", text)) <= set(SANDBOX_COMMANDS)


@pytest.mark.parametrize("file", [*FILES, paths.ROOT / "README.md"], ids=lambda file: file.name)
def test_links_between_files_lead_somewhere(file):
    """A relative link names a file or folder of the repository."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)[^)]*\)", file.read_text(encoding="utf-8"))
    assert [target for target in targets if not (file.parent / target).exists()] == []
