"""A file with keys is read by its owner, or by the group that root gave it to."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from modelyard_scoring.secrecy import is_private

USER = 10001


def status(mode, owner):
    return os.stat_result((0o100000 | mode, 1, 1, 1, owner, owner, 10, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "owner", "user", "private"),
    [
        (0o600, USER, USER, True),
        (0o400, USER, USER, True),
        (0o600, 0, 0, True),
        (0o440, 0, USER, True),
        (0o640, 0, USER, True),
        (0o440, 0, 0, False),
        (0o440, USER, USER, False),
        (0o640, USER + 1, USER, False),
        (0o460, 0, USER, False),
        (0o450, 0, USER, False),
        (0o444, 0, USER, False),
        (0o604, USER, USER, False),
        (0o610, USER, USER, False),
    ],
)
def test_whom_a_file_may_be_read_by(mode, owner, user, private):
    assert is_private(status(mode, owner), user) is private


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another group")
@pytest.mark.parametrize(("mode", "said"), [(0o440, "taken"), (0o444, "can be read by others")])
def test_a_secret_of_root_is_read_through_the_group(mode, said):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        assert said in read_as_a_user(Path(folder) / "keys.json", mode)


def read_as_a_user(file, mode):
    """What a process says that may read a file of root's through its group."""
    file.write_text(json.dumps({"primary": "first-key-0123456789"}))
    file.chmod(mode)
    os.chown(file, 0, 2000)
    code = (
        "import os, sys; from pathlib import Path; from modelyard_scoring.credentials.keys import Keys\n"
        f"os.setgroups([2000]); os.setgid({USER}); os.setuid({USER})\n"  # the interpreter itself may be root's alone
        "try: Keys(Path(sys.argv[1])); print('taken')\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
