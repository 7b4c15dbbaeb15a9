"""A service as the contract has it, and services that break it: `python -m tests.sandbox_supervisor.standin KIND PORT`.

`good` answers with its environment and ends with its stdin; `stubborn` ignores SIGTERM and the end of its stdin;
`silent` never answers; `broken` says a sentence and exits.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import threading
import time


class Environment(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Requests are not worth a line."""

    def do_GET(self) -> None:
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    print(f"{kind} stand-in", flush=True)
    if kind == "broken":
        sys.exit("the stand-in is broken")
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    if kind == "silent":
        time.sleep(600)
    with http.server.HTTPServer(("127.0.0.1", port), Environment) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
