"""`ocr infer`: reads images with a trained network, before any export."""

import argparse

from ocr_lib.atomic import write_text
from ocr_lib.errors import ConfigError
from ocr_lib.terminal import echo, printable
from pipelines.cli.model.image_files import find_images, read_files
from pipelines.cli.training.config_options import add_config_options, read_config
from pipelines.cli.training.trained import trained_recognizer

DESCRIPTION = """\
Read images with a checkpoint of a training run.

The checkpoint is Global.checkpoints or Global.pretrained_model, else best_accuracy in
Global.save_model_dir. The image or folder is Global.infer_img. With
Global.save_res_path, the texts are also written there, a line an image."""
EXAMPLES = """\
  ocr infer -c runs/a/config.yml -o Global.infer_img=line.png
  ocr infer -c runs/a/config.yml -o Global.checkpoints=runs/a/latest Global.infer_img=scans/"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Reads the images and prints their texts as PaddleOCR's infer_rec does."""
    config = read_config(args)
    if not config.global_.infer_img:
        raise ConfigError("Global.infer_img", "it is not set", "Name an image or a folder")
    files = find_images([config.global_.infer_img])
    recognizer, _ = trained_recognizer(config)
    results = []
    unreadable = 0
    for path, answer in read_files(recognizer, files):
        if answer.error is not None:
            unreadable += 1
            echo(printable(f"{path}: {answer.error}"), err=True)
            continue
        echo(f"infer_img: {printable(str(path))}")
        echo(f"\t result: {printable(answer.text)}\t{answer.score:.6f}")
        results.append(f"{printable(str(path))}\t{answer.text}\t{answer.score:.6f}\n")
    if config.global_.save_res_path:
        write_text(config.global_.save_res_path, "".join(results))
    return 2 if unreadable else 0
