"""The Python examples of docs/serving.md run as they stand, but for the server's address."""

import re
from pathlib import Path

import pytest

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.tiny_bundle import line_image

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "serving.md"


def test_examples_run(
    triton: TritonServer,
    store: Store,
    bundle: Path,
    golden: list[GoldenImage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deploy(str(bundle), "documented", golden, store=store, endpoints=[triton.url])
    (tmp_path / "line.png").write_bytes(line_image("bé中a"))
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        text = example.replace("localhost:8001", triton.url).replace('"ocr"', '"documented"')
        exec(text.replace("share=0.1", "share=1.0").replace("below=0.9", "below=1.0"), {})
    assert capsys.readouterr().out.count("bé中a") == 4
    assert [line.recognition.text for line in FeedbackStore(store, "documented").lines()] == [
        "bé中a"
    ]
