"""From encoded bytes to a network's input: the one preprocessing that everything shares.

Training, evaluation, prediction and the server all decode, resize, normalise and pad here. The
padded width of an image is a function of that image alone (its bucket), so what a network reads
in it never depends on the images that happen to share its batch.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data import lanczos
from ocr_lib.data.colour import Image
from ocr_lib.data.decode import decode_image
from ocr_lib.data.resize_ops import read_resize_op
from ocr_lib.errors import ConfigError
from ocr_lib.opencv import cv2

if TYPE_CHECKING:  # Triton has no YAML, and reads no configuration
    from ocr_lib.config.schema import Config

__all__ = ["Image", "Preprocess", "decode_image", "default_buckets"]

BUCKET_RATIOS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20)  # padded width : height
CHUNK = 1 << 20  # images whose widths are worked out at a time
TALL = 1.5  # height : width from which a line is tall: PaddleOCR's get_rotate_crop_image
BUCKET_STEP = 16  # px; the networks shrink a line's width by 4 or 8

# Grey value → network input, by `Preprocess.scale`. The first is (x / 255 - 0.5) / 0.5 in float32,
# rounded as PaddleOCR's three operations round it; NRTR's is x / 128 - 1.
SCALES = {
    "half": (np.arange(256, dtype=np.float32) / np.float32(255) - np.float32(0.5)) * np.float32(2),
    "128": np.arange(256, dtype=np.float32) / np.float32(128) - np.float32(1),
}


def default_buckets(height: int) -> tuple[int, ...]:
    """Returns the padded widths, ascending, in px, for lines of `height` px: 2:1 to 20:1.

    Few, so that every width is planned and warmed once; close enough for little padding.
    """
    widths = {-(-height * ratio // BUCKET_STEP) * BUCKET_STEP for ratio in BUCKET_RATIOS}
    return tuple(sorted(widths))


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes a network's input; stored with every exported model.

    Attributes:
        height: px that every line is resized to.
        buckets: padded widths in px, ascending. A single one is PaddleOCR's fixed width.
        channels: 3 = BGR, 1 = grey.
        keep_ratio: False squeezes or stretches every image to the only bucket's width, as
            PaddleOCR's `padding: False` does.
        min_width: px; narrower images are stretched to it.
        width_step: widths are rounded to the nearest multiple, px.
        filter: what resizes: "linear" (OpenCV) or "lanczos" (Pillow's, of grey images).
        scale: how grey values become numbers: "half" (-1…1) or "128" (x / 128 - 1).
        turn_tall: images at least 1.5 times as high as wide are turned by 90° counterclockwise, as
            PaddleOCR turns what its text detection cuts out; their text runs from top to bottom.

    Source: PaddleOCR `RecResizeImg`, `SVTRRecResizeImg`, `GrayRecResizeImg`, `SARRecResizeImg`:
    equal numbers for a single bucket. Where there are several, an image gets the smallest that
    holds it, where PaddleOCR squeezes it to one width in evaluation and lets it grow in prediction.
    """

    height: int
    buckets: tuple[int, ...]
    channels: int = 3
    keep_ratio: bool = True
    min_width: int = 1
    width_step: int = 1
    filter: str = "linear"
    scale: str = "half"
    turn_tall: bool = False

    def __post_init__(self) -> None:
        if not self.buckets or list(self.buckets) != sorted({w for w in self.buckets if w > 0}):
            raise ConfigError(
                "Global.width_buckets",
                f"{list(self.buckets)} are not ascending widths in px",
                "Give each width once, smallest first, for example [96, 160, 320]",
            )
        if self.channels not in (1, 3) or self.height < 1:
            raise ConfigError(
                "RecResizeImg.image_shape",
                f"{self.channels} channels and height {self.height} are not accepted",
                "Give [3 or 1, height, width]",
            )
        if self.filter not in ("linear", "lanczos") or self.scale not in SCALES:
            raise ConfigError(
                "preprocess", f"{self.filter} and {self.scale} are not known", "Export it again"
            )
        if not self.keep_ratio and len(self.buckets) > 1:
            raise ConfigError(
                "Global.width_buckets",
                "the transform's padding: False stretches every image to one width",
                "Remove width_buckets or padding: False",
            )

    @classmethod
    def from_config(cls, config: "Config") -> "Preprocess":
        """Reads the Eval transforms' resize operation and `Global.width_buckets`.

        Raises:
            ConfigError: no resize operation, or a wrong shape.
        """
        return cls(**read_resize_op(config))

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        values = asdict(self) | {"buckets": list(self.buckets)}
        if not self.turn_tall:  # bundles of 0.1 do not have it
            del values["turn_tall"]
        return values

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Preprocess":
        """Rebuilds what `to_dict` returned."""
        return cls(**value | {"buckets": tuple(value["buckets"])})

    def turned(self, image: Image) -> Image:
        """Returns an image that is not tall: turned where it is and this asks for it."""
        if self.turn_tall and image.shape[0] >= TALL * image.shape[1]:
            return np.ascontiguousarray(np.rot90(image))
        return image

    def turned_sizes(self, sizes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Returns the sizes of images after `turned`: (width, height), int32 [N, 2]."""
        if not self.turn_tall:
            return sizes
        tall = sizes[:, 1] >= TALL * sizes[:, 0]
        return np.where(tall[:, None], sizes[:, ::-1], sizes)

    def resized_width(self, width: int, height: int) -> int:
        """Returns the width in px that an image of this size is resized to."""
        if self.turn_tall and height >= TALL * width:
            width, height = height, width
        if not self.keep_ratio:
            return self.buckets[-1]
        # The order of operations is PaddleOCR's: H * w / h can round to another pixel.
        scaled = math.ceil(self.height * (width / height))
        scaled = round(scaled / self.width_step) * self.width_step
        return min(self.buckets[-1], max(self.min_width, scaled))

    def bucket(self, width: int, height: int) -> int:
        """Returns the padded width in px of an image of this size."""
        return self.buckets[bisect.bisect_left(self.buckets, self.resized_width(width, height))]

    def buckets_of(self, sizes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Returns `bucket` of many images: sizes int32 [N, 2] (width, height) → int32 [N]."""
        if not self.keep_ratio:
            return np.full(len(sizes), self.buckets[-1], np.int32)
        if len(sizes) > CHUNK:  # what it takes in between is four times the result
            parts = range(0, len(sizes), CHUNK)
            return np.concatenate([self.buckets_of(sizes[at : at + CHUNK]) for at in parts])
        sizes = self.turned_sizes(sizes)
        widths = np.ceil(self.height * (sizes[:, 0] / sizes[:, 1]))
        widths = np.maximum(self.min_width, np.rint(widths / self.width_step) * self.width_step)
        buckets = np.asarray(self.buckets, np.int32)
        indices = np.searchsorted(buckets, np.minimum(widths, buckets[-1]))
        return np.asarray(buckets[indices], np.int32)

    def fit(self, image: Image, max_width: int | None = None) -> Image:
        """Resizes one decoded image to uint8 [height, w, channels]; nothing is padded.

        Args:
            image: uint8 BGR [H, W, 3] or grey [H, W].
            max_width: px; wider results are squeezed to it. The widest bucket by default.
        """
        image = self.turned(image)
        rows, columns = image.shape[:2]
        width = self.resized_width(columns, rows)
        if max_width is not None:
            width = min(width, max_width)
        colour = image.ndim == 3 and image.shape[2] == 3
        if self.channels == 1 and colour:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        elif self.channels == 3 and not colour:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        if self.filter == "lanczos":
            resized = lanczos.resize(image.reshape(rows, columns), width, self.height)
        else:
            resized = np.asarray(cv2.resize(image, (width, self.height)), np.uint8)
        return resized.reshape(self.height, width, self.channels)

    def batch(self, images: Sequence[Image], width: int) -> NDArray[np.float32]:
        """Scales fitted images to -1…1 and pads them on the right with 0 (mid-grey).

        Args:
            images: uint8 [height, w, channels] each, w <= `width`, as `fit` returns them.
            width: px, the padded width.

        Returns:
            float32 [N, channels, height, width].
        """
        table = SCALES[self.scale]
        out = np.empty((len(images), self.channels, self.height, width), np.float32)
        for row, image in zip(out, images, strict=True):
            used = image.shape[1]
            # A table look-up and one strided copy: half the time of the arithmetic.
            row[:, :, :used] = cv2.LUT(image, table).reshape(image.shape).transpose(2, 0, 1)
            row[:, :, used:] = 0.0
        return out
