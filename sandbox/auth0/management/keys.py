"""What the API reads from a PEM that a client or an API is given: key id, certificate thumbprint, expiry, name.

The key id is the JWK thumbprint of the public key (RFC 7638), base64url without padding.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.auth0.management.errors import bad_request

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

__all__ = ["PemKey", "read_pem"]


@dataclass(frozen=True)
class PemKey:
    """`kid` of the public key; the rest only where the PEM is a certificate."""

    kid: str
    certificate_thumbprint: str | None = None
    expires_at: datetime | None = None
    subject_dn: str | None = None


def read_pem(pem: str) -> PemKey:
    """Read a public key or a certificate. Raises ApiError 400 where it is neither."""
    # Imported late: few tenants hold keys, and the library costs memory.
    from cryptography import x509  # noqa: PLC0415 — slow, and few tenants have keys
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 — slow, and few tenants have keys

    try:
        if "CERTIFICATE" not in pem:
            return PemKey(_thumbprint(serialization.load_pem_public_key(pem.encode())))
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except (ValueError, TypeError) as error:
        raise bad_request("The PEM is neither a public key nor a certificate") from error
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
    names = {"S": "ST"}
    subject = "\n".join(
        f"{names.get(part.rfc4514_attribute_name, part.rfc4514_attribute_name)}={part.value!s}"
        for part in certificate.subject
    )
    return PemKey(
        _thumbprint(certificate.public_key()), _base64url(digest), certificate.not_valid_after_utc, subject
    )


def _thumbprint(key: PublicKeyTypes) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 — slow, and few tenants have keys

    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        jwk = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    elif isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        size = (key.key_size + 7) // 8
        curves = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
        jwk = {
            "crv": curves.get(key.curve.name, key.curve.name),
            "kty": "EC",
            "x": _number(point.x, size),
            "y": _number(point.y, size),
        }
    else:
        raise bad_request("The key is of a kind that is not supported")
    return _base64url(
        hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
    )


def _number(value: int, size: int | None = None) -> str:
    return _base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
