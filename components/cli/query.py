"""`ocr query`: reads images with a served model."""

import argparse
import json
import sys
from itertools import islice

from components.cli.servers import add_model, checked_url, default_url
from components.deploy.client import Recognizer
from ocr_lib.cli.image_files import find_images

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
    parser.add_argument("images", nargs="+", help="image files, or folders of them")
    parser.add_argument(
        "--url",
        default=default_url(),
        help="host:port of Triton's gRPC protocol (default OCR_TRITON_URL, else localhost:8001)",
    )
    add_model(parser)
    parser.add_argument("--version", type=int, help="a version to insist on")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--timeout", type=float, default=30.0, help="seconds that one request may take (default 30)"
    )


def run(args: argparse.Namespace) -> int:
    """Asks the server and prints its answers."""
    files = iter(find_images(args.images))
    unreadable = 0
    with Recognizer(
        checked_url(args.url), args.model, version=args.version, timeout_s=args.timeout
    ) as recognizer:
        while chunk := list(islice(files, CHUNK)):
            for path, answer in zip(chunk, recognizer.read_many(chunk), strict=True):
                if answer.error is not None:
                    unreadable += 1
                    sys.stderr.write(f"{path}: {answer.error}\n")
                else:
                    sys.stdout.write(_line(str(path), answer.text, answer.score, args.json))
    return 2 if unreadable else 0


def _line(path: str, text: str, score: float, as_json: bool) -> str:
    if as_json:
        values = {"image": path, "text": text, "score": score}
        return json.dumps(values, ensure_ascii=False) + "\n"
    return f"{path}\t{text}\t{score:.4f}\n"
