"""What is said of a version after it was registered: the part of `Model` with tags, properties and aliases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.backend.backend import Backend
from modelyard.models.model import (
    AliasMove,
    AliasMoveQuery,
    ModelAlias,
    ModelChange,
    ModelVersion,
    MoveAlias,
    RemoveAlias,
)
from modelyard.sdk.author import user
from modelyard.sdk.model.registration import dataset_uses, texts


class ModelLabels:
    """The tags, properties and aliases of a version; `Model` is the class to use."""

    backend: Backend
    info: ModelVersion

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, which may change."""
        return dict(self.info.tags)

    @property
    def properties(self) -> dict[str, str]:
        """Its properties, which are only ever added to."""
        return dict(self.info.properties)

    @property
    def description(self) -> str:
        """What it is, in words."""
        return self.info.description

    @property
    def aliases(self) -> tuple[str, ...]:
        """The aliases that point to it now."""
        self.info = self.backend.models.get(self.info.id)
        return self.info.aliases

    def update(
        self,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        properties: Mapping[str, Any] | None = None,
        *,
        framework: str | None = None,
        framework_version: str | None = None,
    ) -> None:
        """Set tags, the description or the framework, and add properties; what is not given stays.

        Raises
        ------
        StateError
            If a property is there with another value.
        """
        self._change(
            ModelChange(
                tags=texts(tags),
                description=description,
                properties=texts(properties),
                framework=framework,
                framework_version=framework_version,
            )
        )

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags; those of other names stay."""
        self._change(ModelChange(tags=texts(tags)))

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        """Remove tags by name; one that is not there is no error."""
        self._change(ModelChange(without_tags=(tags,) if isinstance(tags, str) else tuple(tags)))

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Add properties, which stay as they are.

        Raises
        ------
        StateError
            If one is there with another value.
        """
        self._change(ModelChange(properties=texts(properties)))

    def add_dataset_references(self, datasets: Iterable[Any]) -> None:
        """Add data sets, pairs of what for and which."""
        self._change(ModelChange(datasets=dataset_uses(datasets)))

    def set_alias(self, alias: str, *, why: str = "") -> ModelAlias:
        """Let an alias, such as ``champion``, point here; it may point to another version of the model until now.

        Raises
        ------
        InvalidNameError
            If `alias` breaks the rule for names.
        """
        return self.backend.model_aliases.move(
            self.info.name, alias, MoveAlias(version=self.info.version, who=user(), why=why)
        )

    def remove_alias(self, alias: str, *, why: str = "") -> None:
        """Remove an alias of this model, wherever it points.

        Raises
        ------
        NotFoundError
            If there is no such alias.
        """
        self.backend.model_aliases.remove(self.info.name, alias, RemoveAlias(who=user(), why=why))

    def alias_history(self, alias: str | None = None) -> list[AliasMove]:
        """List who moved which alias of this model from where to where, when and why, the newest move first."""
        found: list[AliasMove] = []
        cursor: str | None = None
        while True:
            query = AliasMoveQuery(alias=alias, cursor=cursor, limit=1000)
            page = self.backend.model_aliases.moves(self.info.name, query)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found

    def _change(self, change: ModelChange) -> None:
        self.info = self.backend.models.update(self.info.name, self.info.version, change)
