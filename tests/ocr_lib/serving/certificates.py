"""Certificates of an authority, a server and a client."""

from pathlib import Path

import trustme

from ocr_lib.serving.client_tls import Tls

KEY = "0123456789abcdef0123456789abcdef"


SERVER_NAME = "triton.example"


class Certificates:
    """An authority, a server's certificate and a client's, as files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        authority = trustme.CA()
        self.ca, self.cert, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        self.client_cert, self.client_key = folder / "client.pem", folder / "client-key.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        server, client = authority.issue_cert(SERVER_NAME), authority.issue_cert("deployer.example")
        for issued, cert, key in (
            (server, self.cert, self.key),
            (client, self.client_cert, self.client_key),
        ):
            cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
            issued.private_key_pem.write_to_path(str(key))

    def client(self, *, with_certificate: bool = True) -> Tls:
        own = (self.client_cert, self.client_key) if with_certificate else (None, None)
        return Tls(self.ca, *own, name=SERVER_NAME)
