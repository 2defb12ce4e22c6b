"""What a configuration asks for and this trainer does not do: refused, or said plainly."""

from ocr_lib.config.reading import decoder_of, networks_of
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError

# Head → the argument that says how many characters it writes, with its default.
_LENGTHS = {
    "AttentionHead": ("max_text_length", 25),
    "SARHead": ("max_text_length", 30),
    "Transformer": ("max_len", 25),
}


def refuse_untrainable(config: Config) -> None:
    """Raises where training would not learn what the configuration describes.

    Raises:
        ConfigError: the head and PostProcess do not fit, or a head writes less than the labels
            have.
    """
    decoder_of(config)
    length = config.global_.max_text_length
    for name, network in networks_of(config.architecture).items():
        head = network.get("Head") or {}
        if head.get("name") not in _LENGTHS:
            continue
        key, default = _LENGTHS[head["name"]]
        steps = int(head.get(key, default))
        if steps < length or (head["name"] == "AttentionHead" and steps != length):
            where = f"Architecture.Models.{name}" if name else "Architecture"
            raise ConfigError(
                f"{where}.Head.{key}",
                f"is {steps}, and Global.max_text_length {length}",
                f"Write {length} there",
            )
