"""Workspaces in which pipelines run, by a runner of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.pipelines.six import Six
from tests.integration.services.ending import kill, runner_of

from modelyard.sdk.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace; its runner ends with it."""
    with Workspace.create("pipelines", path=tmp_path) as made:
        yield made
        kill(runner_of(made))


@pytest.fixture
def six(workspace: Workspace, tmp_path: Path) -> Six:
    """Give a pipeline of six steps, and the file in which each leaves a line when it runs."""
    return Six(workspace, tmp_path / "six steps, ü")
