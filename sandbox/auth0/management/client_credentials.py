"""Keys and certificates of a client: `/api/v2/clients/{id}/credentials`.

The PEM itself is never returned. Lists are bare, whatever `include_totals` says (recorded).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.auth0.management import ids
from sandbox.auth0.management.clients import existing, named_credentials
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import bad_request, conflict, not_found
from sandbox.auth0.management.keys import PemKey, read_pem
from sandbox.auth0.management.paging import PAGE
from sandbox.auth0.management.schema import Table, flag, text
from sandbox.auth0.store import Document, Store, public

__all__ = ["endpoints"]

endpoints = Endpoints()

_KINDS = ("public_key", "cert_subject_dn", "x509_cert")

_CREATE: Table = {
    "credential_type": text("The type of credential", required=True, nullable=False, enum=_KINDS),
    "name": text("Friendly name for a credential.", longest=128),
    "pem": text("PEM-formatted public key or X509 certificate."),
    "subject_dn": text("Subject Distinguished Name."),
    "alg": text("Algorithm which will be used with the credential.", enum=("RS256", "RS384", "PS256")),
    "parse_expiry_from_cert": flag(),
    "expires_at": text("The ISO 8601 formatted date representing the expiration of the credential."),
    "kid": text(),
}
_UPDATE: Table = {
    "expires_at": text("The ISO 8601 formatted date representing the expiration of the credential.")
}


@endpoints("GET", "/clients/{id}/credentials", ("read:client_credentials",), PAGE)
def list_credentials(call: Call) -> list[Document]:
    """All credentials of a client, the newest first (recorded)."""
    existing(call.store, call.params["id"])
    found = call.store.find("client_credential", _client_id=call.params["id"])
    newest_first: list[Document] = public(found[::-1])
    return newest_first


@endpoints("POST", "/clients/{id}/credentials", ("create:client_credentials",))
def create_credential(call: Call) -> Reply:
    """A new credential, read from its PEM."""
    client = existing(call.store, call.params["id"])
    body = call.checked(_CREATE)
    kind = body["credential_type"]
    if not body.get("pem") and not (kind == "cert_subject_dn" and body.get("subject_dn")):
        raise bad_request("Payload validation error: 'Missing required property: pem'.")
    key = read_pem(body["pem"]) if body.get("pem") else None
    now = ids.millis()
    credential: Document = {
        "id": ids.short_id("cred", 22),
        "credential_type": kind,
        **_described(kind, key, body),
        **({"name": body["name"]} if body.get("name") else {}),
        "created_at": now,
        "updated_at": now,
        "_client_id": client["client_id"],
        "_pem": body.get("pem", ""),
    }
    expiry = _expiry(kind, key, body)
    if expiry is not None:
        credential["expires_at"] = expiry
    call.store.put("client_credential", credential["id"], credential)
    return Reply(201, public(credential))


@endpoints("GET", "/clients/{id}/credentials/{credential_id}", ("read:client_credentials",))
def get_credential(call: Call) -> Any:
    """One credential."""
    return public(_existing(call.store, call.params))


@endpoints("PATCH", "/clients/{id}/credentials/{credential_id}", ("update:client_credentials",))
def update_credential(call: Call) -> Any:
    """A new expiry; the rest of a credential never changes."""
    with call.store.lock:
        credential = _existing(call.store, call.params)
        body = call.checked(_UPDATE, partial=True)
        if body.get("expires_at"):
            credential["expires_at"] = _instant(body["expires_at"])
        else:
            credential.pop("expires_at", None)
        credential["updated_at"] = ids.millis()
        call.store.put("client_credential", credential["id"], credential)
    return public(credential)


@endpoints("DELETE", "/clients/{id}/credentials/{credential_id}", ("delete:client_credentials",))
def delete_credential(call: Call) -> Reply:
    """Remove a credential that its client no longer names."""
    with call.store.lock:
        credential = _existing(call.store, call.params)
        client = existing(call.store, call.params["id"])
        if credential["id"] in named_credentials(client):
            raise conflict("The credential is in use by the client", "credential_in_use")
        call.store.delete("client_credential", credential["id"])
    return Reply(204)


def _existing(store: Store, params: dict[str, str]) -> Document:
    existing(store, params["id"])
    credential = store.get("client_credential", params["credential_id"])
    if credential is None or credential["_client_id"] != params["id"]:
        raise not_found("The credential does not exist", "inexistent_credential")
    return credential


def _described(kind: str, key: PemKey | None, body: Document) -> Document:
    if kind == "public_key" and key is not None:
        return {"kid": body.get("kid") or key.kid, "alg": body.get("alg") or "RS256"}
    if kind == "x509_cert" and key is not None:
        if key.certificate_thumbprint is None:
            raise bad_request("A credential of type x509_cert needs a certificate")
        return {"thumbprint_sha256": key.certificate_thumbprint}
    return {"subject_dn": body.get("subject_dn") or (key.subject_dn if key else None) or ""}


def _expiry(kind: str, key: PemKey | None, body: Document) -> str | None:
    if body.get("expires_at"):
        return _instant(body["expires_at"])
    from_certificate = kind == "x509_cert" or bool(body.get("parse_expiry_from_cert"))
    if from_certificate and key is not None and key.expires_at is not None:
        return ids.millis(key.expires_at.timestamp())
    return None


def _instant(text_value: str) -> str:
    try:
        instant = datetime.fromisoformat(text_value)
    except ValueError as error:
        raise bad_request(
            f"Payload validation error: 'Object didn't pass validation for format date-time: {text_value}' "
            "on property expires_at."
        ) from error
    return ids.millis((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())
