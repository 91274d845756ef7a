"""The real services that other tests stand on."""

import httpx
import psycopg
import pytest


def test_the_engine_runs_a_container_of_the_base_image(docker_engine) -> None:
    said = docker_engine.containers.run(
        "python:3.11-slim", ["python3", "-c", "import sys; print(sys.version_info[:2])"], remove=True
    )

    assert said.decode().strip() == "(3, 11)"


def test_the_registry_takes_an_image_and_gives_it_back(docker_engine, image_registry: str) -> None:
    name = f"{image_registry}/house/base"
    docker_engine.images.get("python:3.11-slim").tag(name, "pushed")

    pushed = docker_engine.images.push(name, "pushed")

    assert "digest" in pushed
    assert httpx.get(f"http://{image_registry}/v2/house/base/tags/list").json()["tags"] == ["pushed"]


def test_a_postgres_database_is_empty_and_writable(empty_postgres_url: str) -> None:
    with psycopg.connect(empty_postgres_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        connection.execute("CREATE TABLE runs (id integer PRIMARY KEY)")

    assert tables == (0,)


def test_two_fixtures_give_two_databases(postgres_url: str, empty_postgres_url: str) -> None:
    assert postgres_url != empty_postgres_url


def test_the_postgres_server_asks_for_a_password(postgres_server: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres_server.replace("modelyard:modelyard@", "modelyard:wrong@"))
