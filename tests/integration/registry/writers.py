"""What processes do that register one name at once; they load no more than that takes."""

from pathlib import Path

from modelyard.backend.embedded import open_embedded
from modelyard.models.model import NewModelVersion
from modelyard.sdk.model.model import Model
from modelyard.sdk.workspace import Workspace


def register_many(root: str, file: str, count: int) -> list[int]:
    """Register the file so many times, and return the numbers it got."""
    with Workspace.open(root) as workspace:
        return [Model.register(workspace, file, "digits", tags={"n": i}).version for i in range(count)]


def register_trees(root: str, url: str, tree: str, count: int) -> list[int]:
    """Register the tree so many times, and return the numbers it got."""
    backend = open_embedded(Path(root), url)
    numbers = [backend.models.register("digits", NewModelVersion(tree=tree)).version for _ in range(count)]
    backend.close()
    return numbers
