"""The environment that the engine runs in: that of the process, overlaid by what the Cloud API has set.

Rule (Hasura Cloud): variables of a project are set through its API and survive restarts; here they are stored in the
metadata database. `hash` names a set of variables, so that two writers notice each other.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping

from sandbox.hasura.metadata.storage import MetadataStorage

__all__ = ["Environment", "hash_of"]


def hash_of(variables: Mapping[str, str]) -> str:
    """The name of a set of variables (40 hexadecimal digits)."""
    text = json.dumps(dict(variables), sort_keys=True)
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Environment:
    """Process environment and Cloud variables; values are secret, none is ever logged."""

    def __init__(self, process: Mapping[str, str], storage: MetadataStorage) -> None:
        self._process, self._storage = dict(process), storage
        self._lock = threading.Lock()
        self._cloud: dict[str, str] = {}

    def load(self) -> None:
        """Read the stored Cloud variables."""
        self._cloud = self._storage.load_environment()

    @property
    def cloud(self) -> dict[str, str]:
        """The variables set through the Cloud API."""
        return dict(self._cloud)

    def merged(self) -> dict[str, str]:
        """What the engine sees."""
        return {**self._process, **self._cloud}

    def flag(self, name: str) -> bool:
        """A boolean variable, as Hasura reads it; false where it is not set."""
        return self.merged().get(name, "").lower() in ("true", "t", "yes", "y")

    def replace(self, variables: Mapping[str, str], current_hash: str) -> bool:
        """Store `variables` in place of the set named `current_hash`; False when another set is stored."""
        with self._lock:
            if hash_of(self._cloud) != current_hash:
                return False
            self._storage.save_environment(dict(variables))
            self._cloud = dict(variables)
            return True
