"""What a connection may hold. Options differ by strategy; they are kept and returned as given."""

from __future__ import annotations

from sandbox.auth0.management.schema import Field, Table, flag, items, json_object, text

__all__ = ["CREATE", "DATABASE", "ENTERPRISE", "SOCIAL_OR_OTHER", "UPDATE"]

DATABASE = "auth0"
ENTERPRISE = (
    *(
        "ad",
        "adfs",
        "auth0-adldap",
        "google-apps",
        "ip",
        "office365",
        "oidc",
        "okta",
        "pingfederate",
        "samlp",
    ),
    *("sharepoint", "waad", "custom"),
)
SOCIAL_OR_OTHER = (
    *("amazon", "aol", "apple", "auth0-oidc", "baidu", "bitbucket", "bitly", "box", "daccount", "dropbox"),
    *(
        "dwolla",
        "email",
        "evernote",
        "evernote-sandbox",
        "exact",
        "facebook",
        "fitbit",
        "github",
        "google-oauth2",
    ),
    *("instagram", "line", "linkedin", "oauth1", "oauth2", "paypal", "paypal-sandbox", "planningcenter"),
    *("salesforce", "salesforce-community", "salesforce-sandbox", "shop", "shopify", "sms", "soundcloud"),
    *("thirtysevensignals", "twitter", "untappd", "vkontakte", "weibo", "windowslive", "wordpress", "yahoo"),
    *("yandex",),
)

_COMMON: dict[str, Field] = {
    "display_name": text("Connection name used in the new universal login experience", longest=128),
    "options": json_object(
        description="The connection's options (depend on the connection strategy).", nullable=False
    ),
    "is_domain_connection": flag(),
    "show_as_button": flag(),
    "realms": items(),
    "metadata": json_object(),
    "authentication": json_object({"active": flag(required=True)}),
    "connected_accounts": json_object({"active": flag(required=True), "cross_app_access": flag()}),
    "cross_app_access_requesting_app": json_object({"active": flag(required=True)}),
    "cross_app_access_resource_app": json_object(),
}

CREATE: Table = {
    "name": text(
        "The name of the connection. Must start and end with an alphanumeric character and can only contain "
        "alphanumeric characters and '-'. Max length 128",
        required=True,
        nullable=False,
        longest=128,
        pattern="^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$",
    ),
    "strategy": text("The identity provider identifier for the connection", required=True, nullable=False),
    "enabled_clients": items(
        description="DEPRECATED property. Use the PATCH /v2/connections/{id}/clients endpoint."
    ),
    **_COMMON,
}
UPDATE: Table = _COMMON
