"""`ocr query`: reads images with a served model."""

import argparse
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

from ocr_lib.serving.client import RecognitionClient, ServedRecognition
from ocr_lib.serving.endpoints import check_url
from ocr_lib.serving.feedback.recorder import FeedbackLimits, FeedbackRecorder
from ocr_lib.serving.model_repository import BULK
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo, printable
from pipelines.cli.model.arguments import checked, count, fraction, input_path, seconds
from pipelines.cli.model.image_files import find_images
from pipelines.cli.serving.server_options import DEFAULT_URL, add_model, default_urls

DESCRIPTION = """\
Read text-line images with a model that a Triton server serves.

Prints a line an image: the file, the text and its score, separated by tabs. An image that the
server cannot read is named on standard error with the cause; the others are read, and the exit
code is 2."""
EXAMPLES = """\
  ocr query line.png
  ocr query scans/ more/*.jpg --url triton.example:8001 --model receipts
  ocr query scans/ --json > texts.jsonl"""

CHUNK = 256  # images read between two lines of output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "images", type=input_path, nargs="+", help="image files, or folders of them"
    )
    parser.add_argument(
        "--url",
        type=checked(check_url),
        action="append",
        help="host:port of Triton's gRPC protocol; several take turns, and stand in for each other "
        f"(default OCR_TRITON_URL, else {DEFAULT_URL})",
    )
    add_model(parser)
    parser.add_argument("--version", type=count, help="a version to insist on")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--char-scores", action="store_true", help="the probability of every character; with --json"
    )
    parser.add_argument("--bulk", action="store_true", help="let people who wait go before")
    parser.add_argument(
        "--keep-below",
        type=fraction,
        metavar="SCORE",
        help="keep lines of a lower score in the store, for `ocr feedback`; without it none are",
    )
    parser.add_argument(
        "--keep-share", type=fraction, default=1.0, help="this share of them, 0 to 1 (default 1)"
    )
    parser.add_argument(
        "--keep-a-day", type=count, default=1000, help="largest number a day (default 1000)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=30.0,
        help="seconds that one request may take (default 30)",
    )


def run(args: argparse.Namespace) -> int:
    """Asks the server and prints its answers."""
    files = iter(find_images(args.images))
    with _recorder(args) as recorder, _recognizer(args, recorder) as recognizer:
        unreadable = _read(files, recognizer, args.json)
    if recorder:
        counts = f"{recorder.recorded} lines kept, {recorder.dropped} doubtful ones not."
        echo(f"{counts} {recorder.problem}".rstrip(), err=True)
    return 2 if unreadable else 0


def _recorder(args: argparse.Namespace) -> AbstractContextManager[FeedbackRecorder | None]:
    if args.keep_below is None:
        return nullcontext()
    limits = FeedbackLimits(args.keep_below, args.keep_share, args.keep_a_day)
    return FeedbackRecorder(Store.from_env(), args.model, limits)


def _recognizer(args: argparse.Namespace, recorder: FeedbackRecorder | None) -> RecognitionClient:
    return RecognitionClient(
        args.url or default_urls(),
        args.model,
        version=args.version,
        timeout_s=args.timeout,
        char_scores=args.char_scores,
        priority=BULK if args.bulk else None,
        recorder=recorder,
    )


def _read(files: Iterator[Path], recognizer: RecognitionClient, as_json: bool) -> int:
    """Prints what is read on the files; returns how many could not be read."""
    unreadable = 0
    while chunk := list(islice(files, CHUNK)):
        for path, answer in zip(chunk, recognizer.read_many(chunk), strict=True):
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
