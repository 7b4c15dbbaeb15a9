"""What a client may hold. Names and limits: the API's reference; properties of features that the simulator
does not act on are kept and returned, as the real API does."""

from __future__ import annotations

from sandbox.auth0.management.schema import Field, Table, flag, integer, items, json_object, text
from sandbox.auth0.store import Document

__all__ = ["ADDED_DEFAULTS", "CREATE", "MERGED", "UPDATE"]

_NAME = "The name of the client (min length: 1 character, does not allow < or >)."

_JWT: Table = {
    "lifetime_in_seconds": integer("Number of seconds the JWT will be valid for (affects `exp` claim)."),
    "secret_encoded": flag(),
    "scopes": json_object(),
    "alg": text("Algorithm used to sign JWTs.", enum=("HS256", "RS256", "RS512", "PS256")),
}

_REFRESH: Table = {
    "rotation_type": text("Refresh token rotation types.", enum=("rotating", "non-rotating")),
    "expiration_type": text("Refresh token expiration types.", enum=("expiring", "non-expiring")),
    "leeway": integer("Period in seconds where the previous refresh token can be exchanged.", smallest=0),
    "token_lifetime": integer(smallest=1, largest=157788000),
    "infinite_token_lifetime": flag(),
    "idle_token_lifetime": integer(smallest=1),
    "infinite_idle_token_lifetime": flag(),
    "policies": items(
        Field("object", nullable=False),
        "A collection of policies governing multi-resource refresh token exchange (MRRT)",
        shortest=1,
    ),
}

_CREDENTIALS: Table = {"credentials": items(json_object({"id": text(required=True)}, nullable=False))}

_COMMON: dict[str, Field] = {
    "description": text("Free text description of this client (max length: 140 characters).", longest=140),
    "client_secret": text("The secret used to sign tokens for the client.", nullable=False, shortest=1),
    "logo_uri": text("The URL of the client logo (recommended size: 150x150)."),
    "callbacks": items(
        description="A set of URLs that are valid to call back from Auth0 when authenticating users."
    ),
    "allowed_origins": items(),
    "web_origins": items(),
    "client_aliases": items(),
    "allowed_clients": items(),
    "allowed_logout_urls": items(),
    "session_transfer": json_object(
        {
            "can_create_session_transfer_token": flag(),
            "allowed_authentication_methods": items(),
            "enforce_device_binding": text(enum=("none", "ip", "asn")),
            "allow_refresh_token": flag(),
            "enforce_online_refresh_tokens": flag(),
            "enforce_cascade_revocation": flag(),
            "delegation": json_object(
                {
                    "allow_delegated_access": flag(),
                    "enforce_device_binding": text(enum=("ip", "asn")),
                }
            ),
        }
    ),
    "oidc_logout": json_object(
        {
            "backchannel_logout_urls": items(),
            "backchannel_logout_initiators": json_object(
                {"mode": text(enum=("all", "custom")), "selected_initiators": items()}
            ),
            "backchannel_logout_session_metadata": json_object({"include": flag()}),
        }
    ),
    "oidc_backchannel_logout": json_object({"backchannel_logout_urls": items()}),
    "grant_types": items(description="List of grant types supported for this application."),
    "token_endpoint_auth_method": text(
        "Defines the requested authentication method for the token endpoint.",
        enum=("none", "client_secret_post", "client_secret_basic"),
    ),
    "is_token_endpoint_ip_header_trusted": flag(),
    "app_type": text(
        "The type of application this client represents",
        enum=(
            *("native", "spa", "regular_web", "non_interactive", "resource_server", "express_configuration"),
            *("rms", "box", "cloudbees", "concur", "dropbox", "mscrm", "echosign", "egnyte", "newrelic"),
            *("office365", "salesforce", "sentry", "sharepoint", "slack", "springcm", "zendesk", "zoom"),
            *("sso_integration", "oag"),
        ),
    ),
    "is_first_party": flag("Whether this client a first party client or not", nullable=False),
    "oidc_conformant": flag(
        "Whether this client conforms to strict OIDC specifications (true) or uses legacy features (false).",
        nullable=False,
    ),
    "jwt_configuration": json_object(_JWT, "An object that holds settings related to how JWTs are created"),
    "encryption_key": json_object(),
    "sso": flag(),
    "cross_origin_authentication": flag(),
    "cross_origin_auth": flag(),
    "cross_origin_loc": text(),
    "sso_disabled": flag(),
    "custom_login_page_on": flag(),
    "custom_login_page": text(),
    "custom_login_page_preview": text(),
    "form_template": text(),
    "addons": json_object(description="Addons enabled for this client and their associated configurations."),
    "client_metadata": json_object(
        description="Metadata associated with the client, in the form of an object with string values (max 255 chars)."
    ),
    "mobile": json_object(),
    "initiate_login_uri": text("Initiate login uri, must be https"),
    "native_social_login": json_object(),
    "fedcm_login": json_object(),
    "refresh_token": json_object(_REFRESH, "Refresh token configuration"),
    "default_organization": json_object(),
    "organization_usage": text(enum=("deny", "allow", "require")),
    "organization_require_behavior": text(enum=("no_prompt", "pre_login_prompt", "post_login_prompt")),
    "organization_discovery_methods": items(),
    "client_authentication_methods": json_object(
        {
            "private_key_jwt": json_object(_CREDENTIALS),
            "tls_client_auth": json_object(_CREDENTIALS),
            "self_signed_tls_client_auth": json_object(_CREDENTIALS),
        }
    ),
    "signed_request_object": json_object({"required": flag(), **_CREDENTIALS}),
    "require_pushed_authorization_requests": flag(),
    "require_proof_of_possession": flag(),
    "compliance_level": text(),
    "skip_non_verifiable_callback_uri_confirmation_prompt": flag(),
    "token_exchange": json_object(),
    "par_request_expiry": integer(),
    "token_quota": json_object(),
    "express_configuration": json_object(),
    "resource_server_identifier": text(),
    "async_approval_notification_channels": items(),
    "my_organization_configuration": json_object(),
    "identity_assertion_authorization_grant": json_object(),
    "token_vault_privileged_access": json_object(),
    "third_party_security_mode": text(enum=("strict", "permissive")),
    "redirection_policy": text(enum=("allow_always", "open_redirect_protection")),
}

CREATE: Table = {
    "name": text(_NAME, required=True, nullable=False, shortest=1, pattern="^[^<>]+$"),
    **_COMMON,
}
UPDATE: Table = {"name": text(_NAME, nullable=False, shortest=1, pattern="^[^<>]+$"), **_COMMON}

MERGED = frozenset(
    {
        "client_metadata",
        "jwt_configuration",
        "mobile",
        "native_social_login",
        "refresh_token",
        "session_transfer",
        "signed_request_object",
        "my_organization_configuration",
    }
)

ADDED_DEFAULTS: dict[str, Document] = {
    "jwt_configuration": {"secret_encoded": False},
    "session_transfer": {
        "can_create_session_transfer_token": False,
        "allowed_authentication_methods": [],
        "enforce_device_binding": "ip",
        "allow_refresh_token": False,
        "enforce_online_refresh_tokens": True,
        "enforce_cascade_revocation": True,
    },
}
