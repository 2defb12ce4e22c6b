"""From an image file to its text with PP-OCRv4's mobile recogniser, beside RapidOCR.

Both run the same ONNX file, which RapidOCR's wheel brings along, on one thread of ONNX Runtime.
RapidOCR pads every line to at least 320 px; the bound is the network alone, each line at its own
width and without padding.
"""

import importlib.metadata
import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from benchmarks.line_images import line_image
from benchmarks.measure import interleaved, row
from ocr_lib.data.image import Preprocess, decode_image, default_buckets
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.inference.runtimes import onnx_forward
from ocr_lib.text.dictionary import Charset

WHEEL = "rapidocr-onnxruntime"
MODEL = "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
HEIGHT = 48
BATCH = 8
# The network alone, without padding, takes 0.53 of RapidOCR's time for a line alone and 0.4 in
# batches; decoding, preprocessing and padding to a width bucket come on top.
ALONE_GOAL = 0.65
BATCH_GOAL = 0.50
BOUND_GOAL = 1.2

Task = Callable[[], object]


def run(quick: bool) -> list[dict[str, Any]]:
    if importlib.util.find_spec("rapidocr_onnxruntime") is None:
        print(f"  skipped: {WHEEL} is not installed (dependency group bench)")
        return []
    count, rounds = (48, 3) if quick else (160, 7)
    rng = np.random.default_rng(5)
    images = [_line(rng) for _ in range(count)]
    model = Path(str(importlib.metadata.distribution(WHEEL).locate_file(MODEL)))
    ours = _recognizer(model)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        tasks: dict[str, Task] = {
            "alone": lambda: [ours.read([image]) for image in images],
            "together": lambda: ours.read(images),
            "rapidocr alone": _rapidocr(model, images, 1),
            "rapidocr together": _rapidocr(model, images, BATCH),
            "network": _network(ours, images),
        }
        seconds = interleaved(tasks, count, rounds)
    finally:
        cv2.setNumThreads(threads)
    return [
        row(name, {"ours": seconds[a], "peer": seconds[b], "bound": seconds["network"]}, goal)
        for name, a, b, goal in (
            ("read a line, one at a time", "alone", "rapidocr alone", ALONE_GOAL),
            ("read a line, many at a time", "together", "rapidocr together", BATCH_GOAL),
            ("read a line, beside its network", "together", "network", BOUND_GOAL),
        )
    ]


def _line(rng: np.random.Generator) -> bytes:
    """Returns a line whose width is spread as on receipts: at 48 px, median 153, 95 % below 471."""
    pixels = decode_image(line_image(rng)[0])
    height, width = pixels.shape[:2]
    wanted = round(np.clip(rng.lognormal(math.log(153), 0.68), 24, 900) * height / HEIGHT)
    tiled = np.tile(pixels, (1, -(-wanted // width), 1))[:, :wanted]
    return bytes(cv2.imencode(".jpg", tiled)[1])


def _recognizer(model: Path) -> Recognizer:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    characters = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    return Recognizer(
        Preprocess(HEIGHT, default_buckets(HEIGHT)),
        Charset((*characters, " ")),
        onnx_forward(model),
    )


def _rapidocr(model: Path, images: list[bytes], batch: int) -> Task:
    from rapidocr_onnxruntime.ch_ppocr_rec import TextRecognizer

    reader = TextRecognizer(
        {
            "model_path": str(model),
            "rec_batch_num": batch,
            "rec_img_shape": [3, HEIGHT, 320],
            "intra_op_num_threads": 1,
            "inter_op_num_threads": 1,
        }
    )

    def read() -> None:
        if batch == 1:
            for image in images:
                reader([decode_image(image)])
        else:
            reader([decode_image(image) for image in images])

    return read


def _network(ours: Recognizer, images: list[bytes]) -> Task:
    """Returns the network's own work: tensors of every line's exact width, made beforehand."""
    fitted = [ours.preprocess.fit(decode_image(image)) for image in images]
    tensors = [ours.preprocess.batch([pixels], pixels.shape[1]) for pixels in fitted]
    return lambda: [ours.forward(tensor) for tensor in tensors]
