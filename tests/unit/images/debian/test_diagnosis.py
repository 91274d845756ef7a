from pathlib import Path

import pytest

from modelyard.errors import StorageFullError
from modelyard.images.debian.diagnosis import diagnose
from modelyard.images.debian.errors import (
    BaseUnavailableError,
    MirrorUnreachableError,
    ReleaseNotServedError,
    UntrustedMirrorError,
)

FETCH = "E: Failed to fetch http://mirror.example/InRelease  "
REPOSITORY = "E: The repository 'http://mirror.example trixie Release' "
SIGNED = (
    "W: GPG error: http://mirror.example trixie InRelease: The following signatures couldn't be verified: NO_PUBKEY 6"
)


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        (f"{FETCH}Could not connect to 127.0.0.1:9 - connect (111: Connection refused)", MirrorUnreachableError),
        (f"{FETCH}Temporary failure resolving 'mirror.example'", MirrorUnreachableError),
        (f"{FETCH}407  Proxy Authentication Required [IP: 1.2.3.4 80]", MirrorUnreachableError),
        (f"{FETCH}503  Service Unavailable [IP: 1.2.3.4 80]", MirrorUnreachableError),
        (f"{FETCH}Certificate verification failed: The certificate is NOT trusted.", MirrorUnreachableError),
        (f"{FETCH}404  Not Found [IP: 1.2.3.4 80]", ReleaseNotServedError),
        (f"{REPOSITORY}does not have a Release file.", ReleaseNotServedError),
        ("E: Unable to locate package python3.13", ReleaseNotServedError),
        (SIGNED, UntrustedMirrorError),
        (f"{REPOSITORY}is not signed.", UntrustedMirrorError),
        ("E: You don't have enough free space in /cache/archives/.", StorageFullError),
        ("E: Write error - write (28: No space left on device)", StorageFullError),
        ("E: Sub-process /usr/bin/xz returned an error code (2)", BaseUnavailableError),
        ("Segmentation fault", BaseUnavailableError),
    ],
)
def test_each_cause_has_its_error_in_one_line(stderr: str, kind: type[Exception]) -> None:
    said = f"Reading package lists...\n{stderr}\nE: Some index files failed to download."

    error = diagnose(said, "trixie", Path("/cache"))

    assert type(error) is kind
    assert "\n" not in str(error)


def test_credentials_of_a_mirror_are_not_told() -> None:
    stderr = "E: Failed to fetch http://me:secret@mirror.example/  Connection failed"

    assert "secret" not in str(diagnose(stderr, "trixie", Path("/cache")))
