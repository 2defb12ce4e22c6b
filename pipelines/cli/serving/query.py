"""`ocr query`: reads images with a served model."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

from ocr_lib.serving.client import RecognitionClient, ServedRecognition
from ocr_lib.serving.feedback.recorder import FeedbackLimits, FeedbackRecorder
from ocr_lib.serving.model_repository import BULK
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo, printable
from pipelines.cli.command import command, option
from pipelines.cli.model.image_files import find_images
from pipelines.cli.options import count, fraction, images_argument, seconds
from pipelines.cli.server_options import DEFAULT_URL, URLS, address, server_urls, with_model

CHUNK = 256  # images read between two lines of output


@command("query")
@images_argument()
@option(
    "--url",
    "urls",
    type=address,
    multiple=True,
    help="host:port of Triton's gRPC protocol; several take turns, and stand in for each other "
    f"(default: {URLS}, else {DEFAULT_URL})",
)
@with_model
@option("--version", type=count, help="a version to insist on")
@option("--json", "as_json", is_flag=True, help="one JSON object a line")
@option("--char-scores", is_flag=True, help="the probability of every character; with --json")
@option("--bulk", is_flag=True, help="let people who wait go before")
@option(
    "--keep-below",
    type=fraction,
    metavar="SCORE",
    help="keep lines of a lower score in the store, for `ocr feedback`; without it none are",
)
@option("--keep-share", type=fraction, default=1.0, help="this share of them, 0 to 1")
@option("--keep-a-day", type=count, default=1000, help="largest number a day")
@option("--timeout", type=seconds, default=30.0, help="seconds that one request may take")
def query(
    images: tuple[Path, ...],
    urls: tuple[str, ...],
    model: str,
    version: int | None,
    as_json: bool,
    char_scores: bool,
    bulk: bool,
    keep_below: float | None,
    keep_share: float,
    keep_a_day: int,
    timeout: float,
) -> int:
    """Read text-line images with a model that a Triton server serves.

    Prints a line an image: the file, the text and its score, separated by tabs. An image that the
    server cannot read is named on standard error with the cause; the others are read, and the exit
    code is 2.

    Examples:
      ocr query line.png
      ocr query scans/ more/*.jpg --url triton.example:8001 --model receipts
      ocr query scans/ --json > texts.jsonl
    """
    files = iter(find_images(images))
    recording: AbstractContextManager[FeedbackRecorder | None] = nullcontext()
    if keep_below is not None:
        limits = FeedbackLimits(keep_below, keep_share, keep_a_day)
        recording = FeedbackRecorder(Store.from_env(), model, limits)
    with recording as recorder:
        client = RecognitionClient(
            server_urls(urls),
            model,
            version=version,
            timeout_s=timeout,
            char_scores=char_scores,
            priority=BULK if bulk else None,
            recorder=recorder,
        )
        with client:
            unreadable = _read(files, client, as_json)
    if recorder:
        counts = f"{recorder.recorded} lines kept, {recorder.dropped} doubtful ones not."
        echo(f"{counts} {recorder.problem}".rstrip(), err=True)
    return 2 if unreadable else 0


def _read(files: Iterator[Path], client: RecognitionClient, as_json: bool) -> int:
    """Prints what is read on the files; returns how many could not be read."""
    unreadable = 0
    while chunk := list(islice(files, CHUNK)):
        for path, answer in zip(chunk, client.read_many(chunk), strict=True):
            if answer.error is not None:
                unreadable += 1
                echo(printable(f"{path}: {answer.error}"), err=True)
            else:
                echo(_json(path, answer) if as_json else _row(path, answer))
    return unreadable


def _row(path: Path, answer: ServedRecognition) -> str:
    return f"{printable(str(path))}\t{printable(answer.text)}\t{answer.score:.4f}"


def _json(path: Path, answer: ServedRecognition) -> str:
    values: dict[str, Any] = {"image": str(path), "text": answer.text, "score": answer.score}
    if answer.char_scores:
        values["char_scores"] = [round(score, 4) for score in answer.char_scores]
    return json.dumps({**values, "version": answer.version}, ensure_ascii=False)
