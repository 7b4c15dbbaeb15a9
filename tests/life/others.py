"""What belongs to other people in the same tenant, engine and database: made before and after the stack, and never to be touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.life.tenants import Cloud, Hasura, Tenant, sql


@dataclass
class Others:
    """Other people's things, and how they look. `snapshot` before and after must be the same, byte for byte."""

    tenant: Tenant
    hasura: Hasura
    cloud: Cloud
    database: str
    client: str = ""
    actions: list[str] = field(default_factory=list)

    def arrive(self) -> None:
        """Before the first deployment: an application, a bound Action, tables of their own with permissions, a variable."""
        self.client = self.tenant.call(
            "POST", "clients", {"name": "Billing", "callbacks": ["https://billing.example.com/cb"]}
        )["client_id"]
        self.actions.append(self.tenant.add_action("Enrich profile"))
        self.tenant.bind([(self.actions[0], "Enrich profile")])
        sql(self.database, "CREATE TABLE invoices (id int PRIMARY KEY, amount numeric NOT NULL, owner text)")
        sql(self.database, "INSERT INTO invoices VALUES (1, 9.99, 'ann'), (2, 20, 'bob')")
        sql(self.database, "CREATE ROLE auditor NOLOGIN; GRANT SELECT ON invoices TO auditor")
        self.hasura.metadata(
            "pg_add_source",
            {"name": "billing", "configuration": {"connection_info": {"database_url": self.database}}},
        )
        self._track("billing")
        self.cloud.set(BILLING_MODE="strict")

    def join(self) -> None:
        """After it: another Action at the end of the login, and their table in the source that the stack has made."""
        self.actions.append(self.tenant.add_action("Audit log"))
        self.tenant.bind([*self.tenant.bound(), (self.actions[1], "Audit log")])
        self._track("default")

    def _track(self, source: str) -> None:
        table = {"schema": "public", "name": "invoices"}
        self.hasura.metadata("pg_track_table", {"source": source, "table": table})
        permission = {"columns": ["id", "amount"], "filter": {"owner": {"_eq": "X-Hasura-User-Id"}}}
        self.hasura.metadata(
            "pg_create_select_permission",
            {"source": source, "table": table, "role": "auditor", "permission": permission},
        )

    def snapshot(self) -> dict[str, Any]:
        """All of it, as its owners would find it."""
        metadata = self.hasura.export()
        sources = {source["name"]: source for source in metadata["sources"]}
        invoices = (
            [table for table in sources["default"]["tables"] if table["table"]["name"] == "invoices"]
            if "default" in sources
            else None
        )
        return {
            "client": self.tenant.call("GET", f"clients/{self.client}"),
            "actions": [self.tenant.call("GET", f"actions/actions/{action}") for action in self.actions],
            # not their ids and times: whoever changes the login flow writes the whole list anew
            "bindings": [item for item in self.tenant.bound() if item[0] in self.actions],
            "billing": sources["billing"],
            "invoices in the stack's source": invoices,
            "variable": self.cloud.variables().get("BILLING_MODE"),
            "rows": sql(self.database, "SELECT * FROM invoices ORDER BY id"),
            "privileges": sql(
                self.database,
                "SELECT grantee, privilege_type FROM information_schema.role_table_grants "
                "WHERE table_name = 'invoices' ORDER BY 1, 2",
            ),
        }
