"""What the engine of a container asks."""

import subprocess
import sys

import pytest
import trustme

from modelyard_scoring.health import is_live
from modelyard_scoring.settings import PREFIX


@pytest.mark.parametrize("way", ["plain", "tls", "admin"])
def test_a_live_server_is_found_so_and_one_that_is_gone_is_not(double_folder, start, tmp_path, way):
    options, environ = [], {}
    if way != "plain":
        leaf = trustme.CA().issue_cert("model.example")
        leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
        (tmp_path / "both.pem").chmod(0o600)
        both = str(tmp_path / "both.pem")
        options, environ = ["--tls-cert-file", both, "--tls-key-file", both], {PREFIX + "TLS_CERT_FILE": both}
    if way == "admin":
        options += ["--admin-port", "0"]
    server = start(double_folder, *options)
    address = server.address("admin_url" if way == "admin" else "url")
    environ[PREFIX + ("ADMIN_PORT" if way == "admin" else "PORT")] = address.rpartition(":")[2]
    server.logged(lambda line: line["text"] == "The phase serving begins.")
    assert is_live(environ)
    asking = [sys.executable, "-m", "modelyard_scoring.health"]
    assert subprocess.run(asking, env=environ, check=False).returncode == 0
    assert server.stop() == 0
    assert not is_live(environ)
    assert subprocess.run(asking, env=environ, check=False).returncode == 1
