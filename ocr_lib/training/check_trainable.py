"""What a configuration asks for and this trainer does not do: refused, or said plainly."""

from ocr_lib.algorithms import BY_HEAD
from ocr_lib.algorithms.choice import algorithm_of, head_name, networks_of
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError


def check_trainable(config: Config) -> None:
    """Raises where training would not learn what the configuration describes.

    Raises:
        ConfigError: the head and PostProcess do not fit, or a head writes less than the labels
            have.
    """
    algorithm_of(config)
    length = config.global_.max_text_length
    for name, network in networks_of(config.architecture).items():
        algorithm = BY_HEAD.get(head_name(network))
        limit = algorithm.length_limit if algorithm else None
        if limit is None:
            continue
        steps = int(network["Head"].get(limit.key, limit.default))
        if steps < length or (limit.exact and steps != length):
            where = f"Architecture.Models.{name}" if name else "Architecture"
            raise ConfigError(
                f"{where}.Head.{limit.key}",
                f"is {steps}, and Global.max_text_length {length}",
                f"Write {length} there",
            )
