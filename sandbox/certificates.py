"""The sandbox's certificate authority and the certificate of its tenant.

Made once. The authority's private key is thrown away at once: whoever makes a browser trust `ca.pem` trusts one certificate for
`localhost` and 127.0.0.1 and nothing that anybody could sign later.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Certificates", "certificates"]


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: the authority's certificate, the server's chain, the server's key."""

    ca: Path
    chain: Path
    key: Path


def certificates(directory: Path) -> Certificates:
    """The certificates in `directory`, made if one of the files is missing."""
    files = Certificates(ca=directory / "ca.pem", chain=directory / "tls.pem", key=directory / "tls.key")
    if not all(path.is_file() for path in (files.ca, files.chain, files.key)):
        _make(files)
    return files


def _make(files: Certificates) -> None:
    import trustme  # noqa: PLC0415 -- a tenth of a second that only the first start pays

    authority = trustme.CA(organization_name="Sandbox on localhost")
    leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
    files.key.unlink(missing_ok=True)
    with os.fdopen(os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(leaf.private_key_pem.bytes())
    files.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    files.ca.write_bytes(authority.cert_pem.bytes())
