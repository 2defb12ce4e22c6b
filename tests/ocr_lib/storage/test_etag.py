"""Entity tags are those that S3 stores answer with, however the content comes."""

import io
from pathlib import Path

import pytest

from ocr_lib.storage.etag import PART_BYTES, EtagHash, HashingReader
from ocr_lib.storage.store import Store


@pytest.mark.parametrize("size", [0, 9, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])
@pytest.mark.parametrize("conditional_store", ["moto"], indirect=True)
def test_tags_are_the_store_s(conditional_store: Store, tmp_path: Path, size: int) -> None:
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    (tmp_path / "file").write_bytes(content)
    conditional_store.put_file(tmp_path / "file", f"tags/{size}")
    stored = conditional_store.client.stat(conditional_store.bucket, f"tags/{size}")
    reader = HashingReader(io.BytesIO(content), size)
    while reader.read(5 << 20):
        pass
    at_once = EtagHash(size)
    assert at_once.write(content) == size
    assert stored is not None
    assert at_once.etag() == reader.hash.etag() == stored.etag
