"""Text lines the size of those on receipts: 33 px high, 100 px wide in the middle, 2 kB of JPEG."""

from pathlib import Path

import cv2
import numpy as np

WORDS = ("TOTAL", "12.80", "CASH", "TAX INVOICE", "NO", "RM", "10/03/2018", "GST 6%", "THANK YOU")


def line_image(rng: np.random.Generator) -> tuple[bytes, str]:
    """Returns a JPEG and its text; widths spread as on receipts (20 to 400 px)."""
    count = int(np.clip(rng.lognormal(0.7, 0.7), 1, 7))
    text = " ".join(rng.choice(WORDS, count))
    width = 12 + 11 * len(text)
    pixels = np.full((33, width, 3), 236, np.uint8)
    cv2.putText(pixels, text, (4, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (40, 40, 40), 2, cv2.LINE_AA)
    noise = rng.integers(-9, 10, pixels.shape, np.int16)
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]), text


def write_line_images(folder: Path, count: int) -> Path:
    """Writes images and their label list; returns the latter."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(count):
        image, text = line_image(rng)
        (folder / f"{i}.jpg").write_bytes(image)
        rows.append(f"{i}.jpg\t{text}\n")
    labels = folder / "labels.txt"
    labels.write_text("".join(rows), encoding="utf-8")
    return labels
