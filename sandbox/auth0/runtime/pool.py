"""Node processes that run triggers, one run at a time each.

A process is started ahead of need. It takes another run only where nothing is left of the last one (`runner.js`
says so); a failure, an open socket or a new global ends it, so a write that an Action forgot to await is lost, as
it is at Auth0. One process waits (55 to 80 MB resident), at most four run; whoever comes later queues, and the
time in the queue does not count against the limit. An Action may use the network, but not the disk, other
processes or native add-ons (Node's permission model).
"""

from __future__ import annotations

import atexit
import threading
from pathlib import Path
from typing import Any

from sandbox.auth0.runtime.process import SETTLE_SECONDS, NodeProcess, Transcript
from sandbox.auth0.runtime.threads import DaemonExecutor

__all__ = ["NodePool", "pool_for"]

IDLE_PROCESSES = 1
RUNNING_PROCESSES = 4
IDLE_SECONDS = 5.0  # after which processes beyond the first are ended


class NodePool:
    """Waiting processes of one Node binary, and the threads that watch running ones. Thread-safe."""

    def __init__(self, node: Path, extra_ca: Path | None) -> None:
        self._node = node
        self._extra_ca = extra_ca
        self._idle: list[NodeProcess] = []
        self._lock = threading.Condition()
        self._settling = 0  # processes that have run and are not yet known to take another run
        self._closed = False
        self._timer: threading.Timer | None = None
        self._running: set[NodeProcess] = set()
        self.executor = DaemonExecutor(RUNNING_PROCESSES, "actions")
        self._helpers = DaemonExecutor(RUNNING_PROCESSES, "actions-settle")

    def run(self, job: dict[str, Any], limit: float) -> Transcript:
        """Run a job; blocks for at most `limit` seconds, so call it in `executor`.

        Raises OSError where Node cannot be started.
        """
        transcript = self._run_once(job, limit)
        if not transcript.began and not transcript.timed_out:
            # The waiting process died with what an earlier Action had left in it; nothing has run yet.
            transcript = self._run_once(job, limit)
        return transcript

    def _run_once(self, job: dict[str, Any], limit: float) -> Transcript:
        process = self._take()
        transcript = Transcript()
        with self._lock:
            self._running.add(process)
        try:
            transcript = process.run(job, limit)
        finally:
            with self._lock:
                self._running.discard(process)
                self._settling += 1
            self._helpers.submit(self._release, process, transcript.completed)
        return transcript

    def warm(self) -> None:
        """Start a waiting process in the background, so that the first login does not pay for it."""
        self._helpers.submit(self._refill)

    def close(self) -> None:
        """End all processes, also those that run an Action; their runs fail."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            running = list(self._running)
            if self._timer is not None:
                self._timer.cancel()
        for process in running:
            process.popen.kill()
            process.popen.wait()
        for process in idle:
            process.close()

    def _take(self) -> NodeProcess:
        while True:
            with self._lock:
                # Worth the wait of a few milliseconds: a new process costs many times that.
                self._lock.wait_for(lambda: self._idle or not self._settling, timeout=SETTLE_SECONDS)
                process = self._idle.pop() if self._idle else None
            if process is None:
                return NodeProcess(self._node, self._extra_ca)
            if process.alive:
                return process
            process.close()

    def _release(self, process: NodeProcess, completed: bool) -> None:
        """Keep a process that is as new, end any other; see that one waits."""
        try:
            if completed and process.reusable():
                self._keep(process)
            else:
                process.close()
                self._refill()
        finally:
            with self._lock:
                self._settling -= 1
                self._lock.notify_all()

    def _refill(self) -> None:
        with self._lock:
            if self._closed or len(self._idle) >= IDLE_PROCESSES:
                return
        self._keep(NodeProcess(self._node, self._extra_ca))

    def _keep(self, process: NodeProcess) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < RUNNING_PROCESSES:
                self._idle.append(process)
                self._lock.notify()
                if len(self._idle) > IDLE_PROCESSES:
                    self._trim_later()
                return
        process.close()

    def _trim_later(self) -> None:
        """Once it is quiet, end what waits beside the first process. Called with the lock held."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(IDLE_SECONDS, self._trim)
        self._timer.daemon = True
        self._timer.start()

    def _trim(self) -> None:
        with self._lock:
            extra, self._idle = self._idle[IDLE_PROCESSES:], self._idle[:IDLE_PROCESSES]
        for process in extra:
            process.close()


_pools: dict[tuple[Path, Path | None], NodePool] = {}
_pools_lock = threading.Lock()


def pool_for(node: Path, extra_ca: Path | None) -> NodePool:
    """The process-wide pool for a Node binary and the certificate that its `fetch` trusts."""
    with _pools_lock:
        pool = _pools.get((node, extra_ca))
        if pool is None:
            pool = _pools[node, extra_ca] = NodePool(node, extra_ca)
        return pool


@atexit.register
def _close_pools() -> None:
    with _pools_lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()
