"""Datastores in a real object store: Azurite, with its well-known account."""

import base64
import datetime as dt
import hashlib
import hmac
import uuid

import httpx

from modelyard import Datastore, Workspace

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key that every Azurite has: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite."""
CONTAINER = "modelyard-tests"
VARIABLE = "TEST_AZURITE_KEY"


def register(workspace: Workspace, url: str, name: str = "objects") -> Datastore:
    """Register a place of its own; the key has to be in `VARIABLE`."""
    return Datastore.register_azure_blob_container(
        workspace, name, CONTAINER, ACCOUNT, account_key=f"env:{VARIABLE}", endpoint=url, prefix=uuid.uuid4().hex
    )


def make_container(url: str) -> None:
    """Make the container, unless it is there."""
    headers = {
        "x-ms-date": dt.datetime.now(dt.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "x-ms-version": "2021-12-02",
    }
    signed = "PUT" + "\n" * 12 + "".join(f"{name}:{value}\n" for name, value in headers.items())
    signed += f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)).decode()
    headers |= {"authorization": f"SharedKey {ACCOUNT}:{signature}"}
    answer = httpx.put(f"{url}/{CONTAINER}?restype=container", headers=headers)
    assert answer.status_code in {201, 409}, answer.text
