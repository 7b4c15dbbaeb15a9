"""Run a provider as the engine expects it: print the port, serve gRPC on loopback, end with the engine."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from concurrent import futures
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from providers.kit.engine import Engine
from providers.kit.provider import Provider
from providers.kit.servicer import Servicer

# A Struct holds whole metadata trees; gRPC's default of 4 MB is for chat messages.
_MAX_MESSAGE = 400 * 1024 * 1024


def serve(provider: Provider[Any], arguments: list[str]) -> None:
    """Serve until the engine ends. `arguments` are the process's, the engine's address first."""
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=8),
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
        ],
    )
    servicer = Servicer(provider, Engine(addresses[0] if addresses else None))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # how the engine ends a plugin
        server.wait_for_termination()


def _end_with_parent() -> None:
    """An engine that was killed cannot end its plugins: they notice that their parent has changed."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
