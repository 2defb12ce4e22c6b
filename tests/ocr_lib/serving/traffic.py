"""Requests without a pause while something else happens to the server."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import tritonclient.grpc as grpc

from ocr_lib.serving.client import RecognitionClient
from tests.ocr_lib.serving.tiny_bundle import line_image

TEXT = "cab"


class Traffic:
    """What became of the requests: scores, which tell versions apart, and failures."""

    def __init__(self) -> None:
        self.scores: Counter[float] = Counter()
        self.failures: list[str] = []


@contextmanager
def traffic(url: str, model: str, threads: int = 2) -> Iterator[Traffic]:
    """Asks for one line again and again while the block lasts, and whether the model is ready."""
    result, ends, image = Traffic(), threading.Event(), line_image(TEXT)

    def ask() -> None:
        with RecognitionClient(url, model) as recognizer:
            while not ends.is_set():
                try:
                    answer = recognizer.read(image)
                    result.scores[round(answer.score, 4)] += 1
                    if answer.text != TEXT:
                        result.failures.append(answer.text)
                except Exception as error:
                    result.failures.append(str(error))

    def probe() -> None:
        with grpc.InferenceServerClient(url) as client:
            while not ends.wait(0.01):
                if not (client.is_server_ready() and client.is_model_ready(model)):
                    result.failures.append("not ready")

    workers = [threading.Thread(target=work) for work in (probe, *[ask] * threads)]
    for worker in workers:
        worker.start()
    try:
        yield result
    finally:
        ends.set()
        for worker in workers:
            worker.join(30)


def score(url: str, model: str) -> float:
    """Returns the score of the line, which tells which version answers."""
    with RecognitionClient(url, model) as recognizer:
        return round(recognizer.read(line_image(TEXT)).score, 4)
