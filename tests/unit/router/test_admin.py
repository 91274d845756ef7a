"""Envoy's socket is found."""

from pathlib import Path

import pytest

from modelyard_deploy.router import admin
from modelyard_deploy.router.admin import Admin
from modelyard_deploy.router.errors import RouterFolderError, RouterStoppedError


def test_a_folder_that_is_not_there_has_no_envoy(tmp_path: Path) -> None:
    with pytest.raises(RouterStoppedError):
        Admin(tmp_path / "none")


def test_a_path_too_long_for_a_socket_is_refused_where_there_is_no_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "_OPENED", tmp_path / "none")
    long = tmp_path / ("a" * 100)
    long.mkdir()

    with pytest.raises(RouterFolderError, match="choose a shorter MODELYARD_HOME"):
        Admin(long)
