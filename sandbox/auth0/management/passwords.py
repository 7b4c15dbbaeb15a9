"""Password hashes, and the strength policies of database connections."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re

from sandbox.auth0.store import Document

__all__ = ["hash_password", "strong_enough", "verify_password"]

# Cheap on purpose: a sandbox logs a thousand users in at once, and protects nobody's real password.
_COST = {"n": 2**8, "r": 4, "p": 1}


def hash_password(password: str) -> str:
    """A salted scrypt hash, as text."""
    salt = os.urandom(12)
    digest = hashlib.scrypt(password.encode(), salt=salt, dklen=24, **_COST)
    return f"{base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def verify_password(password: str, hashed: str) -> bool:
    """Whether the password is the one that was hashed; False for a hash that is none."""
    salt, _, digest = hashed.partition("$")
    if not digest:
        return False
    found = hashlib.scrypt(password.encode(), salt=base64.b64decode(salt), dklen=24, **_COST)
    return hmac.compare_digest(found, base64.b64decode(digest))


def strong_enough(password: str, options: Document) -> bool:
    """Whether a password fits the connection's policy (`none`, `low`, `fair`, `good`, `excellent`)."""
    policy = options.get("passwordPolicy", "good")
    shortest = {"none": 1, "low": 6, "fair": 8, "good": 8, "excellent": 10}.get(policy, 8)
    if "password_options" in options:
        shortest = int(options["password_options"].get("complexity", {}).get("min_length", shortest))
    shortest = int((options.get("password_complexity_options") or {}).get("min_length", shortest))
    if len(password) < shortest:
        return False
    classes = [bool(re.search(pattern, password)) for pattern in ("[a-z]", "[A-Z]", r"\d", r"[^A-Za-z0-9]")]
    if policy == "fair":
        return all(classes[:3])
    if policy == "good":
        return sum(classes) >= 3
    if policy == "excellent":
        return sum(classes) >= 3 and not re.search(r"(.)\1\1", password)
    return True
