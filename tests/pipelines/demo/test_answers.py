"""What Triton reads on the test set, next to the truth."""

from pathlib import Path

from ocr_lib.data.lmdb_store import pack
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.artifacts import upload
from ocr_lib.storage.store import Store
from pipelines.demo.answers import SAMPLES, ask_triton
from tests.ocr_lib.serving.tiny_bundle import line_image

TEXTS = [text * n for n in (1, 2, 3) for text in ("a", "ab", "bé", "中c", "cab")]


def test_lines_of_all_widths_are_asked_of_the_model_that_serves(
    store: Store, triton: TritonServer, bundle: Path, golden: list[GoldenImage], tmp_path: Path
) -> None:
    folder = tmp_path / "lines"
    folder.mkdir()
    for text in TEXTS:
        (folder / f"{text}.png").write_bytes(line_image(text))
    (folder / "labels.txt").write_text("".join(f"{text}.png\t{text}\n" for text in TEXTS))
    pack(folder / "labels.txt", folder, tmp_path / "packed", role="test")
    lines = upload(store, tmp_path / "packed", "datasets/answers/{digest}")
    uri = store.put_tree(bundle, "registry/answers/bundle")
    production = deploy(uri, "answers", golden, store=store, endpoints=[triton.url]).production
    found = ask_triton(production, lines, triton.url, store, tmp_path / "work")
    assert len(found) == SAMPLES
    for answer in found:
        assert answer.truth == answer.exported == answer.triton
        assert 0 < answer.score <= 1
    assert len({len(answer.truth) for answer in found}) > 3
