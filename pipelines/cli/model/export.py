"""`ocr export`: turns a trained network into a certified bundle."""

import argparse
from pathlib import Path

from ocr_lib.algorithms.choice import networks_of
from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle import MANIFEST, Bundle
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import (
    check_replaceable,
    input_folder,
    name_or_file,
    output_folder,
    text,
)
from pipelines.cli.training.config_options import add_allow_part, add_overrides, read_allowed_parts
from pipelines.cli.training.trained import BEST, checkpoint_of

DESCRIPTION = """\
Export a trained network: Paddle's inference format, ONNX, the dictionary, and a
certificate that both compute what the trained network computes, at every width.

Give a run folder and a target directory; or, as in PaddleOCR, a configuration
with Global.checkpoints (or pretrained_model) and Global.save_inference_dir.
Weights that do not fill the network completely are refused. Of a distillation each
network becomes a bundle, <dir>/Student and so on."""
EXAMPLES = """\
  ocr export runs/a build/bundle
  ocr export runs/a build/bundle --checkpoint latest -o Eval.dataset.data_dir=data/eval
  ocr export -c runs/a/config.yml -o Global.checkpoints=runs/a/best_accuracy \\
      -o Global.save_inference_dir=build/bundle"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("run", nargs="?", type=input_folder, help="run folder of a training")
    parser.add_argument(
        "out",
        nargs="?",
        type=output_folder,
        help="the bundle's directory, replaced if it exists",
    )
    parser.add_argument("--checkpoint", type=text, default=BEST, help=f"default: {BEST}")
    parser.add_argument(
        "-c", "--config", type=name_or_file, metavar="FILE", help="in place of a run folder"
    )
    add_overrides(parser)
    add_allow_part(parser)
    parser.add_argument(
        "--old-names", action="store_true", help="add Paddle 2's inference.pdmodel, in paddle2/"
    )


def run(args: argparse.Namespace) -> int:
    """Exports and says what the certificate found."""
    config, prefix, out_dir = _sources(args)

    from ocr_lib.export import check_of_run, export_model
    from ocr_lib.training import load_model

    names = networks_of(config.architecture)
    for name in names:
        check_replaceable(out_dir / name, MANIFEST)
    if args.run:
        _check_there(args.run, args.checkpoint)
        check_of_run(args.run, args.checkpoint)
    for name in names:
        bundle = export_model(
            lambda name=name: load_model(config, prefix, name),  # type: ignore[misc]
            out_dir / name,
            metrics={},
            lineage={"checkpoint": prefix.name},
            old_names=args.old_names,
        )
        _print(bundle)
    return 0


def _check_there(run: Path, checkpoint: str) -> None:
    if not (run / f"{checkpoint}.pdparams").is_file():
        there = ", ".join(sorted(path.stem for path in run.glob("*.pdparams"))) or "none"
        cause = f"{run} has no checkpoint {checkpoint}"
        raise ConfigError("--checkpoint", cause, f"Choose from: {there}")


def _print(bundle: Bundle) -> None:
    parity = bundle.parity
    echo(f"inference model is saved to {bundle.root}")
    echo(
        f"parity on {len(parity['images'])} images at {len(bundle.preprocess.buckets)} widths: "
        f"largest difference {parity['max_abs_diff']:.2e}, all texts equal"
    )
    echo(f"bundle {bundle.digest}")


def _sources(args: argparse.Namespace) -> tuple[Config, Path, Path]:
    """Returns the configuration, the checkpoint's prefix and the target directory."""
    if (args.run is None) == (args.config is None):
        raise ConfigError("arguments", "need either a run folder or -c", "Give one of them")
    file = args.config or args.run / "config.yml"
    if args.run and not file.is_file():
        cause = f"{args.run} is no run folder (config.yml is missing)"
        raise ConfigError("run", cause, "Name the Global.save_model_dir of a training")
    config = load_config(file, args.opt, read_allowed_parts(args))
    prefix = checkpoint_of(config) if args.config else args.run / args.checkpoint
    target = args.out or config.global_.save_inference_dir
    return config, prefix, Path(target or Path(config.global_.save_model_dir) / "inference")
