"""One line for a deployment that replaces whatever serves."""

from pathlib import Path

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.rollout import deploy
from ocr_lib.storage.store import Store


def put(bundle: Path, model: str, golden: list[GoldenImage], store: Store, url: str) -> None:
    deploy(str(bundle), model, golden, store=store, endpoints=[url], force="a test")
