"""From a foreign recogniser to weights of this project's network that compute the same."""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle import nn

from ocr_lib.atomic import atomic_directory, write_json, write_text
from ocr_lib.config.characters import DICTIONARY, write_dictionary
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.loader import config_from_dict, load_values
from ocr_lib.converters.bn_recalibration import recalibrate
from ocr_lib.converters.drawn_lines import drawn_lines
from ocr_lib.converters.exported_model import ExportedModel, read_exported_model
from ocr_lib.converters.layout import CONFIG, RECORD, WEIGHTS
from ocr_lib.converters.reparameterization import split_branches
from ocr_lib.converters.source import open_model_source
from ocr_lib.converters.target_networks import TargetNetwork, known_networks, network_of
from ocr_lib.converters.weight_matching import MismatchError, match_weights
from ocr_lib.converters.weighted_layers import weighted_layers
from ocr_lib.converters.weighted_ops import Array
from ocr_lib.data.image import Image, Preprocess, default_buckets
from ocr_lib.errors import ImportModelError
from ocr_lib.models import build_model
from ocr_lib.training import forward_of
from ocr_lib.training.weights import save_weights

HEIGHT = 48  # px, of all networks that can be imported
MAX_ABS_DIFF = 1e-4
MAX_LINES = 64  # that statistics and comparison use
TEMPLATE = "finetune_cpu"


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        out_dir: the folder that was written.
        network: what the graph turned out to be.
        parameters: of the network, without statistics.
        characters: of its dictionary.
        max_abs_diff: largest difference of a probability, imported network and original.
        lines: how many lines that was measured on.
    """

    out_dir: Path
    network: str
    parameters: int
    characters: int
    max_abs_diff: float
    lines: int


def import_model(
    source: Path,
    out_dir: Path,
    *,
    full: bool = False,
    images: Sequence[Image] = (),
    dictionary: str | None = None,
    config: str | None = None,
    allowed_parts: AllowedParts = NO_PARTS,
) -> Imported:
    """Writes a foreign recogniser as weights, dictionary and configuration of this project.

    Args:
        source: an ONNX file, a Paddle inference folder, or a wheel that holds one.
        out_dir: gets `weights.pdparams`, `dictionary.txt`, `config.yml` and `import.json`; an
            older one is replaced.
        full: with the branches that PP-LCNetV3 is trained with, in place of one convolution.
        images: lines to compare on, and to take statistics from where norms were folded away;
            uint8 BGR [H, W, 3]. Without any, lines are drawn.
        dictionary: its characters, where the model does not say them.
        config: the network's configuration, where it is none of the known ones.
        allowed_parts: custom parts that this configuration may name.

    Raises:
        ImportModelError: it cannot be read, is another network, or computes something else.
    """
    networks = [network_of(config, config, allowed_parts)] if config else known_networks()
    with open_model_source(source) as opened:
        foreign = read_exported_model(opened, dictionary)
        lines = list(images[:MAX_LINES]) or drawn_lines(foreign.dictionary.characters)
        tensors = _tensors(lines, foreign.channels)
        network, arrays, folded = _identify(foreign, networks)
        architecture, model = _rebuild(foreign, network, arrays, folded, tensors, full)
        gap = _compare(foreign, model, tensors)
    imported = Imported(
        out_dir=out_dir,
        network=network.name,
        parameters=sum(int(np.prod(p.shape)) for p in model.parameters()),
        characters=len(foreign.dictionary.characters),
        max_abs_diff=gap,
        lines=len(lines),
    )
    _write(imported, foreign, architecture, model, full)
    return imported


def _tensors(lines: Sequence[Image], channels: int) -> list[Array]:
    """Each line as a network's input of its own width."""
    preprocess = Preprocess(HEIGHT, default_buckets(HEIGHT), channels)
    return [
        preprocess.batch([preprocess.fit(line)], preprocess.bucket(line.shape[1], line.shape[0]))
        for line in lines
    ]


