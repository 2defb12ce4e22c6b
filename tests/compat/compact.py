"""Writes the compact facts that the ordinary tests check from the full reference.

Run `python -m tests.compat.compact` after the reference changed. One configuration of each family
is enough: the others differ by their dictionary.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.compat.conftest import compat_dir
from tests.compat.reference import Reference, read_reference

FACTS = Path(__file__).resolve().parents[1] / "ocr_lib" / "models" / "facts.json"
FAMILIES = (
    "rec_en_number_lite_train",
    "rec_icdar15_train",
    "rec_mv3_none_none_ctc",
    "rec_mv3_tps_bilstm_ctc",
    "rec_r34_vd_none_bilstm_ctc",
    "rec_r34_vd_tps_bilstm_att",
    "rec_svtrnet",
    "rec_r31_sar",
    "ch_PP-OCRv2_rec",
    "ch_PP-OCRv2_rec_distillation",
    "en_PP-OCRv3_rec",
    "ch_PP-OCRv3_rec_distillation",
    "en_PP-OCRv4_rec",
    "ch_PP-OCRv4_rec_hgnet",
    "PP-OCRv6_tiny_rec",
    "PP-OCRv6_medium_rec",
)


def shapes_digest(shapes: Mapping[str, Sequence[int]]) -> str:
    """One digest of all parameter names and shapes."""
    text = "\n".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def probe(largest: np.ndarray) -> list[float]:
    """Some of the largest probabilities of each step [N, T], and their mean."""
    some = largest[:, :: largest.shape[1] // 3]
    return [float(value) for value in (*some.ravel(), largest.mean())]


def compact(reference: Reference) -> dict[str, Any]:
    arrays = reference.arrays
    facts = {
        "classes": reference.num_classes,
        "image_shape": list(reference.image_shape),
        "parameters": len(reference.params),
        "digest": shapes_digest(reference.params),
        "outputs": {
            name: {
                "shape": arrays[f"{name}.shape"].tolist(),
                "probe": [float(f"{v:.7g}") for v in probe(arrays[f"{name}.max"])],
            }
            for name in reference.outputs()
        },
    }
    if reference.grad_norms is not None:
        facts["losses"] = {k: float(f"{float(v):.7g}") for k, v in reference.losses().items()}
        lengths = arrays["length"].tolist()
        facts["labels"] = [
            row[:length] for row, length in zip(arrays["ctc_label"].tolist(), lengths, strict=True)
        ]
    return facts


def main() -> None:
    facts = {name: compact(read_reference(compat_dir(), name)) for name in FAMILIES}
    lines = [f"  {json.dumps(name)}: {json.dumps(facts[name])}" for name in facts]
    FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
