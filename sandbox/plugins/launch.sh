#!/bin/sh
# Starts the stand-in that is named by the first argument, with the project's own Python: it has what the plugin imports.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
name=$1
shift
python="$here/../../.venv/bin/python"
[ -x "$python" ] || python=${PULUMI_PYTHON_CMD:-python3}
exec "$python" "$here/__main__.py" "$name" "$@"
