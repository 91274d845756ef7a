"""Certificates in files, as servers want them."""


def write_pair(place, leaf):
    """Write a certificate and its key, each whole or not at all, as those who renew them do."""
    for name, parts in (("cert.pem", leaf.cert_chain_pems), ("key.pem", [leaf.private_key_pem])):
        temporary = place / f".{name}"
        temporary.touch(0o600)
        temporary.write_bytes(b"".join(part.bytes() for part in parts))
        temporary.replace(place / name)


def options(place):
    return ["--tls-cert-file", str(place / "cert.pem"), "--tls-key-file", str(place / "key.pem")]
