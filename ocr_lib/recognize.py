"""From images to text with any network: the one path that evaluation, prediction and serving share.

Needs numpy and OpenCV only. What runs the network (Paddle, ONNX Runtime, another Triton model) is
a function from a batch of images to CTC probabilities.

Shapes: N images, C channels, H height, T time steps, K classes.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image import Preprocess, decode_image
from ocr_lib.errors import ImageError
from ocr_lib.text.ctc import Recognition, decode
from ocr_lib.text.dictionary import Dictionary

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# Pixels of one forward pass. On one CPU core a batch gains at most a tenth per line while the
# activations fit the cache, and costs half as much again where they do not (PP-OCRv4 mobile at
# 320 px: 21.0 ms alone, 20.1 in fours, 28.4 in sixteens). A GPU wants more.
MAX_BATCH_PIXELS = 48 * 1024


class Recognizer:
    """Reads text lines from images.

    An image's padded width is a function of that image alone (its width bucket) and only images
    of one bucket share a batch, so the text never depends on the batch mates.

    Args:
        preprocess: height, width buckets and channels of the network's input.
        dictionary: the characters behind the network's classes.
        forward: float32 [N, C, H, W] in, softmax probabilities float32 [N, T, K] out.
        max_batch_pixels: cap on N * H * W of one call of `forward`; one image is always allowed.
    """

    def __init__(
        self,
        preprocess: Preprocess,
        dictionary: Dictionary,
        forward: Forward,
        max_batch_pixels: int = MAX_BATCH_PIXELS,
    ) -> None:
        self.preprocess = preprocess
        self.dictionary = dictionary
        self.forward = forward
        self.max_batch_pixels = max_batch_pixels

    def read(self, images: Sequence[bytes | NDArray[np.uint8]]) -> list[Recognition]:
        """Reads every image, in the order given.

        Args:
            images: encoded files (JPEG, PNG, …) or decoded uint8 BGR arrays [H, W, 3].

        Returns:
            One `Recognition` an image. An image that cannot be read fails alone: empty text,
            score 0 and the cause in `error`.
        """
        results = [Recognition("", 0.0, ())] * len(images)
        fitted: list[tuple[int, int, NDArray[np.uint8]]] = []  # bucket, position, pixels
        for position, image in enumerate(images):
            try:
                fitted.append(self._prepare(image, position))
            except ImageError as error:
                results[position] = Recognition("", 0.0, (), error=error.cause)
        fitted.sort(key=lambda item: item[:2])
        for width, group in groupby(fitted, key=lambda item: item[0]):
            members = list(group)
            size = self.batch_size(width)
            for start in range(0, len(members), size):
                batch = members[start : start + size]
                tensor = self.preprocess.batch([pixels for _, _, pixels in batch], width)
                texts = decode(self.forward(tensor), self.dictionary)
                for (_, position, _), text in zip(batch, texts, strict=True):
                    results[position] = text
        return results

    def batch_size(self, width: int) -> int:
        """Returns how many images of the padded `width` share one forward pass, at least 1."""
        return max(1, self.max_batch_pixels // (width * self.preprocess.height))

    def _prepare(
        self, image: bytes | NDArray[np.uint8], position: int
    ) -> tuple[int, int, NDArray[np.uint8]]:
        pixels = decode_image(image) if isinstance(image, bytes) else _checked(image)
        height, width = pixels.shape[:2]
        return self.preprocess.bucket(width, height), position, self.preprocess.fit(pixels)


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            "image",
            f"an array of {image.dtype} {list(image.shape)} is not uint8 BGR [H, W, 3]",
            "Pass the encoded bytes, or a decoded colour image",
        )
    return image
