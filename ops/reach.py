"""Whether a host answers, decided within two seconds."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request

SECONDS = 2.0


def reachable(url: str, seconds: float = SECONDS) -> bool:
    """Whether an HTTP server answers at `url` (any status), through the proxy of the environment where one is set.

    Runs in a thread of its own: looking up a name may take far longer than a socket's time limit.
    """
    answered = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):  # noqa: S310 - ours
                answered.set()
        except urllib.error.HTTPError:
            answered.set()
        except (OSError, ValueError):
            return

    worker = threading.Thread(target=ask, daemon=True)
    worker.start()
    worker.join(seconds)
    return answered.is_set()
