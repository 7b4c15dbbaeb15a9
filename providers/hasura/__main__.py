"""Entry point of the plugin `hasura`: `python providers/hasura ENGINE_ADDRESS`, prints the port that it serves on."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from providers.kit.protos import load_bare

load_bare()

from providers.hasura.provider import PROVIDER
from providers.kit.serve import serve

if __name__ == "__main__":
    serve(PROVIDER, sys.argv[1:])
