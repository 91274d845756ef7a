"""Who may call what: every route there is, with every kind of token."""

import time
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy
from tests.contract.conftest import Served

from modelyard.backend.backend import ROOMS
from modelyard.operation import operations
from modelyard.server.access import Tokens, token
from modelyard.server.app import create_app
from modelyard.store.creation import create_store
from modelyard.store.store import Store

RANKS = ("reader", "contributor", "owner")
# The routes that are no operations, with the role that each needs; None: open to all. An operation declares its own.
ROUTES = {
    ("GET", "/live"): None,
    ("GET", "/api/v1/openapi.json"): None,
    ("POST", "/api/v1/blobs/missing"): "contributor",
    ("GET", "/api/v1/blobs/<sha256>"): "reader",
    ("PUT", "/api/v1/blobs/<sha256>"): "contributor",
    ("GET", "/api/v1/blobs/<sha256>/arrived"): "contributor",
} | {
    (one.method, "/api/v1" + one.path.replace("{", "<").replace("}", ">")): one.role
    for room in (*ROOMS, Tokens)
    for one in operations(room)
}


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a workspace, with an expired owner's token besides."""
    root = tmp_path_factory.mktemp("access")
    create_store(root, "access", {}, exist_ok=False)
    served = Served(Store.open(root))
    served.tokens["expired"] = _expired(served.store)
    yield served
    served.close()


def _expired(store: Store) -> str:
    from modelyard.server.access import NewToken

    issued = Tokens(store).create(NewToken(name="old", role="owner"))
    with store.database.write() as connection:
        past = sqlalchemy.update(token).where(token.c.name == "old").values(expires=time.time() - 1)
        connection.execute(past)
    return issued.secret


def _status(yard: Served, method: str, path: str, header: str | None) -> int:
    headers = {"authorization": header} if header else {}
    return httpx.request(method, yard.url + path.replace("<", "").replace(">", ""), headers=headers).status_code


def test_every_route_has_a_row_here(yard: Served) -> None:
    bound = {
        (method, rule.rule)
        for rule in yard.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert bound == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), [key for key, role in ROUTES.items() if role])
def test_without_a_valid_token_nothing_is_told(yard: Served, method: str, path: str) -> None:
    wrong = [None, "Bearer", "Bearer wrong", f"Basic {yard.tokens['owner']}", f"Bearer {yard.tokens['expired']}"]
    wrong += [f"Bearer {yard.tokens['owner'][:-1]}", f"Bearer {yard.tokens['owner']}x"]

    assert {_status(yard, method, path, header) for header in wrong} == {401}


@pytest.mark.parametrize(("method", "path"), [key for key, role in ROUTES.items() if role])
def test_a_role_may_do_what_it_may_and_no_more(yard: Served, method: str, path: str) -> None:
    needed = RANKS.index(ROUTES[method, path] or "reader")
    for rank, role in enumerate(RANKS):
        if role == "owner" and path == "/api/v1/tokens/<name>":
            continue  # there is no token called name: the owner's own stay
        status = _status(yard, method, path, f"Bearer {yard.tokens[role]}")
        assert (status == 403) == (rank < needed), (role, status)
        assert status not in {401, 500}, role


def test_a_deleted_token_is_refused_at_once(yard: Served) -> None:
    from modelyard.server.access import NewToken

    tokens = Tokens(yard.store)
    secret = tokens.create(NewToken(name="brief", role="reader")).secret
    assert _status(yard, "GET", "/api/v1/workspace", f"Bearer {secret}") == 200

    tokens.delete("brief")

    assert _status(yard, "GET", "/api/v1/workspace", f"Bearer {secret}") == 401


def test_no_secret_is_kept(yard: Served) -> None:
    kept = b"".join(path.read_bytes() for path in yard.store.root.glob("modelyard.db*"))

    assert kept
    assert not [role for role, secret in yard.tokens.items() if secret.encode() in kept]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8630", "127.0.0.1.evil.example", "[::2]", ""])
def test_a_name_that_is_not_ours_is_refused(yard: Served, host: str) -> None:
    headers = {"authorization": f"Bearer {yard.tokens['owner']}", "host": host}

    assert httpx.get(f"{yard.url}/api/v1/workspace", headers=headers).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:1", "[::1]:8630", "yard.example", "yard.example.:443"])
def test_a_name_that_is_ours_is_answered(yard: Served, host: str) -> None:
    client = create_app(yard.store, ["Yard.example"]).test_client()
    headers = {"authorization": f"Bearer {yard.tokens['owner']}", "host": host}

    assert client.get("/api/v1/workspace", headers=headers).status_code == 200
