"""From a foreign recogniser to weights of this project's network that compute the same."""

import importlib.metadata
from collections.abc import Iterator, Sequence
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
from ocr_lib.converters.drawn_lines import drawn_lines
from ocr_lib.converters.exported_model import ExportedModel, read_exported_model
from ocr_lib.converters.layout import CONFIG, RECORD, WEIGHTS
from ocr_lib.converters.reparameterization import split_branches
from ocr_lib.converters.source import open_model_source
from ocr_lib.converters.target_networks import TargetNetwork, known_networks, network_of
from ocr_lib.converters.weight_matching import MismatchError, match_weights
from ocr_lib.converters.weighted_layers import graph_orders, weighted_layers
from ocr_lib.converters.weighted_ops import Array
from ocr_lib.data.image import Image, Preprocess, default_buckets
from ocr_lib.errors import ImportModelError
from ocr_lib.export.paddle_format import merge_branches
from ocr_lib.models import build_model
from ocr_lib.training import forward_of
from ocr_lib.training.bn_recalibration import recalibrate
from ocr_lib.training.weights import save_weights

HEIGHT = 48  # px, of all networks that can be imported
MAX_ABS_DIFF = 1e-4
MAX_ROUNDING_DIFF = 1e-3  # whatever the original differs by from itself
ROUNDING = 3.0  # times what the original differs by from itself, computed in another order
MAX_LINES = 64  # that statistics and comparison use
TEMPLATE = "finetune_cpu"
# Backbone → highest learning rate, where the template's loses more than it learns: every layer of
# PP-LCNetV4 has a batch norm.
MAX_LR = {"PPLCNetV4": 2e-4}


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        out_dir: the folder that was written.
        network: what the graph turned out to be.
        parameters: of the network, without statistics.
        characters: of its dictionary.
        max_abs_diff: largest difference of a probability, imported network and original.
        allowed: the largest that would have been taken for rounding.
        lines: how many lines that was measured on.
    """

    out_dir: Path
    network: str
    parameters: int
    characters: int
    max_abs_diff: float
    allowed: float
    lines: int


@dataclass(frozen=True)
class _Identified:
    """The network that a graph is.

    Attributes:
        network: it.
        branched: whether the graph has the branches that it trains with.
        arrays: parameter and buffer name → array.
        folded: the norms that were folded away.
    """

    network: TargetNetwork
    branched: bool
    arrays: dict[str, Array]
    folded: list[str]


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
        full: with the branches that PP-LCNetV3 and v4 are trained with, in place of one
            convolution.
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
        identified = _identify(foreign, networks)
        architecture, model = _rebuild(foreign, identified, tensors, full)
        max_abs_diff, allowed = _compare(foreign, model, tensors)
    imported = Imported(
        out_dir=out_dir,
        network=identified.network.name,
        parameters=sum(int(np.prod(p.shape)) for p in model.parameters()),
        characters=len(foreign.dictionary.characters),
        max_abs_diff=max_abs_diff,
        allowed=allowed,
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


def _identify(foreign: ExportedModel, networks: Sequence[TargetNetwork]) -> _Identified:
    """Finds the network that the graph is, fused or with its branches.

    Raises:
        ImportModelError: it is none of them.
    """
    nearest, complaint = -1.0, ""
    for network, architecture in _forms(networks):
        classes = foreign.dictionary.num_classes
        model = build_model(architecture, classes, network.allowed_parts)
        for slots in graph_orders(weighted_layers(model, foreign.channels, HEIGHT)):
            try:
                arrays, folded = match_weights(slots, foreign.steps)
            except MismatchError as mismatch:
                share = mismatch.fitted / len(slots)
                if share > nearest:
                    place = f"layer {mismatch.fitted + 1} of {len(slots)}"
                    nearest, complaint = share, f"nearest is {network.name}, up to {place}"
                    complaint += f": {mismatch.cause}"
            else:
                branched = architecture is not network.architecture
                return _Identified(network, branched, arrays, folded)
    raise ImportModelError(
        foreign.source.name,
        f"its {len(foreign.steps)} weighted operations are none of "
        f"{', '.join(network.name for network in networks)}; {complaint}",
        "Import one of these, or name the configuration of its network with --config",
    )


def _forms(networks: Sequence[TargetNetwork]) -> Iterator[tuple[TargetNetwork, dict[str, Any]]]:
    """Yields each network with its Architecture blocks: fused, and with its branches."""
    for network in networks:
        for architecture in (network.architecture, network.unfused()):
            if architecture is not None:
                yield network, architecture


def _rebuild(
    foreign: ExportedModel, identified: _Identified, tensors: Sequence[Array], full: bool
) -> tuple[dict[str, Any], Any]:
    """Builds the network to be trained and fills it; returns its Architecture block, too."""
    network = identified.network
    branched = network.unfused()
    if full and branched is None:
        cause = f"{network.name} has no branches, so there is one form of it"
        raise ImportModelError("--full", cause, "Leave it out")
    paddle.seed(0)
    built = branched if full or identified.branched else network.architecture
    assert built is not None
    model = build_model(built, foreign.dictionary.num_classes, network.allowed_parts)
    norms = [*identified.folded]
    if full and not identified.branched:
        norms += split_branches(model, identified.arrays)
    else:
        state = model.state_dict()
        for name, array in identified.arrays.items():
            state[name].set_value(array)
    if norms:
        recalibrate(model, frozenset(norms), tensors)
    model.eval()
    if not full:
        merge_branches(model)
    return built if full else network.architecture, model


def _compare(
    foreign: ExportedModel, model: nn.Layer, tensors: Sequence[Array]
) -> tuple[float, float]:
    """Returns the largest difference of a probability, and which would have been allowed.

    On lines that a network is unsure of, the order of rounding alone changes a probability by more
    than 1e-4. Where the difference is larger, the original is therefore computed in another order,
    too, and may differ from the imported network by thrice as much as from itself, up to
    `MAX_ROUNDING_DIFF`.

    Raises:
        ImportModelError: it is above what rounding explains, or an answer is not finite.
    """
    original, imported = foreign.forward(), forward_of(model)
    max_abs_diff = 0.0
    for tensor in tensors:
        expected, actual = original(tensor), imported(tensor)
        if expected.shape != actual.shape:
            cause = f"the original answers {expected.shape}, the imported network {actual.shape}"
            raise _different(foreign, cause)
        for name, answer in (("original", expected), ("imported network", actual)):
            if not np.isfinite(answer).all():
                cause = f"the {name} answers with values that are not finite"
                raise ImportModelError(foreign.source.name, cause, "Check the model's weights")
        max_abs_diff = max(max_abs_diff, _largest(expected, actual))
    if max_abs_diff <= MAX_ABS_DIFF:
        return max_abs_diff, MAX_ABS_DIFF
    reordered = foreign.forward(optimised=True)
    allowed = allowed_diff(max(_largest(original(x), reordered(x)) for x in tensors))
    if max_abs_diff > allowed:
        cause = f"probabilities differ by {max_abs_diff:.2g}, allowed is {allowed:.2g}"
        raise _different(foreign, cause)
    return max_abs_diff, allowed


def allowed_diff(rounding: float) -> float:
    """Returns the largest difference of a probability that is taken for rounding.

    Args:
        rounding: what the original differs by from itself, computed in another order.
    """
    return min(max(MAX_ABS_DIFF, ROUNDING * rounding), MAX_ROUNDING_DIFF)


def _largest(expected: Array, actual: Array) -> float:
    return float(np.nan_to_num(np.abs(expected - actual), nan=np.inf).max())


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
                "parity": {
                    "max_abs_diff": imported.max_abs_diff,
                    "allowed": imported.allowed,
                    "lines": imported.lines,
                },
                "versions": {
                    name: importlib.metadata.version(name) for name in ("paddlepaddle", "onnx")
                },
            },
        )


def _config(out_dir: Path, architecture: dict[str, Any]) -> str:
    """A configuration that reads with the imported network, and from which to fine-tune it."""
    values = load_values(TEMPLATE)[0]
    values["Architecture"] = architecture
    if max_lr := MAX_LR.get(architecture["Backbone"]["name"]):
        values["Optimizer"]["lr"]["max_lr"] = max_lr
    values["Global"] |= {
        "pretrained_model": str(out_dir / WEIGHTS),
        "character_dict_path": str(out_dir / DICTIONARY),
    }
    return config_from_dict(values).to_yaml()
