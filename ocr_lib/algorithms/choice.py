"""Which networks and algorithms a configuration means."""

from collections.abc import Iterator, Mapping
from typing import Any

from ocr_lib.algorithms.algorithm import RecognitionAlgorithm
from ocr_lib.algorithms.records import BY_HEAD, BY_POST_PROCESS
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError
from ocr_lib.nearest import nearest

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


def algorithm_of(config: Config) -> RecognitionAlgorithm:
    """Returns the algorithm of the network that reads, which PostProcess names.

    Raises:
        ConfigError: that network's head needs another one.
    """
    algorithm = BY_POST_PROCESS[config.postprocess.name]
    head = head_name(networks_of(config.architecture)[reading_network(config)])
    needed = BY_HEAD.get(head, algorithm)  # a head of the user's own is read as PostProcess says
    if needed is not algorithm:
        cause = f"is {config.postprocess.name}, which does not read {head}"
        raise ConfigError("PostProcess.name", cause, f"Write {needed.post_process}")
    return algorithm


def head_name(network: Mapping[str, Any]) -> str:
    """Returns the name of a network's head."""
    return str((network.get("Head") or {}).get("name"))


def head_names(network: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of a network's heads, those of a multi-head for itself."""
    head = network.get("Head") or {}
    for entry in head.get("head_list") or [{head.get("name"): None}]:
        yield from map(str, entry)
