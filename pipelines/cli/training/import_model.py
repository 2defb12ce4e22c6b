"""`ocr import`: a recogniser that others exported, as weights to train on from."""

from pathlib import Path

import click

from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.errors import ConfigError
from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.config_options import allow_part
from pipelines.cli.options import input_path, name_or_file, replaced_folder


@command("import")
@click.argument("source", type=input_path, help="ONNX file, inference folder, or wheel")
@option(
    "--out",
    type=replaced_folder("import.json"),
    required=True,
    help="folder, replaced if it exists",
)
@option(
    "--fused",
    is_flag=True,
    help="one convolution where PP-LCNetV3 and v4 train several branches: the default, far cheaper",
)
@option("--full", is_flag=True, help="with the branches that it trains with")
@option("--dictionary", type=name_or_file, help="its characters: a file or a name")
@option("--config", type=name_or_file, help="configuration of its network, if it is another one")
@allow_part
@option("--images", type=input_path, several=True, metavar="PATH ...", help="lines to compare on")
def import_model(
    source: Path,
    out: Path,
    fused: bool,
    full: bool,
    dictionary: str | None,
    config: str | None,
    allow_part: tuple[str, ...],
    images: tuple[Path, ...],
) -> None:
    """Turn an exported recogniser of PP-OCRv3 to v6 into weights of this project's network.

    They compute the same. The source is an ONNX file, a folder of Paddle's inference format, or a
    wheel that holds one of them.

    The imported network is compared with the original on lines of text, drawn ones or yours;
    nothing is written where a probability differs by more than rounding explains (1e-4).

    Examples:
      ocr import ch_PP-OCRv4_rec_infer.onnx --out build/pp-ocrv4
      ocr import rapidocr_onnxruntime-1.4.4-py3-none-any.whl --out build/pp-ocrv4
      ocr import en_PP-OCRv4_rec_infer/ --out build/en --dictionary en --images lines/
      ocr eval -c build/pp-ocrv4/config.yml -o Eval.dataset.data_dir=data ...
    """
    if fused and full:
        raise ConfigError("--full", "given with --fused", "Leave one of them out")
    from ocr_lib.converters import import_model
    from ocr_lib.converters.import_model import MAX_LINES
    from ocr_lib.data.base import read_file
    from ocr_lib.data.decode import decode_image
    from ocr_lib.text.dictionary import load_dictionary
    from pipelines.cli.model.image_files import find_images

    if dictionary:  # before the model, which takes seconds
        load_dictionary(dictionary, where="--dictionary")
    files = find_images(images)[:MAX_LINES]
    imported = import_model(
        source,
        out,
        full=full,
        images=[decode_image(read_file(str(path)), str(path)) for path in files],
        dictionary=dictionary,
        config=config,
        allowed_parts=allowed_parts(allow_part),
    )
    form = "with its branches" if full else "fused"
    echo(
        f"{imported.network}, {form}: {imported.parameters / 1e6:.2f} M parameters, "
        f"{imported.characters} characters"
    )
    given = "given" if files else "drawn"
    echo(
        f"parity: probabilities differ by at most {imported.max_abs_diff:.2g} "
        f"on {imported.lines} {given} lines (allowed: {imported.allowed:.2g})"
    )
    echo(f"written: {out}")
