"""Open the object store of each kind, with its credentials read now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.data.credentials import resolve
from modelyard.data.kinds import S3, AzureBlob, Gcs
from modelyard.data.objects import ObjectAccess, client_options, require_obstore, retry_options

if TYPE_CHECKING:
    from modelyard.settings import Secret


def open_azure_blob(name: str, kind: AzureBlob) -> ObjectAccess:
    """Reach a container of Azure Blob.

    Raises
    ------
    MissingExtraError
        If obstore is not installed.
    CredentialMissingError
        If a credential is not where its reference says.
    """
    require_obstore()
    from obstore.store import AzureStore

    config = _given(
        account_name=kind.account,
        endpoint=kind.endpoint,
        account_key=_read("account_key", kind.account_key),
        sas_key=_read("sas_token", kind.sas_token),
    )
    return ObjectAccess(name, AzureStore(kind.container, **_common(kind.prefix, kind.endpoint), **config))


def open_s3(name: str, kind: S3) -> ObjectAccess:
    """Reach a bucket of S3.

    Raises
    ------
    MissingExtraError
        If obstore is not installed.
    CredentialMissingError
        If a credential is not where its reference says.
    """
    require_obstore()
    from obstore.store import S3Store

    config = _given(
        region=kind.region,
        endpoint=kind.endpoint,
        access_key_id=_read("access_key_id", kind.access_key_id),
        secret_access_key=_read("secret_access_key", kind.secret_access_key),
    )
    return ObjectAccess(name, S3Store(kind.bucket, **_common(kind.prefix, kind.endpoint), **config))


def open_gcs(name: str, kind: Gcs) -> ObjectAccess:
    """Reach a bucket of Google Cloud Storage.

    Raises
    ------
    MissingExtraError
        If obstore is not installed.
    CredentialMissingError
        If a credential is not where its reference says.
    """
    require_obstore()
    from obstore.store import GCSStore

    config = _given(service_account_key=_read("service_account_key", kind.service_account_key))
    return ObjectAccess(name, GCSStore(kind.bucket, **_common(kind.prefix, None), **config))


def _read(what: str, reference: str | None) -> Secret | None:
    return None if reference is None else resolve(what, reference)


def _given(**config: str | Secret | None) -> dict[str, Any]:
    """Leave out what is not given, and show what is secret to obstore."""
    return {
        key: one if isinstance(one, str) else one.reveal().lstrip("?") for key, one in config.items() if one is not None
    }


def _common(prefix: str, endpoint: str | None) -> dict[str, Any]:
    options = {"client_options": client_options(endpoint), "retry_config": retry_options()}
    return {**options, "prefix": prefix} if prefix else dict(options)
