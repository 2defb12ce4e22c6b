"""`ocr predict`: reads images with an exported model."""

import argparse
import json

from ocr_lib.inference.runtimes import Runtime, onnx_runtime, open_bundle
from ocr_lib.terminal import echo, printable
from pipelines.cli.model.arguments import input_folder, input_path, workers
from pipelines.cli.model.image_files import find_images, read_files

DESCRIPTION = """\
Read text-line images with an exported model (a bundle of `ocr export`).

Prints a line an image: the text and its score. An image that cannot be read is
named on standard error with the cause; the others are read, and the exit code is 2."""
EXAMPLES = """\
  ocr predict build/bundle line.png
  ocr predict build/bundle scans/ more/*.jpg --json > texts.jsonl
  ocr predict build/bundle scans/ --backend paddle --threads 2"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("bundle", type=input_folder, help="directory of the exported model")
    parser.add_argument(
        "images", nargs="+", type=input_path, help="image files, or folders of them"
    )
    parser.add_argument(
        "--backend", choices=("onnx", "paddle"), default="onnx", help="what runs the network"
    )
    parser.add_argument("--threads", type=workers, default=1, help="CPU threads of the network")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line, with a score a character"
    )


def run(args: argparse.Namespace) -> int:
    """Reads the images and prints their texts."""
    files = find_images(args.images)
    recognizer = open_bundle(args.bundle, _runtime(args.backend), threads=args.threads)
    unreadable = 0
    for path, answer in read_files(recognizer, files):
        if answer.error is not None:
            unreadable += 1
            echo(printable(f"{path}: {answer.error}"), err=True)
        elif args.json:
            values = {
                "image": str(path),
                "text": answer.text,
                "score": answer.score,
                "char_scores": answer.char_scores,
            }
            echo(json.dumps(values, ensure_ascii=False))
        else:
            echo(f"Predicts of {printable(str(path))}:{(answer.text, round(answer.score, 6))}")
    return 2 if unreadable else 0


def _runtime(backend: str) -> Runtime:
    if backend == "onnx":
        return onnx_runtime
    from ocr_lib.export.paddle_runtime import paddle_forward  # takes seconds

    return paddle_forward
