"""`ocr export`: turns a trained network into a certified bundle."""

from pathlib import Path

import click

from ocr_lib.algorithms.choice import networks_of
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle import MANIFEST, Bundle
from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.config_options import (
    CONFIG_HELP,
    ConfigChoice,
    allow_part,
    best_or_latest,
    checkpoint_of,
    overrides,
)
from pipelines.cli.options import check_replaceable, input_folder, name_or_file, output_folder, text


@command("export")
@click.argument("run", type=input_folder, required=False, help="run directory of a training")
@click.argument(
    "out", type=output_folder, required=False, help="the bundle's directory, replaced if it exists"
)
@option(
    "--checkpoint",
    type=text,
    show_default="best_accuracy, else latest",
    help="name of the checkpoint in RUN",
)
@option("-c", "--config", type=name_or_file, metavar="FILE", help=f"in place of RUN: {CONFIG_HELP}")
@overrides
@allow_part
@option("--old-names", is_flag=True, help="add Paddle 2's inference.pdmodel, in paddle2/")
def export(
    run: Path | None,
    out: Path | None,
    checkpoint: str | None,
    config: str | None,
    opt: tuple[str, ...],
    allow_part: tuple[str, ...],
    old_names: bool,
) -> None:
    r"""Export a trained network as a bundle.

    It holds Paddle's inference format, ONNX, the dictionary, and a certificate that both compute
    what the trained network computes, at every width.

    Give a run directory and a target directory; or, as in PaddleOCR, a configuration with
    Global.checkpoints (or pretrained_model) and Global.save_inference_dir. Weights that do not fill
    the network completely are refused. Of a distillation each network becomes a bundle,
    OUT/Student and so on.

    Examples:
      ocr export runs/a build/bundle
      ocr export runs/a build/bundle --checkpoint latest -o Eval.dataset.data_dir=data/eval
      ocr export -c runs/a/config.yml -o Global.checkpoints=runs/a/best_accuracy \
          -o Global.save_inference_dir=build/bundle
    """
    settings = ConfigChoice(_config_file(run, config), opt, allow_part).read()
    if run and checkpoint is None:
        checkpoint = best_or_latest(run)
    prefix = run / str(checkpoint) if run else checkpoint_of(settings)
    out_dir = out or _default_folder(settings)

    from ocr_lib.export import check_of_run, export_model
    from ocr_lib.training import load_model

    names = networks_of(settings.architecture)
    for name in names:
        check_replaceable(out_dir / name, MANIFEST)
    if run:
        _check_there(run, prefix.name)
        check_of_run(run, prefix.name)
    for name in names:
        bundle = export_model(
            lambda name=name: load_model(settings, prefix, name),  # type: ignore[misc]
            out_dir / name,
            metrics={},
            lineage={"checkpoint": prefix.name},
            old_names=old_names,
        )
        _print(bundle)


def _config_file(run: Path | None, config: str | None) -> str:
    if run is None and config is not None:
        return config
    if run is None or config is not None:
        raise ConfigError("RUN, -c", "exactly one of the two is needed", "Give one of them")
    file = run / "config.yml"
    if not file.is_file():
        cause = f"{run} is no run directory (config.yml is missing)"
        raise ConfigError("RUN", cause, "Name the Global.save_model_dir of a training")
    return str(file)


def _default_folder(config: Config) -> Path:
    settings = config.global_
    return Path(settings.save_inference_dir or Path(settings.save_model_dir) / "inference")


def _check_there(run: Path, checkpoint: str) -> None:
    if not (run / f"{checkpoint}.pdparams").is_file():
        checkpoints = ", ".join(sorted(path.stem for path in run.glob("*.pdparams"))) or "none"
        cause = f"{run} has no checkpoint {checkpoint}"
        raise ConfigError("--checkpoint", cause, f"Choose from: {checkpoints}")


def _print(bundle: Bundle) -> None:
    parity = bundle.parity
    echo(f"inference model is saved to {bundle.root}")
    echo(
        f"parity on {len(parity['images'])} images at {len(bundle.preprocess.buckets)} widths: "
        f"largest difference {parity['max_abs_diff']:.2e}, all texts equal"
    )
    echo(f"bundle {bundle.digest}")
