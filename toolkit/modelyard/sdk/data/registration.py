"""How a place gets a name: the part of `Datastore` that registers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelyard
from modelyard.data.datastore import NewDatastore
from modelyard.data.errors import FolderMissingError
from modelyard.data.kinds import S3, AzureBlob, Folder, Gcs, Kind, Sql

if TYPE_CHECKING:
    from modelyard.sdk.data.datastore import Datastore
    from modelyard.sdk.workspace import Workspace


class DatastoreRegistration:
    """How datastores are registered; `Datastore` is the class to use."""

    @staticmethod
    def register_folder(
        workspace: Workspace, datastore_name: str, path: str | Path, *, description: str = "", overwrite: bool = False
    ) -> Datastore:
        """Register a folder of this machine.

        Parameters
        ----------
        overwrite
            Take the place of a datastore of that name.

        Raises
        ------
        FolderMissingError
            If it is not there.
        AlreadyExistsError
            If the name is taken, and `overwrite` is not set.
        """
        folder = Path(path).expanduser().resolve()
        if not folder.is_dir():
            raise FolderMissingError(datastore_name, str(folder))
        kind = Folder(path=str(folder))
        return _register(workspace, datastore_name, kind, description=description, overwrite=overwrite)

    @staticmethod
    def register_azure_blob_container(  # noqa: PLR0913 - the names that users know
        workspace: Workspace,
        datastore_name: str,
        container_name: str,
        account_name: str,
        *,
        sas_token: str | None = None,
        account_key: str | None = None,
        endpoint: str | None = None,
        prefix: str = "",
        **how: Any,
    ) -> Datastore:
        """Register a container of Azure Blob.

        Parameters
        ----------
        sas_token, account_key
            Where the credential is, never what it is: ``env:NAME``, ``file:/absolute/path``, ``keyring:SERVICE/USER``.
            It is read where and when it is used; without one, the machine's own is used.
        endpoint
            The URL of the account, if not that of the public cloud.
        prefix
            Keep everything below this path.
        how
            `description`, and `overwrite` to take the place of a datastore of that name.

        Raises
        ------
        CredentialReferenceError
            If a credential is not given by a reference.
        AlreadyExistsError
            If the name is taken, and `overwrite` is not set.
        """
        kind = AzureBlob(
            container=container_name,
            account=account_name,
            prefix=prefix,
            endpoint=endpoint,
            account_key=account_key,
            sas_token=sas_token,
        )
        return _register(workspace, datastore_name, kind, **how)

    @staticmethod
    def register_s3_bucket(  # noqa: PLR0913 - the names that users know
        workspace: Workspace,
        datastore_name: str,
        bucket: str,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        prefix: str = "",
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        **how: Any,
    ) -> Datastore:
        """Register a bucket of S3, or of a store that speaks as it does.

        Parameters
        ----------
        endpoint
            The URL of the store, if not that of the public cloud.
        prefix
            Keep everything below this path.
        access_key_id, secret_access_key
            Where the credentials are: ``env:NAME``, ``file:/absolute/path``, ``keyring:SERVICE/USER``.
        how
            `description`, and `overwrite` to take the place of a datastore of that name.

        Raises
        ------
        CredentialReferenceError
            If a credential is not given by a reference.
        AlreadyExistsError
            If the name is taken, and `overwrite` is not set.
        """
        kind = S3(
            bucket=bucket,
            region=region,
            endpoint=endpoint,
            prefix=prefix,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
        )
        return _register(workspace, datastore_name, kind, **how)

    @staticmethod
    def register_gcs_bucket(
        workspace: Workspace,
        datastore_name: str,
        bucket: str,
        *,
        prefix: str = "",
        service_account_key: str | None = None,
        **how: Any,
    ) -> Datastore:
        """Register a bucket of Google Cloud Storage.

        Parameters
        ----------
        prefix
            Keep everything below this path.
        service_account_key
            Where the JSON of the key is: ``env:NAME``, ``file:/absolute/path``, ``keyring:SERVICE/USER``.
        how
            `description`, and `overwrite` to take the place of a datastore of that name.

        Raises
        ------
        CredentialReferenceError
            If a credential is not given by a reference.
        AlreadyExistsError
            If the name is taken, and `overwrite` is not set.
        """
        kind = Gcs(bucket=bucket, prefix=prefix, service_account_key=service_account_key)
        return _register(workspace, datastore_name, kind, **how)

    @staticmethod
    def register_sql_database(
        workspace: Workspace,
        datastore_name: str,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        **how: Any,
    ) -> Datastore:
        """Register a SQL database.

        Parameters
        ----------
        url
            As SQLAlchemy reads it, without a password, such as ``postgresql+psycopg://host:5432/database``.
        username, password
            Where the credentials are: ``env:NAME``, ``file:/absolute/path``, ``keyring:SERVICE/USER``. A user that is
            no secret may stand in the URL.
        how
            `description`, and `overwrite` to take the place of a datastore of that name.

        Raises
        ------
        CredentialReferenceError
            If a password is in the URL, or a credential is not given by a reference.
        AlreadyExistsError
            If the name is taken, and `overwrite` is not set.
        """
        return _register(workspace, datastore_name, Sql(url=url, username=username, password=password), **how)


def _register(
    workspace: Workspace, name: str, kind: Kind, *, description: str = "", overwrite: bool = False
) -> Datastore:
    new = NewDatastore(kind=kind, description=description, replace=overwrite)
    return modelyard.Datastore.of(workspace, workspace.backend.datastores.register(name, new))
