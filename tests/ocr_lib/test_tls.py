"""Connections trust the system's authorities, and those of a file next to them."""

import ssl
from pathlib import Path

import pytest
import trustme

from ocr_lib.errors import ConfigError
from ocr_lib.tls import trust


def test_a_file_adds_to_the_authorities_of_the_system(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    system = ssl.create_default_context().get_ca_certs(binary_form=True)
    both = trust(str(tmp_path / "ca.pem")).get_ca_certs(binary_form=True)
    added = ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode())
    assert set(both) == {*system, added}
    assert set(trust("").get_ca_certs(binary_form=True)) == set(system)
    assert trust("").verify_mode == ssl.CERT_REQUIRED
    assert trust("").check_hostname


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"^OCR_CA_FILE: .*ca\.pem cannot be read \(No such file.*\)\. Check the path\.$"),
        (b"no certificate", r"ca\.pem holds no certificates\. Name a file in PEM format\.$"),
        (b"", "holds no certificates"),
        (
            b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
            "holds no certificates",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        trust(str(path))
