"""Which of a configuration's networks reads in the end, and how its output becomes text."""

from collections.abc import Mapping
from typing import Any

from ocr_lib.config.schema import Config
from ocr_lib.config.spot import nearest
from ocr_lib.errors import ConfigError

# PostProcess.name → decoder (`ocr_lib.text.decoders`).
_DECODERS = {
    "CTCLabelDecode": "ctc",
    "DistillationCTCLabelDecode": "ctc",
    "AttnLabelDecode": "attention",
    "SARLabelDecode": "sar",
    "DistillationSARLabelDecode": "sar",
    "NRTRLabelDecode": "nrtr",
}
_HEADS = {
    "CTCHead": "ctc",
    "MultiHead": "ctc",
    "AttentionHead": "attention",
    "SARHead": "sar",
    "Transformer": "nrtr",
}
DEFAULT_STUDENT = "Student"


def networks_of(architecture: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Returns the networks of an Architecture block by name; a single one has the name ""."""
    return dict(architecture["Models"]) if "Models" in architecture else {"": architecture}


def reading_network(config: Config) -> str:
    """Returns the name of the network that is evaluated; "" where there is only one.

    Source: PaddleOCR's DistillationMetric, whose `key` names it.

    Raises:
        ConfigError: there is no network of that name.
    """
    networks = networks_of(config.architecture)
    if "" in networks:
        return ""
    name = str(config.metric.args.get("key", DEFAULT_STUDENT))
    if name not in networks:
        raise ConfigError("Metric.key", f"there is no network {name!r}", nearest(name, networks))
    return name


def decoder_of(config: Config) -> str:
    """Returns the name of the decoder that PostProcess asks for.

    Raises:
        ConfigError: the head of the network that reads needs another one.
    """
    decoder = _DECODERS[config.postprocess.name]
    network = networks_of(config.architecture)[reading_network(config)]
    head = str((network.get("Head") or {}).get("name"))
    needed = _HEADS.get(head, decoder)  # a head of the user's own is read as PostProcess says
    if needed != decoder:
        right = next(name for name, found in _DECODERS.items() if found == needed)
        cause = f"is {config.postprocess.name}, which does not read {head}"
        raise ConfigError("PostProcess.name", cause, f"Write {right}")
    return decoder
