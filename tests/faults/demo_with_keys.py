"""Runs `ocr demo` with a store whose secret key is the one in CANARY_STORE_KEY.

python -m tests.faults.demo_with_keys ARGUMENTS…
"""

import os
import sys
from pathlib import Path

from ocr_lib.storage.s3_server import S3Server
from pipelines.cli.main import main


class KeyedServer(S3Server):
    """A server whose secret key is known to the test."""

    def __init__(self, root: Path, port: int | None = None, bucket: str = "ocr") -> None:
        super().__init__(root, port, bucket)
        self._secret_key = os.environ.pop("CANARY_STORE_KEY")


if __name__ == "__main__":
    import pipelines.demo.services

    pipelines.demo.services.S3Server = KeyedServer
    sys.argv[1:1] = ["demo"]
    sys.exit(main())
