"""Golden images in the store; versions and configurations see test_rollout.py."""

from pathlib import Path

from ocr_lib.registry.golden_images import GoldenImage, golden_prefix
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.repository_store import GOLDEN_FILE, download_golden, upload_version
from ocr_lib.storage.store import Store
from ocr_lib.text.recognition import Recognition

GOLDEN = [
    GoldenImage("a.png", b"an image", Recognition("abc", 0.75)),
    GoldenImage("zero.png", b"another", Recognition("", 0.0)),
    GoldenImage("old.png", b"a third", Recognition("cab", 0.0), scored=False),
]


def test_golden_images_come_back_as_they_went(store: Store, bundle: Path, tmp_path: Path) -> None:
    upload_version(store, build_model_version(bundle, "kept", 1), GOLDEN)
    assert download_golden(store, "kept", 1, tmp_path / "golden") == GOLDEN


def test_golden_images_of_early_versions_have_no_score(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "golden"
    folder.mkdir()
    (folder / "0000.image").write_bytes(b"an image")
    (folder / GOLDEN_FILE).write_text('[{"name": "a.png", "file": "0000.image", "text": "abc"}]')
    store.put_tree(folder, golden_prefix("early", 1))
    (image,) = download_golden(store, "early", 1, tmp_path / "back")
    assert image == GoldenImage("a.png", b"an image", Recognition("abc", 0.0), scored=False)
