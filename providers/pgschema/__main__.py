"""Entry point of the plugin: the engine starts it with its own address as the argument."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # in place of this folder: the project's root

from providers.kit.protos import load_bare

load_bare()

from providers.kit.serve import serve
from providers.pgschema.provider import PROVIDER

serve(PROVIDER, sys.argv[1:])
