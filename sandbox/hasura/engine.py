"""The engine: one consistent snapshot of metadata, sources and GraphQL schemas, and who may use it.

Requests read the snapshot that is current when they arrive; a change prepares the next one beside it and swaps it in.
Changes run one at a time. A change of the environment is the engine's restart: authentication and sources are set up
anew from it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg

from sandbox.hasura import graphql
from sandbox.hasura.authentication import Authenticator, KeysUnavailable, Session
from sandbox.hasura.catalog import Catalog
from sandbox.hasura.configuration import ConfigurationError, authenticator_from, describe
from sandbox.hasura.environment import Environment
from sandbox.hasura.graphql.errors import GraphQLFault
from sandbox.hasura.metadata import dispatch
from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical_source import source_configuration
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.sources import Source, SourceRegistry
from sandbox.hasura.metadata.storage import MetadataStorage, empty_metadata
from sandbox.hasura.routing import source_for

__all__ = ["HasuraEngine", "Snapshot"]

_log = logging.getLogger("sandbox.hasura")
_KEY_RETRY_SECONDS = 2.0
_DEFAULT_DATABASE = "HASURA_GRAPHQL_DATABASE_URL"


@dataclass(frozen=True)
class Snapshot:
    """What requests are answered from."""

    metadata: dict[str, Any]
    resource_version: int
    inconsistent: list[dict[str, Any]] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    schemas: dict[str, graphql.Engine] = field(default_factory=dict)
    served: list[dict[str, Any]] = field(default_factory=list)
    inherited_roles: list[dict[str, Any]] = field(default_factory=list)
    stringify: bool = False


class HasuraEngine:
    """One engine over one metadata database."""

    def __init__(self, environment: Environment, storage: MetadataStorage) -> None:
        self._environment, self._storage = environment, storage
        self._registry = SourceRegistry()
        self._change = threading.RLock()
        self._stopped = threading.Event()
        self._snapshot = Snapshot(empty_metadata(), 0)
        self._authenticator: Authenticator | None = None
        self._jwt: dict[str, Any] = {}

    # -- life -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Prepare the metadata database and serve what it holds.

        Raises `ConfigurationError` when the environment has no admin secret or cannot be read.
        """
        fresh = self._storage.prepare()
        self._environment.load()
        if fresh and _DEFAULT_DATABASE in self._environment.merged():
            self._add_default_source()
        self.reload_sources()
        try:
            self._authenticator, self._jwt = authenticator_from(self._environment.merged())
        except ConfigurationError as error:
            if not self._environment.cloud:
                raise
            # the Cloud API runs in this process: it must stay up so that the variable can be corrected
            _log.error("%s; tokens are refused until it is corrected", error)
            self._authenticator, self._jwt = authenticator_from(self._environment.merged(), without_jwt=True)

    def stop(self) -> None:
        """Close all connections."""
        self._stopped.set()
        self._registry.close()

    def _add_default_source(self) -> None:
        info = {"database_url": {"from_env": _DEFAULT_DATABASE}}
        configuration = source_configuration({"connection_info": info}, path="$")
        source = {"name": "default", "kind": "postgres", "tables": [], "configuration": configuration}
        self._storage.save({**empty_metadata(), "sources": [source]}, 1)

    def reload_sources(self) -> None:
        """Resolve every source in the present environment and serve the stored metadata."""
        with self._change:
            metadata, version = self._storage.load()
            self._publish(Draft(metadata, self._registry, self._environment.merged(), version))

    def restart(self) -> None:
        """Take on a changed environment, as a restarted engine does.

        Raises `ConfigurationError` and stays as it was when the environment is not valid.
        """
        authenticator, jwt = authenticator_from(self._environment.merged())
        self.reload_sources()
        self._authenticator, self._jwt = authenticator, jwt

    def load_keys(self) -> None:
        """Fetch the key set of `jwk_url`, if one is configured. Raises `ConfigurationError` when it cannot."""
        authenticator = self._authenticator
        if authenticator is None:
            return
        try:
            authenticator.load_keys()
        except KeysUnavailable as error:
            raise ConfigurationError(f"HASURA_GRAPHQL_JWT_SECRET: {error}") from error

    def keep_loading_keys(self) -> None:
        """Fetch the key set until it is there or the engine stops. Blocks: run it in a thread of its own."""
        while not self._stopped.is_set():
            try:
                self.load_keys()
            except ConfigurationError as error:
                _log.warning("%s; trying again", error)
                self._stopped.wait(_KEY_RETRY_SECONDS)
            else:
                return

    def keep_loading_keys_beside(self) -> None:
        """As `keep_loading_keys`, in a thread of its own."""
        threading.Thread(target=self.keep_loading_keys, name="jwk", daemon=True).start()

    # -- requests -------------------------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """What is served now."""
        return self._snapshot

    def authenticate(self, headers: Mapping[str, str]) -> Session:
        """The session of a request. Raises `GraphQLFault`."""
        if self._authenticator is None:
            raise GraphQLFault("the engine is starting", "unexpected")
        return self._authenticator.authenticate(headers)

    def storage_reachable(self) -> bool:
        """Whether the metadata database answers."""
        return self._storage.reachable()

    def configuration(self, version: str) -> dict[str, Any]:
        """The answer of `/v1alpha1/config`: what is live of the configuration, without secrets."""
        return describe(self._environment.merged(), self._jwt, version)

    def metadata_request(self, request: object) -> Any:
        """Answer a request of `/v1/metadata` (the caller is admin). Raises `Fault`."""
        changes = dispatch.changes_metadata(request)
        expected = request.get("resource_version") if isinstance(request, dict) else None
        return self.change(lambda draft: dispatch.execute(draft, request), changes, expected)

    def change(
        self,
        work: Callable[[Draft], Any],
        changes: bool,
        expected_version: object = None,
        *,
        serve: bool = False,
    ) -> Any:
        """Run `work` on a draft; store and serve the draft if it `changes` the metadata. Raises `Fault`.

        `serve`: serve the draft even where the metadata stays as it is (the database has changed).
        """
        with self._change:
            metadata, version = self._storage.load()
            # tables may have been made by others since: a change is compared with the databases as they are
            draft = Draft(metadata, self._registry, self._environment.merged(), version, reread=changes)
            try:
                answer = work(draft)
                if changes:
                    expected = expected_version if isinstance(expected_version, int) else version
                    draft.resource_version = self._storage.save(draft.metadata, expected)
                if changes or serve:
                    self._publish(draft)
                return answer
            finally:
                self._registry.retire(self._snapshot.sources.values())

    def graphql_request(self, session: Session, request: Any) -> Any:
        """Answer a GraphQL request, or a list of them; errors are answers."""
        if isinstance(request, list):
            return [self.graphql_request(session, one) for one in request]
        snapshot = self._snapshot
        if not snapshot.schemas:
            return _NOTHING.execute(_no_database, session, request)
        try:
            name = source_for(snapshot.schemas, session, request)
        except GraphQLFault as fault:
            return fault.as_answer(session.is_admin)
        pool = snapshot.sources[name].usable_pool
        return snapshot.schemas[name].execute(pool.connection, session, request)

    def _publish(self, draft: Draft) -> None:
        old = self._snapshot
        before = {source["name"]: source for source in old.served}
        schemas: dict[str, graphql.Engine] = {}
        stringify = self._environment.flag("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES")
        for source in draft.checked.sources:
            name = source["name"]
            catalog = draft.sources[name].catalog
            assert catalog is not None  # noqa: S101 - only sources with a catalog are served
            same = (
                name in old.schemas
                and before[name] == source
                and old.sources[name].catalog is catalog
                and old.inherited_roles == draft.checked.inherited_roles
                and old.stringify == stringify
            )
            schemas[name] = (
                old.schemas[name]
                if same
                else graphql.build(catalog, source, draft.checked.inherited_roles, stringify)
            )
        self._snapshot = Snapshot(
            metadata=draft.metadata,
            resource_version=draft.resource_version,
            inconsistent=ids.as_json(draft.checked.inconsistencies),
            sources=draft.sources,
            schemas=schemas,
            served=draft.checked.sources,
            inherited_roles=draft.checked.inherited_roles,
            stringify=stringify,
        )
        self._registry.retire(draft.sources.values())


@contextlib.contextmanager
def _no_database() -> Iterator[psycopg.Connection[Any]]:
    """The connection of an engine without sources: its schema has nothing that would use it."""
    yield cast("psycopg.Connection[Any]", None)


_NOTHING = graphql.build(Catalog(tables={}), {"name": "default", "kind": "postgres", "tables": []})
