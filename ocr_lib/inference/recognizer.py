"""From images to text with any network: the one path that evaluation, prediction and serving share.

Needs numpy and OpenCV only. What runs the network (Paddle, ONNX Runtime, another Triton model) is
a function from a batch of images to probabilities, what makes text of them another.

Shapes: N images, C channels, H height, T time steps, K classes.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.colour import is_single_colour
from ocr_lib.data.decode import MAX_BYTES, SINGLE_COLOUR, check_size
from ocr_lib.data.image import Image, Preprocess, decode_image
from ocr_lib.errors import ImageError, SingleColourError
from ocr_lib.inference.tiling import Piece, merge, split
from ocr_lib.opencv import MAX_PIXELS
from ocr_lib.text import ctc
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition
from ocr_lib.text.tokenizer import Decode

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
        max_image_bytes: an encoded image of more fails.
        max_image_pixels: an encoded image whose header claims more fails.
        decode: probabilities and characters to texts; another one than CTC's for heads that
            write one character after another, see `ocr_lib/text/tokenizer.py`.
    """

    def __init__(
        self,
        preprocess: Preprocess,
        dictionary: Charset,
        forward: Forward,
        max_batch_pixels: int = MAX_BATCH_PIXELS,
        *,
        max_image_bytes: int = MAX_BYTES,
        max_image_pixels: int = MAX_PIXELS,
        decode: Decode = ctc.decode,
    ) -> None:
        self.preprocess = preprocess
        self.dictionary = dictionary
        self.forward = forward
        self.max_batch_pixels = max_batch_pixels
        self._decode = decode
        self._limits = max_image_bytes, max_image_pixels

    def read(self, images: Sequence[bytes | NDArray[np.uint8]]) -> list[Recognition]:
        """Reads every image, in the order given.

        Args:
            images: encoded files (JPEG, PNG, BMP, WebP) or decoded uint8 BGR arrays [H, W, 3].
                Very wide lines are read in pieces, see `ocr_lib/inference/tiling.py`.

        Returns:
            One `Recognition` an image. An image that cannot be read fails alone: empty text,
            score 0 and the cause in `error`. So does an encoded image of a single colour.
        """
        results = [Recognition("", 0.0)] * len(images)
        lines: dict[int, list[Piece]] = {}
        fitted: list[_Fitted] = []
        for position, image in enumerate(images):
            try:
                pixels = self.preprocess.turned(self._decoded(image))
            except ImageError as error:
                results[position] = Recognition.failed(error.cause)
                continue
            lines[position] = split(pixels, self.preprocess)
            fitted += [self._fit(pixels[:, a:b], position, a) for a, b in lines[position]]
        texts = self._texts(fitted)
        right_to_left = self.dictionary.right_to_left
        for position, line in lines.items():
            read = [texts[position, start] for start, _ in line]
            results[position] = read[0] if len(read) == 1 else merge(line, read, right_to_left)
        return results

    def _texts(self, fitted: "list[_Fitted]") -> dict[tuple[int, int], Recognition]:
        """Reads pieces bucket by bucket; returns (position, first column) → what was read."""
        texts: dict[tuple[int, int], Recognition] = {}
        fitted.sort(key=lambda item: item[:3])
        for width, group in groupby(fitted, key=lambda item: item[0]):
            members = list(group)
            size = self.batch_size(width)
            for start in range(0, len(members), size):
                batch = members[start : start + size]
                tensor = self.preprocess.batch([item[3] for item in batch], width)
                answers = self._decode(self.forward(tensor), self.dictionary)
                for (_, position, column, _), answer in zip(batch, answers, strict=True):
                    texts[position, column] = answer
        return texts

    def batch_size(self, width: int) -> int:
        """Returns how many images of the padded `width` share one forward pass, at least 1."""
        return max(1, self.max_batch_pixels // (width * self.preprocess.height))

    def _decoded(self, image: bytes | NDArray[np.uint8]) -> Image:
        if not isinstance(image, bytes):
            return _checked(image)
        check_size(image, "image", *self._limits)
        pixels = decode_image(image)
        if is_single_colour(pixels):
            raise SingleColourError("image", SINGLE_COLOUR, "Check the file")
        return pixels

    def _fit(self, pixels: Image, position: int, column: int) -> "_Fitted":
        height, width = pixels.shape[:2]
        bucket = self.preprocess.bucket(width, height)
        return bucket, position, column, self.preprocess.fit(pixels)


_Fitted = tuple[int, int, int, Image]  # bucket, position, first column of the piece, pixels


def _checked(image: NDArray[np.uint8]) -> Image:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            "image",
            f"an array of {image.dtype} {list(image.shape)} is not uint8 BGR [H, W, 3]",
            "Pass the encoded bytes, or a decoded colour image",
        )
    return image
