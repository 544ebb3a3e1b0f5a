"""Certificates of test servers and clients, by openssl: of an authority of the test's own, or self-signed."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.services.requirements import executable

KEY_PASSWORD = "of-the-client-key"


class Certificates(NamedTuple):
    """PEM files. server: key and certificate for `127.0.0.1`. other_ca: of an authority that signed neither."""

    ca: Path
    other_ca: Path
    server: Path
    client_cert: Path
    client_key: Path
    key_password: str = KEY_PASSWORD

    @classmethod
    def make(cls, folder: Path) -> "Certificates":
        """Two authorities, of which the first signs a server and a client whose key is encrypted."""
        for name in ("ca", "other-ca"):
            request(folder, name, "-x509", "-nodes", "-days", "2", "-out", str(folder / f"{name}.pem"))
        sign(folder, "server", "subjectAltName=IP:127.0.0.1", "-nodes")
        sign(folder, "client", "extendedKeyUsage=clientAuth", "-passout", f"pass:{KEY_PASSWORD}")
        server = folder / "server-both.pem"
        server.write_bytes((folder / "server.key").read_bytes() + (folder / "server.pem").read_bytes())
        return cls(folder / "ca.pem", folder / "other-ca.pem", server, folder / "client.pem", folder / "client.key")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """PEM files of a certificate for `127.0.0.1` that no authority signed, and of its key."""
    certificate = folder / "alone.pem"
    request(
        folder,
        "alone",
        *("-x509", "-nodes", "-days", "2"),
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-out",
        str(certificate),
    )
    return certificate, folder / "alone.key"


def request(folder: Path, name: str, *options: str) -> None:
    """Make a key and with it a request for a certificate, or with `-x509` the certificate."""
    key = (
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-keyout",
        str(folder / f"{name}.key"),
        "-subj",
        f"/CN={name}",
    )
    openssl("req", *key, *options)


def sign(folder: Path, name: str, extension: str, *options: str) -> None:
    """Make a key and a certificate that `ca` signs."""
    wanted, rules = folder / f"{name}.csr", folder / f"{name}.ext"
    request(folder, name, "-out", str(wanted), *options)
    rules.write_text(extension)
    authority = ("-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", "2")
    openssl("x509", "-req", "-in", str(wanted), "-extfile", str(rules), *authority, "-out", str(folder / f"{name}.pem"))


def openssl(*arguments: str) -> None:
    """Run openssl. Raises CalledProcessError when it fails."""
    program = executable("openssl", package="openssl")
    subprocess.run([program, *arguments], check=True, capture_output=True)
