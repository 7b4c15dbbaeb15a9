"""HTTP to the tenant and to Hasura: short time limits, one sentence for everything that can go wrong on the way."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox.errors import SandboxError

__all__ = ["exchange"]

TIME_LIMIT = (3.0, 15.0)
"""Seconds to connect and to wait for an answer: a login runs Actions, a query does not take that long."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def exchange(
    method: str,
    url: str,
    *,
    what: str,
    ca_file: str | None = None,
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    json: Any = None,
) -> tuple[int, Any]:
    """Send one request and return status and JSON body (None where the body is not JSON).

    :param what: the other side, as the reader of an error knows it: `Hasura`
    :raises SandboxError: there was no answer
    """
    address = urlsplit(url)
    with requests.Session() as session:
        # A proxy from the environment has no business with addresses on this machine.
        session.trust_env = address.hostname not in LOOPBACK
        try:
            answer = session.request(
                method,
                url,
                headers=headers,
                data=form,
                json=json,
                verify=ca_file or True,
                timeout=TIME_LIMIT,
                allow_redirects=False,
            )
        except OSError as error:  # requests' own errors among them; a missing ca_file is a plain OSError
            raise SandboxError(f"{what} at {address.netloc} {_failure(error)}.") from error
    try:
        return answer.status_code, answer.json()
    except ValueError:
        return answer.status_code, None


def _failure(error: OSError) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that the CA file of the settings does not vouch for; run `./dev demo` again"
    if isinstance(error, requests.exceptions.Timeout):
        return "did not answer in time; look at `./dev sandbox logs`"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "cannot be reached; is the sandbox running (`./dev sandbox status`)"
    return f"could not be asked ({type(error).__name__}); run `./dev demo` again"
