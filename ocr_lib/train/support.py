"""What a configuration asks for and this trainer does not do: refused, or said plainly."""

from collections.abc import Iterator

from ocr_lib.config.geometry import has_ctc
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError


def refuse_untrainable(config: Config) -> None:
    """Raises where training would not learn what the configuration describes.

    Raises:
        ConfigError: several networks (distillation), or a network without a CTC head.
    """
    if "Models" in config.architecture:
        raise ConfigError(
            "Architecture.Models",
            "training several networks together (distillation) is not available in this version",
            "train one network: write its Transform, Backbone, Neck and Head under Architecture",
        )
    if not has_ctc(config.architecture):
        head = config.architecture.get("Head", {}).get("name")
        raise ConfigError(
            "Architecture.Head.name",
            f"training a {head} alone is not available in this version",
            "use CTCHead, or MultiHead with CTCHead first",
        )


def not_applied(config: Config) -> Iterator[str]:
    """Yields one sentence for each wish that changes speed or batches and is not followed."""
    settings, sampler = config.global_, config.train.sampler
    if settings.use_amp:
        yield "Global.use_amp is not applied: training runs in float32"
    if settings.use_sync_bn or settings.distributed:
        yield "Global.distributed and use_sync_bn are not applied: training runs in one process"
    if sampler is not None:
        yield f"Train.sampler {sampler.name} is not applied: batches are formed by padded width"
