"""The training transforms of a configuration as functions.

Decoding, label encoding, resizing and batching are done in one place each, for every use; of the
list of transforms only the augmentations are left to build.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ocr_lib.algorithms import ALGORITHMS
from ocr_lib.config.component import Table, check_name, parse_component
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts, import_part, is_custom
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.data.augment.base import Augmentation
from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.augment.light import LightAug
from ocr_lib.data.augment.rec_aug import BaseDataAugmentation, RecAug
from ocr_lib.data.augment.scene import ParseQRecAug, SVTRRecAug
from ocr_lib.data.resize_ops import RESIZE_OPS


@dataclass(frozen=True)
class DecodeImage:
    """Decoding; images are decoded to BGR everywhere.

    Attributes:
        img_mode: must be BGR.
    """

    IGNORED: ClassVar = ("channel_first", "ignore_orientation")

    img_mode: str = "BGR"

    def __post_init__(self) -> None:
        if self.img_mode != "BGR":
            cause = f"is {self.img_mode!r}; images are decoded to BGR everywhere"
            raise FieldError(self, "img_mode", cause, "Write BGR, or remove it")


@dataclass(frozen=True)
class EncodeLabel:
    """Any of the label encoders: the heads of the network decide how labels are encoded."""

    IGNORED: ClassVar = (
        "max_text_length",
        "character_dict_path",
        "use_space_char",
        "gtc_encode",
    )


@dataclass(frozen=True)
class KeepKeys:
    """What PaddleOCR hands on of a sample; here a network gets what it asks for."""

    IGNORED: ClassVar = ("keep_keys",)


AUGMENTATIONS: Table = {
    "RecAug": RecAug,
    "BaseDataAugmentation": BaseDataAugmentation,
    "LightAug": LightAug,
    "SVTRRecAug": SVTRRecAug,
    "ParseQRecAug": ParseQRecAug,
}
TRANSFORMS: Table = {
    **AUGMENTATIONS,
    **RESIZE_OPS,
    **{algorithm.label_encoder: EncodeLabel for algorithm in ALGORITHMS.values()},
    "MultiLabelEncode": EncodeLabel,
    "DecodeImage": DecodeImage,
    "KeepKeys": KeepKeys,
    "RecConAug": RecConAug,
}
# Of algorithms that this project does not have.
OTHER_ALGORITHMS = frozenset(
    (
        *("ABINetLabelEncode", "ABINetRecAug", "ABINetRecResizeImg", "CANLabelEncode"),
        *("CPPDLabelEncode", "LatexOCRLabelEncode", "NormalizeImage", "PRENLabelEncode"),
        *("PRENResizeImg", "ParseQLabelEncode", "RFLLabelEncode", "RFLRecResizeImg"),
        *("RobustScannerRecResizeImg", "SATRNLabelEncode", "SEEDLabelEncode", "SPINLabelEncode"),
        *("SPINRecResizeImg", "SRNLabelEncode", "SRNRecResizeImg", "ToCHWImage"),
        *("UniMERNetLabelEncode", "VLLabelEncode", "VLRecResizeImg", "ViTSTRLabelEncode"),
    )
)
WHERE = ("Train", "dataset", "transforms")


def ignored_transform_keys(
    transforms: Sequence[ComponentConfig], where: str, max_text_length: int
) -> Iterator[str]:
    """Yields the transforms' arguments that a reader takes for effective, and that change nothing.

    Args:
        transforms: of a split.
        where: the key that holds them.
        max_text_length: Global's, which alone counts.
    """
    for part in transforms:
        if part.args.get("max_text_length", max_text_length) != max_text_length:
            yield f"{where}.{part.name}.max_text_length"
        if part.name in RESIZE_OPS and part.args.get("eval_mode"):
            yield f"{where}.{part.name}.eval_mode"


def build_augmentation(
    transforms: Sequence[ComponentConfig], allowed_parts: AllowedParts = NO_PARTS
) -> Augmentation:
    """Returns what is done to a decoded image uint8 BGR [H, W, 3] before it is resized.

    The function can be sent to another process, draws everything from the generator that it is
    given, and does not write to the image.

    Args:
        transforms: `Train.dataset.transforms`. Apart from PaddleOCR's names,
            `package.module:Class` names a subclass of `Augmentation`, which is built with the
            arguments given.
        allowed_parts: which of those may be imported.

    Raises:
        ConfigError: an unknown transform or argument, a value out of range, or a part that is not
            allowed.
    """
    built = [_build(part, allowed_parts) for part in transforms]
    steps = [step for step in built if isinstance(step, Augmentation)]
    return steps[0] if len(steps) == 1 else _Chain(tuple(steps))


def build_concatenation(
    transforms: Sequence[ComponentConfig], max_text_length: int
) -> RecConAug | None:
    """Returns what joins samples before they are augmented; None when nothing does.

    Args:
        transforms: `Train.dataset.transforms`.
        max_text_length: of `Global`; as in PaddleOCR it overrides the transform's own.

    Raises:
        ConfigError: an unknown argument, or a value out of range.
    """
    for part in transforms:
        if part.name == "RecConAug":
            concatenation: RecConAug = _parse(part)
            return replace(concatenation, max_text_length=max_text_length)
    return None


@dataclass(frozen=True)
class _Chain(Augmentation):
    """One step after the other; without steps the image as it is."""

    steps: tuple[Augmentation, ...]

    def __call__(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        for step in self.steps:
            image = step(image, rng)
        return image


def _build(part: ComponentConfig, allowed_parts: AllowedParts) -> Any:
    if not is_custom(part.name):
        return _parse(part)
    location = _location(part)
    base = Augmentation
    custom = import_part(part.name, base, allowed_parts, str(location))  # type: ignore[type-abstract]
    try:
        return custom(**part.args)
    except (TypeError, ValueError) as error:
        raise location.error(f"cannot be built: {error}", "Check its arguments") from error


def _parse(part: ComponentConfig) -> Any:
    check_name(TRANSFORMS, part.name, _location(part))
    return parse_component(TRANSFORMS, part, _location(part))


def _location(part: ComponentConfig) -> SourceLocation:
    return SourceLocation((*WHERE, part.name), {})
