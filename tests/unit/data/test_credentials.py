import sys
import types
from pathlib import Path

import pytest

from modelyard.data.credentials import check_reference, resolve
from modelyard.errors import CredentialMissingError, CredentialReferenceError, MissingExtraError


def test_a_credential_is_read_where_its_reference_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_KEY", "from the environment")
    (tmp_path / "key").write_text("from a file\n")

    assert resolve("account_key", "env:STORE_KEY").reveal() == "from the environment"
    assert resolve("account_key", f"file:{tmp_path}/key").reveal() == "from a file"
    assert "file" not in repr(resolve("account_key", f"file:{tmp_path}/key"))


@pytest.mark.parametrize("secret", ["c2VjcmV0", "sv=2021&sig=abc", "env:a b", "file:key", "keyring:one", ""])
def test_what_may_be_a_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(CredentialReferenceError, match="write env:NAME") as error:
        check_reference("account_key", secret)
    assert not secret or secret not in str(error.value)


def test_a_credential_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", " ")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for reference, reason in {
        "env:NOT_SET": "not set",
        "env:EMPTY": "empty",
        f"file:{tmp_path}/none": "No such file",
        f"file:{tmp_path}/binary": "no text",
    }.items():
        with pytest.raises(CredentialMissingError, match=reason):
            resolve("account_key", reference)


def test_a_keyring_is_asked_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtraError, match="keyring"):
        resolve("account_key", "keyring:azure/me")

    class KeyringError(Exception):
        """As the package has it."""

    kept = {("azure", "me/too"): "from the keyring"}
    errors = types.SimpleNamespace(KeyringError=KeyringError)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=lambda *at: kept.get(at)))
    assert resolve("account_key", "keyring:azure/me/too").reveal() == "from the keyring"
    with pytest.raises(CredentialMissingError, match="has none"):
        resolve("account_key", "keyring:azure/you")
