"""The training transforms of a configuration as functions.

Decoding, label encoding, resizing and batching are done in one place each, for every use; of the
list of transforms only the augmentations are left to build.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts, import_part, is_custom
from ocr_lib.config.names import TRANSFORMS
from ocr_lib.config.reader import Part, read_block
from ocr_lib.config.spot import Spot, nearest
from ocr_lib.data.augment.base import Augmentation
from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.augment.light import LightAug
from ocr_lib.data.augment.rec_aug import BaseDataAugmentation, RecAug
from ocr_lib.data.augment.scene import ParseQRecAug, SVTRRecAug

Block = TypeVar("Block")

AUGMENTATIONS: Mapping[str, type[Augmentation]] = {
    "RecAug": RecAug,
    "BaseDataAugmentation": BaseDataAugmentation,
    "LightAug": LightAug,
    "SVTRRecAug": SVTRRecAug,
    "ParseQRecAug": ParseQRecAug,
}
WHERE = ("Train", "dataset", "transforms")


def build_augmentation(
    transforms: Sequence[Part], allowed_parts: AllowedParts = NO_PARTS
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
    steps = [_build(part, allowed_parts) for part in transforms if _is_augmentation(part)]
    return steps[0] if len(steps) == 1 else _Chain(tuple(steps))


def build_concatenation(transforms: Sequence[Part], max_text_length: int) -> RecConAug | None:
    """Returns what joins samples before they are augmented; None when nothing does.

    Args:
        transforms: `Train.dataset.transforms`.
        max_text_length: of `Global`; as in PaddleOCR it overrides the transform's own.

    Raises:
        ConfigError: an unknown argument, or a value out of range.
    """
    for part in transforms:
        if part.name == "RecConAug":
            args = {**part.args, "max_text_length": max_text_length}
            return _read(RecConAug, Part(part.name, args))
    return None


@dataclass(frozen=True)
class _Chain(Augmentation):
    """One step after the other; without steps the image as it is."""

    steps: tuple[Augmentation, ...]

    def __call__(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        for step in self.steps:
            image = step(image, rng)
        return image


def _is_augmentation(part: Part) -> bool:
    if part.name == "DecodeImage" and part.args.get("img_mode", "BGR") != "BGR":
        cause = f"is {part.args['img_mode']!r}; images are decoded to BGR everywhere"
        raise _spot(part).child("img_mode").error(cause, "Write BGR, or remove it")
    if part.name in AUGMENTATIONS or is_custom(part.name):
        return True
    if part.name not in TRANSFORMS:
        raise _spot(part).error("is not a known transform", nearest(part.name, TRANSFORMS))
    return False


def _build(part: Part, allowed_parts: AllowedParts) -> Augmentation:
    if not is_custom(part.name):
        return _read(AUGMENTATIONS[part.name], part)
    spot = _spot(part)
    base = Augmentation
    custom = import_part(part.name, base, allowed_parts, str(spot))  # type: ignore[type-abstract]
    try:
        return custom(**part.args)
    except (TypeError, ValueError) as error:
        raise spot.error(f"cannot be built: {error}", "Check its arguments") from error


def _read(cls: type[Block], part: Part) -> Block:
    spot = _spot(part)
    block = read_block(cls, part.args, spot)
    for field in fields(cls):  # type: ignore[arg-type]
        value: Any = getattr(block, field.name)
        if field.name.endswith(("prob", "_p")) and not 0 <= value <= 1:
            raise spot.child(field.name).error(f"is {value}", "Give a probability, from 0 to 1")
    return block


def _spot(part: Part) -> Spot:
    return Spot((*WHERE, part.name), {})
