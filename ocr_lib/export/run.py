"""From a run directory to a bundle: no certificate, no bundle."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from paddle.utils import unique_name

from ocr_lib import __version__
from ocr_lib.atomic import atomic_directory, write_json
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.schema import Config
from ocr_lib.data.dataset import Dataset, open_dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.data.sampling import evenly_sampled
from ocr_lib.digest import sha256_file
from ocr_lib.errors import CheckpointError, UserError
from ocr_lib.export.onnx_format import save_onnx
from ocr_lib.export.paddle_format import (
    DEFAULT_MODEL_NAME,
    input_shape,
    merge_branches,
    save_paddle,
    save_paddle2,
    write_inference_yml,
)
from ocr_lib.export.paddle_runtime import paddle_forward
from ocr_lib.export.parity import NUM_IMAGES, certify
from ocr_lib.inference.bundle import ONNX, PADDLE2, PARITY, Bundle, write_manifest
from ocr_lib.inference.runtimes import onnx_forward
from ocr_lib.training import TrainedModel, forward_of, load_run
from ocr_lib.training import checkpoint as checkpoints

VERSIONS = ("paddlepaddle", "paddle2onnx", "onnx", "onnxruntime", "numpy", "opencv-python-headless")


def export(
    run_dir: str | Path,
    out_dir: str | Path,
    *,
    checkpoint: str = "best_accuracy",
    network: str | None = None,
    dataset: Dataset | None = None,
    metrics: Mapping[str, Any] | None = None,
    lineage: Mapping[str, str] | None = None,
    old_names: bool = False,
    weights_sha256: str = "",
    allowed_parts: AllowedParts = NO_PARTS,
) -> Bundle:
    """Exports a trained network as a bundle that appears whole or not at all.

    Args:
        run_dir: the folder that training wrote.
        out_dir: the bundle's directory; an older one is replaced.
        checkpoint: `best_accuracy`, `latest` or `iter_epoch_N`.
        network: of several networks (distillation) another one than `Metric.key` names.
        dataset: samples for the parity certificate; by default the validation set of the run's
            configuration, or what it learnt from where it has none.
        metrics: what the evaluation found, to be kept with the model.
        lineage: where it comes from, to be kept with the model: digests of data, name of the run.
        old_names: adds the files that Paddle 2 reads, in `paddle2/`.
        weights_sha256: digest that the weights must have: of those that were evaluated.
        allowed_parts: custom parts that the run's configuration may name.

    Raises:
        CheckpointError: a parameter of the network is not in the checkpoint, or the weights are
            not the run's.
        ExportError: the network cannot be converted, or a form computes something else.
    """
    check_of_run(run_dir, checkpoint)
    return export_model(
        lambda: load_run(run_dir, checkpoint, network, allowed_parts),
        Path(out_dir),
        dataset=dataset,
        weights_sha256=weights_sha256,
        metrics=metrics or {},
        lineage={"checkpoint": checkpoint, **(lineage or {})},
        old_names=old_names,
    )


def export_model(
    load: Callable[[], TrainedModel],
    out_dir: Path,
    *,
    dataset: Dataset | None = None,
    metrics: Mapping[str, Any],
    lineage: Mapping[str, str],
    old_names: bool = False,
    weights_sha256: str = "",
) -> Bundle:
    """Does what `export` says, for any way to load the trained network.

    Args:
        load: returns the network; called once for the reference and once for the export, which
            changes the network it works on.
        out_dir: as for `export`.
        dataset: as for `export`.
        metrics: as for `export`.
        lineage: as for `export`.
        old_names: as for `export`.
        weights_sha256: as for `export`.
    """
    trained = load()
    _check_weights(trained, weights_sha256)
    images = _spread_images(dataset or _own_samples(trained.config))
    with atomic_directory(out_dir) as work:
        with unique_name.guard():  # names of tensors count from 0: equal networks, equal files
            write_forms(load(), work, old_names)
        certificate = certify(
            forward_of(trained.model),
            {"onnx": onnx_forward(work / ONNX), "paddle": paddle_forward(work, traced_here=True)},
            trained.preprocess,
            trained.dictionary,
            images,
            out_dir.with_name(f"{out_dir.name}.parity-failure.npz"),
            trained.algorithm.tokenizer.decode,
            served=_as_served(trained.preprocess),
        )
        write_json(work / PARITY, certificate)
        info = _info(trained, metrics, lineage)
        write_manifest(work, info, trained.preprocess, trained.dictionary)
    return Bundle.open(out_dir, verify=False)


def write_forms(trained: TrainedModel, work: Path, old_names: bool = False) -> None:
    """Writes a network in every exported format, without certificate; changes the network."""
    merge_branches(trained.model)
    shape = input_shape(trained.config, trained.preprocess)
    save_paddle(trained.model, shape, work)
    write_inference_yml(trained.config, trained.algorithm, trained.dictionary, work)
    save_onnx(work, trained.dictionary)
    if old_names:
        save_paddle2(trained.model, shape, work / PADDLE2)


def _as_served(preprocess: Preprocess) -> Preprocess:
    """Returns what a server will read from the bundle."""
    return Preprocess.from_dict(json.loads(json.dumps(preprocess.to_dict())))


def _check_weights(trained: TrainedModel, expected: str) -> None:
    if expected and trained.digest != expected:
        raise CheckpointError(
            "weights",
            f"SHA-256 {trained.digest}, but {expected} were evaluated",
            "Export the checkpoint that was evaluated, or evaluate this one",
        )


def check_of_run(run_dir: str | Path, name: str) -> None:
    """Raises a `CheckpointError` where a checkpoint was not written by the run's training."""
    prefix = Path(run_dir) / name
    if prefix.with_name(f"{name}.pdparams").exists() and not checkpoints.exists(prefix):
        raise CheckpointError(
            f"{prefix}.json",
            "missing, so nothing says that these weights come from this run",
            "Restore the file; to export weights of elsewhere, name them in a configuration: "
            "ocr export -c FILE -o Global.checkpoints=PREFIX",
        )


def _own_samples(config: Config) -> Dataset:
    """Opens the validation set; what was learnt from where there is none."""
    return open_dataset(config.eval if config.eval.dataset.named else config.train)


def _spread_images(dataset: Dataset) -> dict[str, bytes]:
    """Picks images of all widths; those that cannot be read are evaluation's to report."""
    images = {}
    for position in evenly_sampled(dataset.sizes, NUM_IMAGES):
        try:
            sample = dataset.sample(position)
        except UserError:
            continue
        images[f"{position} ({sample.name})"] = sample.image
    return images


def _info(
    trained: TrainedModel, metrics: Mapping[str, Any], lineage: Mapping[str, str]
) -> dict[str, Any]:
    """Returns what the bundle says of itself; no time of day, so that equal exports are equal."""
    return {
        "model_name": trained.config.global_.model_name or DEFAULT_MODEL_NAME,
        "decoder": trained.algorithm.name,
        "metrics": dict(metrics),
        "lineage": dict(lineage),
        "digests": {"weights": trained.digest, "code": _code_digest()},
        "versions": {
            "ocr_lib": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in VERSIONS},
        },
        "config": trained.config.as_dict(),
    }


def _code_digest() -> str:
    """Returns a digest of this package's own source: it decodes, resizes and reads."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()} {sha256_file(path)}\n".encode())
    return digest.hexdigest()
