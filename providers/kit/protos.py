"""The generated protocol classes of the Pulumi SDK, without the SDK around them.

`pulumi/__init__.py` imports the whole program-side SDK, which costs a plugin a third of a second that it never uses. A plugin
process needs the generated modules alone, so it gets a bare package in place of the SDK's. Where the SDK is loaded already
(in tests) that one is used.
"""

from __future__ import annotations

import importlib.util
import sys
import types


def _bare_package(name: str) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"The Python package {name} is not installed; run ./dev to install it.")
    package = types.ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package


def load_bare() -> None:
    """Make `import pulumi.runtime.proto` cheap. To be called by a plugin's entry point before anything else."""
    if "pulumi" not in sys.modules:
        for name in ("pulumi", "pulumi.runtime"):
            _bare_package(name)
