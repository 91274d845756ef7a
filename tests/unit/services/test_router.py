"""How the router of a user is found."""

import importlib.util
from pathlib import Path

import pytest

from modelyard.errors import MissingExtraError
from modelyard.services import router as services_router
from modelyard.services.router import find_router
from modelyard.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache")


def test_the_installed_router_is_found_and_changes_nothing(settings: Settings) -> None:
    assert find_router(settings).routes() == ()
    assert not settings.home.exists()


def test_without_envoy_it_is_said_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "modelyard_deploy.router.router.find_spec", lambda name: None if name == "envoy" else real(name)
    )

    with pytest.raises(MissingExtraError, match=r"pip install 'modelyard\[router\]'"):
        find_router(settings)


def test_without_any_router_it_is_said_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services_router, "GROUP", "modelyard.none")

    with pytest.raises(MissingExtraError, match=r"pip install 'modelyard\[router\]'"):
        find_router(settings)
