"""Entry point of a stand-in: `python sandbox/plugins/__main__.py NAME ENGINE_ADDRESS`, as `launch.sh` calls it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # in place of this folder: the project's root

from providers.kit.protos import load_bare

load_bare()

from providers.kit.serve import serve

serve(import_module(f"sandbox.plugins.{sys.argv[1]}.provider").PROVIDER, sys.argv[2:])
