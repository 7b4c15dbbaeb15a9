"""The Pulumi engine for a machine that has none: `release.py` downloads it, `modules.py` builds it.

Knows `ops/paths.py`, `ops/console.py` and `ops/errors.py`, nothing of the stack. Callers hold `.toolchain/engine.lock`.
"""
