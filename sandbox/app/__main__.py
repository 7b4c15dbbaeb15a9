"""`python -m sandbox.app --port N --config FILE`: serve 'Try your login' on http://localhost:N."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.app.serving import serve
from sandbox.app.web import build


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.app", description="An application to try a login with."
    )
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help="JSON file with the application's settings; may appear later",
    )
    arguments = parser.parse_args()
    serve(build(arguments.config, arguments.port), arguments.port)


if __name__ == "__main__":
    main()
