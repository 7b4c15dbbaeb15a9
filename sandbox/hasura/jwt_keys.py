"""The keys that verify tokens: from the configuration, or fetched from `jwk_url` and kept fresh.

Source: graphql-engine `Hasura.Server.Auth.JWT` (updateJwkRef, jwkRefreshCtrl): five tries at start-up, then
refreshed as Cache-Control or Expires say. A key id that is not known is looked up once more, at most every
few seconds: the sandbox's tenant may have rotated its keys a moment ago.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

log = logging.getLogger("sandbox.hasura.authentication")

Key = RSAKey | ECKey | OctKey | OKPKey
TRIES = 5
REFETCH_AFTER = 5.0
"""Seconds between two fetches that unknown key ids may cause."""


class KeysUnavailable(Exception):  # noqa: N818 - says what is the matter
    """`jwk_url` gave no keys; the text says why and carries no secret."""


def key_from_config(config: dict[str, Any]) -> Key:
    """The key of `type` and `key`. Raises ValueError for one that graphql-engine would refuse."""
    kind, raw = config.get("type"), config["key"]
    if not isinstance(kind, str):
        raise ValueError("key 'type' not found")
    if kind.startswith("HS"):
        bits = int(kind[2:])
        if len(raw.encode()) * 8 < bits:
            raise ValueError(f"Invalid JWK: Key size too small; should be atleast {bits // 8} characters")
        return OctKey.import_key(raw)
    classes: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
        "RS256": RSAKey, "RS384": RSAKey, "RS512": RSAKey, "ES256": ECKey, "ES384": ECKey, "ES512": ECKey,
        "Ed25519": OKPKey,
    }  # fmt: skip
    if kind not in classes:
        raise ValueError(f"Invalid JWK: Key type: {kind} is not supported")
    pem = raw.encode()
    try:
        if b"BEGIN CERTIFICATE" in pem:
            public = x509.load_pem_x509_certificate(pem).public_key()
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return classes[kind].import_key(pem)
    except (ValueError, JoseError) as error:
        raise ValueError(
            f"Invalid JWK: the {kind} key is neither a PEM public key nor an X509 certificate"
        ) from error


class RemoteKeys:
    """The key set behind `jwk_url`."""

    def __init__(self, url: str, ca_file: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._ca_file, self._clock = url, ca_file, clock
        self._lock = threading.Lock()
        self._fetched = float("-inf")
        self._refresh_at: float | None = None
        self._refreshing = False
        self.keys: list[Key] = []

    def load(self) -> None:
        """Fetch with `TRIES` tries. Raises KeysUnavailable."""
        for attempt in range(1, TRIES + 1):
            try:
                self.fetch()
                return
            except KeysUnavailable as error:
                if attempt == TRIES:
                    raise
                log.warning("%s; try %d of %d", error, attempt, TRIES)
                time.sleep(min(0.2 * 2**attempt, 2))

    def fetch(self) -> None:
        """Fetch once. Raises KeysUnavailable; the keys known until now stay."""
        self._fetched = self._clock()
        try:
            answer = requests.get(self._url, timeout=10, verify=self._ca_file or True)
            if not answer.ok:
                raise KeysUnavailable(
                    f"Non-2xx response on fetching JWK from: {self._url} ({answer.status_code})"
                )
            self.keys = [k for k in map(_imported, answer.json()["keys"]) if k is not None]
        except requests.RequestException as error:
            raise KeysUnavailable(f"Error fetching JWK from {self._url}: {type(error).__name__}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise KeysUnavailable(f"Error parsing JWK from url: {self._url}") from error
        self._refresh_at = self._expiry(answer.headers)

    def _expiry(self, headers: Any) -> float | None:
        control = headers.get("Cache-Control", "")
        if match := re.search(r"(?:s-maxage|max-age)=(\d+)", control):
            return self._clock() + max(1, int(match[1]))
        if re.search(r"no-cache|no-store|must-revalidate", control):
            return self._clock() + 1
        if "Expires" in headers:
            try:
                left = parsedate_to_datetime(headers["Expires"]).timestamp() - time.time()
                return self._clock() + max(1, left)
            except ValueError:
                log.warning("Failed parsing Expires header from JWK response: not a timestamp")
        return None

    def current(self, key_id: str | None) -> list[Key]:
        """Keys to try for a token; refreshes what has expired, looks again for an unknown key id."""
        now = self._clock()
        known = {k.kid for k in self.keys}
        if not self.keys or (key_id is not None and key_id not in known):
            with self._lock:
                if self._clock() - self._fetched >= REFETCH_AFTER:
                    self._fetch_quietly()
        elif self._refresh_at is not None and now >= self._refresh_at and not self._refreshing:
            self._refreshing = True
            threading.Thread(target=self._refresh, name="jwk-refresh", daemon=True).start()
        return self.keys

    def _refresh(self) -> None:
        try:
            self._fetch_quietly()
        finally:
            self._refreshing = False

    def _fetch_quietly(self) -> None:
        try:
            self.fetch()
        except KeysUnavailable as error:
            self._refresh_at = self._clock() + 60
            log.warning("%s; retrying again in 60 secs", error)


def _imported(key: dict[str, Any]) -> Key | None:
    if key.get("use") == "enc":
        return None
    try:
        return KeySet.import_key_set({"keys": [key]}).keys[0]
    except (JoseError, ValueError, KeyError) as error:
        log.warning("a key of the key set is left out: %s", type(error).__name__)
        return None