def _identify(
    foreign: ExportedModel, networks: Sequence[TargetNetwork]
) -> tuple[TargetNetwork, dict[str, Array], list[str]]:
    """Returns the network that the graph is, with its arrays and the norms that were folded."""
    nearest, complaint = -1.0, ""
    for network in networks:
        classes = foreign.dictionary.num_classes
        model = build_model(network.architecture, classes, network.allowed_parts)
        slots = weighted_layers(model, foreign.channels, HEIGHT)
        try:
            return network, *match_weights(slots, foreign.steps)
        except MismatchError as mismatch:
            share = mismatch.fitted / len(slots)
            if share > nearest:
                place = f"layer {mismatch.fitted + 1} of {len(slots)}"
                nearest, complaint = share, f"nearest is {network.name}, up to {place}"
                complaint += f": {mismatch.cause}"
    raise ImportModelError(
        foreign.source.name,
        f"its {len(foreign.steps)} weighted operations are none of "
        f"{', '.join(network.name for network in networks)}; {complaint}",
        "Import one of these, or name the configuration of its network with --config",
    )


def _rebuild(
    foreign: ExportedModel,
    network: TargetNetwork,
    arrays: dict[str, Array],
    folded: Sequence[str],
    tensors: Sequence[Array],
    full: bool,
) -> tuple[dict[str, Any], Any]:
    """Builds the network to be trained and fills it; returns its Architecture block, too."""
    architecture = network.unfused() if full else network.architecture
    if architecture is None:
        cause = f"{network.name} has no branches, so there is one form of it"
        raise ImportModelError("--full", cause, "Leave it out")
    paddle.seed(0)
    model = build_model(architecture, foreign.dictionary.num_classes, network.allowed_parts)
    norms = [*folded]
    if full:
        norms += split_branches(model, arrays)
    else:
        state = model.state_dict()
        for name, array in arrays.items():
            state[name].set_value(array)
    if norms:
        recalibrate(model, frozenset(norms), tensors)
    model.eval()
    return architecture, model


def _compare(foreign: ExportedModel, model: nn.Layer, tensors: Sequence[Array]) -> float:
    """Returns the largest difference of a probability.

    Raises:
        ImportModelError: it is above what rounding explains.
    """
    original, imported = foreign.forward(), forward_of(model)
    gap = 0.0
    for tensor in tensors:
        expected, actual = original(tensor), imported(tensor)
        if expected.shape != actual.shape:
            cause = f"the original answers {expected.shape}, the imported network {actual.shape}"
            raise _different(foreign, cause)
        gap = max(gap, float(np.nan_to_num(np.abs(expected - actual), nan=np.inf).max()))
    if gap > MAX_ABS_DIFF:
        raise _different(foreign, f"probabilities differ by {gap:.2g}, allowed is {MAX_ABS_DIFF:g}")
    return gap


def _different(foreign: ExportedModel, cause: str) -> ImportModelError:
    return ImportModelError(
        foreign.source.name,
        f"its weights fit, but the network computes something else: {cause}",
        "Its operators differ from the network's in what has no weights; name the configuration "
        "of its network with --config",
    )


def _write(
    imported: Imported,
    foreign: ExportedModel,
    architecture: dict[str, Any],
    model: nn.Layer,
    full: bool,
) -> None:
    """Writes the folder, whole or not at all."""
    out_dir = imported.out_dir
    with atomic_directory(out_dir) as work:
        save_weights(work / f"{WEIGHTS}.pdparams", model.state_dict())
        write_dictionary(foreign.dictionary, work)
        write_text(work / CONFIG, _config(out_dir, architecture))
        write_json(
            work / RECORD,
            {
                "source": {"name": foreign.source.name, "sha256": foreign.source.sha256},
                "network": imported.network,
                "form": "full" if full else "fused",
                "parameters": imported.parameters,
                "characters": imported.characters,
                "dictionary": foreign.dictionary.digest,
                "parity": {"max_abs_diff": imported.max_abs_diff, "lines": imported.lines},
                "versions": {
                    name: importlib.metadata.version(name) for name in ("paddlepaddle", "onnx")
                },
            },
        )


def _config(out_dir: Path, architecture: dict[str, Any]) -> str:
    """A configuration that reads with the imported network, and from which to fine-tune it."""
    values = load_values(TEMPLATE)[0]
    values["Architecture"] = architecture
    values["Global"] |= {
        "pretrained_model": str(out_dir / WEIGHTS),
        "character_dict_path": str(out_dir / DICTIONARY),
    }
    return config_from_dict(values).to_yaml()
