"""`ocr infer` and `ocr predict`: read images with a trained network or an exported model."""

import json
from pathlib import Path

import click

from ocr_lib.atomic import write_text
from ocr_lib.errors import ConfigError
from ocr_lib.inference.runtimes import Runtime, onnx_runtime, open_bundle
from ocr_lib.terminal import echo, printable
from pipelines.cli.command import command, option
from pipelines.cli.config_options import ConfigChoice, trained_recognizer, with_config
from pipelines.cli.model.image_files import find_images, read_files
from pipelines.cli.options import images_argument, input_folder, workers


@command("infer")
@with_config
def infer(choice: ConfigChoice) -> int:
    """Read images with a checkpoint of a training run, before any export.

    The checkpoint is Global.checkpoints or Global.pretrained_model, else best_accuracy in
    Global.save_model_dir. The image or folder is Global.infer_img. With Global.save_res_path, the
    texts are also written there, a line an image.

    Examples:
      ocr infer -c runs/a/config.yml -o Global.infer_img=line.png
      ocr infer -c runs/a/config.yml -o Global.checkpoints=runs/a/latest Global.infer_img=scans/
    """
    config = choice.read()
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


@command("predict")
@click.argument("bundle", type=input_folder, help="directory of the exported model")
@images_argument()
@option(
    "--backend", type=click.Choice(["onnx", "paddle"]), default="onnx", help="what runs the network"
)
@option("--threads", type=workers, default=1, help="CPU threads of the network")
@option("--json", "as_json", is_flag=True, help="one JSON object a line, with a score a character")
def predict(
    bundle: Path, images: tuple[Path, ...], backend: str, threads: int, as_json: bool
) -> int:
    """Read text-line images with an exported model (a bundle of `ocr export`).

    Prints a line an image: the text and its score. An image that cannot be read is named on
    standard error with the cause; the others are read, and the exit code is 2.

    Examples:
      ocr predict build/bundle line.png
      ocr predict build/bundle scans/ more/*.jpg --json > texts.jsonl
      ocr predict build/bundle scans/ --backend paddle --threads 2
    """
    files = find_images(images)
    recognizer = open_bundle(bundle, _runtime(backend), threads=threads)
    unreadable = 0
    for path, answer in read_files(recognizer, files):
        if answer.error is not None:
            unreadable += 1
            echo(printable(f"{path}: {answer.error}"), err=True)
        elif as_json:
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
