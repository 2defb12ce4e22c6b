"""`ocr import`: a recogniser that others exported, as weights to train on from."""

import argparse

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import input_path, name_or_file, replaced_folder
from pipelines.cli.training.config_options import add_allow_part, read_allowed_parts

DESCRIPTION = """\
Turn an exported recogniser of PP-OCRv3, v4 or v5 into weights of this project's
network, which compute the same: an ONNX file, a folder of Paddle's inference
format, or a wheel that holds one of them.

The imported network is compared with the original on lines of text, drawn ones or
yours; nothing is written where a probability differs by more than 1e-4."""
EXAMPLES = """\
  ocr import ch_PP-OCRv4_rec_infer.onnx --out build/pp-ocrv4
  ocr import rapidocr_onnxruntime-1.4.4-py3-none-any.whl --out build/pp-ocrv4
  ocr import en_PP-OCRv4_rec_infer/ --out build/en --dictionary en --images lines/
  ocr eval -c build/pp-ocrv4/config.yml -o Eval.dataset.data_dir=data ..."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("source", type=input_path, help="ONNX file, inference folder, or wheel")
    parser.add_argument(
        "--out",
        type=replaced_folder("import.json"),
        required=True,
        help="folder, replaced if it exists",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--fused",
        action="store_true",
        help="one convolution where PP-LCNetV3 trains several branches: the default, far cheaper",
    )
    form.add_argument("--full", action="store_true", help="with the branches that it trains with")
    parser.add_argument(
        "--dictionary", type=name_or_file, metavar="FILE", help="its characters: a file or a name"
    )
    parser.add_argument(
        "--config",
        type=name_or_file,
        metavar="FILE",
        help="configuration of its network, if it is another one",
    )
    add_allow_part(parser)
    parser.add_argument(
        "--images",
        nargs="+",
        type=input_path,
        default=[],
        metavar="PATH",
        help="lines to compare on",
    )


def run(args: argparse.Namespace) -> int:
    """Imports and says what came of it."""
    from ocr_lib.converters import import_model
    from ocr_lib.converters.import_model import MAX_LINES
    from ocr_lib.data.base import read_file
    from ocr_lib.data.decode import decode_image
    from ocr_lib.text.dictionary import load_dictionary
    from pipelines.cli.model.image_files import find_images

    if args.dictionary:  # before the model, which takes seconds
        load_dictionary(args.dictionary, where="--dictionary")
    files = find_images(args.images)[:MAX_LINES]
    imported = import_model(
        args.source,
        args.out,
        full=args.full,
        images=[decode_image(read_file(str(path)), str(path)) for path in files],
        dictionary=args.dictionary,
        config=args.config,
        allowed_parts=read_allowed_parts(args),
    )
    form = "with its branches" if args.full else "fused"
    echo(
        f"{imported.network}, {form}: {imported.parameters / 1e6:.2f} M parameters, "
        f"{imported.characters} characters"
    )
    given = "given" if files else "drawn"
    echo(
        f"parity: probabilities differ by at most {imported.max_abs_diff:.2g} "
        f"on {imported.lines} {given} lines (allowed: 1e-4)"
    )
    echo(f"written: {args.out}")
    return 0
