"""Batches of several image sizes: PP-OCRv4 is trained on lines of three heights.

Source: PaddleOCR ppocr/data/multi_scale_sampler.py: same sizes, same numbers of samples, a short
last batch filled up with the first samples. There the members of a batch are drawn once for the
whole training; here every epoch draws its own, as a function of seed and epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.checks import above, at_least
from ocr_lib.config.component import Table, parse_component
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import UNWRITTEN
from ocr_lib.config.schema import SplitConfig
from ocr_lib.data.loading.batches import EpochPlan

Pair = tuple[int, int]


@dataclass(frozen=True)
class MultiScale:
    """The arguments of `Train.sampler: {name: MultiScaleSampler}`.

    Attributes:
        scales: width and height of batches, px.
        first_bs: samples in a batch of the first scale.
        fix_bs: as many in the others; False: as many as have equally many pixels.
        divided_factor: widths and heights are rounded down to multiples of these.
        is_training: False takes the first scale only, as it stands.
        max_w: largest width in px, with `ds_width`.
        ds_width: the dataset's: lines of like shape go together, and a batch is as wide as its
            widest line (PaddleOCR: as the mean of them, and squeezes the wider half).
    """

    IGNORED: ClassVar = ("ratio_wh", "seed")  # as in PaddleOCR; the run's seed decides

    scales: tuple[int | Pair, ...] = field(
        metadata={"form": "[width, height] in px for each scale"}
    )
    first_bs: int = 128
    fix_bs: bool = True
    divided_factor: Pair = (8, 16)
    is_training: bool = True
    max_w: float = 480.0
    ds_width: bool = field(default=False, metadata=UNWRITTEN)

    def __post_init__(self) -> None:
        at_least(self, 1, "first_bs")
        above(self, 0, "max_w")
        pairs = self.pairs
        if not pairs or any(min(pair) < 1 for pair in pairs):
            cause = f"is {list(self.scales)}"
            raise FieldError(self, "scales", cause, "Write [width, height] in px for each scale")
        for size, factor in zip(zip(*pairs, strict=True), self.divided_factor, strict=True):
            if factor < 1 or min(size) < factor:
                cause = f"is {list(self.divided_factor)}, and a scale is smaller"
                raise FieldError(self, "divided_factor", cause, "Write smaller numbers")

    @classmethod
    def of(cls, split: SplitConfig) -> "MultiScale | None":
        """Reads the sampler of a split; None where it has none.

        Raises:
            ConfigError: an argument is wrong.
        """
        if split.sampler is None:
            return None
        location = SourceLocation(("Train", "sampler"), {})
        parsed: MultiScale = parse_component(SAMPLERS, split.sampler, location)
        return replace(parsed, ds_width=split.dataset.ds_width)

    @property
    def pairs(self) -> list[Pair]:
        """Width and height in px of each scale; one number stands for both."""
        return [(scale, scale) if isinstance(scale, int) else scale for scale in self.scales]

    @property
    def batch_sizes(self) -> list[tuple[int, int, int]]:
        """Width and height in px and the number of samples, of each scale."""
        width, height = self.pairs[0]
        if not self.is_training:
            return [(width, height, self.first_bs)]
        pixels = width * height * self.first_bs
        across, down = self.divided_factor
        sizes = [(w // across * across, h // down * down) for w, h in self.pairs]
        return [
            (w, h, self.first_bs if self.fix_bs else max(1, int(pixels / (h * w))))
            for w, h in sizes
        ]

    def image_sizes(self) -> list[Pair]:
        """Returns every height and padded width that a batch can have, px."""
        if not self.ds_width:
            return [(h, w) for w, h, _ in self.batch_sizes]
        heights = sorted({h for _, h, _ in self.batch_sizes})
        return [(h, w) for h in heights for w in range(h, self._widest(h) + 1, h)]

    def least_widths(self, sizes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Returns the narrowest that each image can be padded to: int32 [N, 2] → int32 [N].

        Args:
            sizes: width and height of the images in px, at least 1.
        """
        if self.ds_width:
            widths = np.stack([self._padded_widths(sizes, h) for _, h, _ in self.batch_sizes])
            return np.asarray(widths.min(axis=0), np.int32)
        return np.full(len(sizes), min(w for w, _, _ in self.batch_sizes), np.int32)

    def plan(
        self, sizes: NDArray[np.int32], indices: NDArray[np.signedinteger], seed: int, epoch: int
    ) -> EpochPlan:
        """Divides one epoch into batches.

        Args:
            sizes: width and height of every image of the data set, int32 [len, 2], at least 1.
            indices: the samples to use, int [usable].
            seed: the run's seed.
            epoch: from 1.
        """
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(indices)
        if self.ds_width:
            ratios = sizes[order, 0] / sizes[order, 1]
            order = order[np.argsort(ratios, kind="stable")]
        plan = EpochPlan.of_batches(self._cut(order, sizes, rng))
        return plan.take(rng.permutation(len(plan)))

    def _cut(
        self, order: NDArray[np.signedinteger], sizes: NDArray[np.int32], rng: np.random.Generator
    ) -> Iterator[tuple[int, NDArray[np.signedinteger], int]]:
        start = 0
        for width, height, count in self._scales_for(len(order), rng):
            members = order[start : start + count]
            start += count
            if not len(members) or not self.ds_width:  # equally many batches in every epoch
                members = np.concatenate([members, order[: count - len(members)]])
            if self.ds_width:
                width = int(self._padded_widths(sizes[members], height).max())
            yield width, members, height

    def _scales_for(self, samples: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
        """Returns as many scales as the samples fill, all alike often, in random order."""
        scales, filled = [], 0
        for scale in cycle(self.batch_sizes):
            scales.append(scale)
            filled += scale[2]
            if filled >= samples:
                break
        return [scales[i] for i in rng.permutation(len(scales))]

    def _padded_widths(self, sizes: NDArray[np.int32], height: int) -> NDArray[np.int32]:
        """Widths of images at a height: the nearest multiples of it, not wider than allowed."""
        ratios = np.maximum(1, np.rint(sizes[:, 0] / sizes[:, 1]))
        return np.asarray(np.minimum(ratios * height, self._widest(height)), np.int32)

    def _widest(self, height: int) -> int:
        return max(1, round(self.max_w / height)) * height


SAMPLERS: Table = {"MultiScaleSampler": MultiScale}
