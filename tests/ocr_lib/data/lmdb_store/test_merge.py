from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_lib.data.lmdb_store import Manifest, merge, pack
from ocr_lib.errors import LmdbError


def packed(root: Path, texts: list[str], **options: int) -> Path:
    root.mkdir()
    for text in texts:
        image = np.full((16 + len(texts), 40, 3), 255, np.uint8)
        image[4:9, 5:30] = 0
        (root / f"{text}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    (root / "labels.txt").write_text("".join(f"{text}.png\t{text}\n" for text in texts))
    pack(root / "labels.txt", root, root / "lmdb", shard_samples=2, **options)
    return root / "lmdb"


def test_statistics_and_shards_are_those_of_all_parts(tmp_path: Path) -> None:
    parts = [packed(tmp_path / "one", ["a", "b", "c"]), packed(tmp_path / "two", ["d"])]
    (tmp_path / "out").mkdir()
    manifest, places = merge(parts, tmp_path / "out")
    assert Manifest.load(tmp_path / "out") == manifest
    assert manifest.samples == 4
    assert places == {
        "shard-00000": (0, "shard-00000"),
        "shard-00001": (0, "shard-00001"),
        "shard-00002": (1, "shard-00000"),
    }
    assert manifest.statistics.characters == dict.fromkeys("abcd", 1)
    assert manifest.image_sizes["height"] == {"min": 17, "median": 19, "max": 19}


def test_parts_with_other_options_are_refused(tmp_path: Path) -> None:
    parts = [packed(tmp_path / "one", ["a"]), packed(tmp_path / "two", ["d"], max_text_length=9)]
    with pytest.raises(LmdbError, match="Pack all parts with the same options"):
        merge(parts, tmp_path)
