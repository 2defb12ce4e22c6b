"""The parity certificate: every exported form computes what the trained network computes.

The same images go through the training graph in evaluation mode and through each
exported form:

1. Input: what the bundle says of preprocessing makes bit for bit the trained network's input, at
   every width bucket and at the image's own.
2. Tensors: at every bucket (a wide image squeezed, a narrow one padded) all answers agree, in one
   batch, each line alone, and in batches of three and five of mixed lines.
3. Lines: bytes in, text and score out, as served; these are kept in the certificate, so that a
   server can be held to them.

Tolerance: probabilities may differ by `MAX_ABS_DIFF`, scores by `MAX_SCORE_DIFF`. Other kernels
sum in another order, which moves a float32 softmax by about 1e-6 to 1e-5; a lost layer, a wrong
constant or a batch statistic moves it by more than 1e-2. Texts must be equal without exception.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image import Image, Preprocess, decode_image
from ocr_lib.errors import DataError, ExportError, ImageError
from ocr_lib.export.parity_trial import (
    MAX_ABS_DIFF,
    MAX_SCORE_DIFF,
    Agreement,
    Trial,
    compositions,
)
from ocr_lib.inference.recognizer import Forward, Recognizer
from ocr_lib.progress import Progress
from ocr_lib.text import ctc
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.tokenizer import Decode

FORMAT = 2
NUM_IMAGES = 16


def certify(
    reference: Forward,
    backends: Mapping[str, Forward],
    preprocess: Preprocess,
    dictionary: Charset,
    images: Mapping[str, bytes],
    failure_path: Path,
    decode: Decode = ctc.decode,
    *,
    served: Preprocess | None = None,
) -> dict[str, Any]:
    """Compares exported forms with the trained network.

    Args:
        reference: the training graph in evaluation mode.
        backends: name → exported form.
        preprocess: the input the network was trained with; its buckets are the widths compared.
        dictionary: of the network.
        images: name → encoded image.
        failure_path: where an `.npz` with the tensors goes if they disagree.
        decode: makes texts of the network's output.
        served: the preprocessing as it will serve; None where it is `preprocess` itself.

    Returns:
        The content of `parity.json`.

    Raises:
        ExportError: an exported form differs; the message names the worst image.
        DataError: none of the images can be decoded.
    """
    decoded = _decoded(images)
    names, pictures = list(decoded), list(decoded.values())
    served = served or preprocess
    agreements: list[Agreement] = []
    with Progress(len(preprocess.buckets) * len(backends), "parity", "comparisons") as progress:
        for width in preprocess.buckets:
            tensor = _input(preprocess, pictures, width)
            _check_input(tensor, _input(served, pictures, width), names, failure_path)
            expected = reference(tensor)
            trial = Trial(width, names, tensor, expected, dictionary, decode, failure_path)
            for backend, forward in backends.items():
                agreements.append(trial.agreement(backend, forward))
                progress.add(1)
    reader = Recognizer(preprocess, dictionary, reference, decode=decode)
    readers = {
        name: Recognizer(served, dictionary, forward, decode=decode)
        for name, forward in backends.items()
    }
    lines = _read_lines(reader, readers, {name: images[name] for name in names})
    failure_path.unlink(missing_ok=True)  # of an earlier attempt
    return _certificate(agreements, lines)


def _decoded(images: Mapping[str, bytes]) -> dict[str, Image]:
    decoded = {}
    for name, image in images.items():
        try:
            decoded[name] = decode_image(image, name)
        except ImageError:
            continue  # evaluation reports it; here another one will do
    if not decoded:
        raise DataError("parity", "no image can be decoded", "Check Eval.dataset")
    return decoded


def _input(preprocess: Preprocess, pictures: Sequence[Image], width: int) -> NDArray[np.float32]:
    return preprocess.batch([preprocess.fit(p, width) for p in pictures], width)


def _check_input(
    trained: NDArray[np.float32],
    served: NDArray[np.float32],
    names: Sequence[str],
    failure_path: Path,
) -> None:
    if trained.shape == served.shape and np.array_equal(trained, served):
        return
    failure_path.parent.mkdir(parents=True, exist_ok=True)
    with failure_path.open("wb") as file:
        np.savez_compressed(file, expected=trained, answer=served)
    if trained.shape != served.shape:
        cause = f"an input of {served.shape} instead of {trained.shape}"
    else:
        gaps = np.abs(trained - served)
        worst = int(gaps.max(axis=(1, 2, 3)).argmax())
        columns = np.flatnonzero(gaps[worst].max(axis=(0, 1)))
        cause = (
            f"another input at width {trained.shape[3]}: image {names[worst]} differs by "
            f"{gaps[worst].max():.3g} in {len(columns)} columns from {columns[0]} on"
        )
    raise ExportError(
        f"the preprocessing as it would serve makes {cause}. The tensors are in {failure_path}"
    )


def _read_lines(
    trained: Recognizer, readers: Mapping[str, Recognizer], images: Mapping[str, bytes]
) -> list[dict[str, Any]]:
    """Reads encoded images as served; returns what the trained network says.

    Raises:
        ExportError: a form reads another text, or one of another score.
    """
    expected = trained.read(list(images.values()))
    for backend, reader in readers.items():
        together = reader.read(list(images.values()))
        alone = [reader.read([image])[0] for image in images.values()]
        for how, answers in (("together", together), ("alone", alone)):
            for name, answer, reference in zip(images, answers, expected, strict=True):
                gap = abs(answer.score - reference.score)
                if answer.text != reference.text or not gap <= MAX_SCORE_DIFF:
                    raise ExportError(
                        f"{backend} reads image {name} ({how}) as {answer.text!r} "
                        f"({answer.score:.4f}), the trained network as {reference.text!r} "
                        f"({reference.score:.4f})"
                    )
    return [
        {
            "image": name,
            "sha256": hashlib.sha256(image).hexdigest(),
            "text": answer.text,
            "score": answer.score,
        }
        for (name, image), answer in zip(images.items(), expected, strict=True)
    ]


def _certificate(
    agreements: Sequence[Agreement], lines: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    largest = (
        "max_abs_diff",
        "max_rel_diff",
        "max_logit_diff",
        "max_logit_rel_diff",
        "max_batch_diff",
        "max_score_diff",
    )
    return {
        "format": FORMAT,
        "images": [line["image"] for line in lines],
        "batches": list(compositions(len(lines))),
        "allowed_abs_diff": MAX_ABS_DIFF,
        "allowed_score_diff": MAX_SCORE_DIFF,
        **{name: max(getattr(agreement, name) for agreement in agreements) for name in largest},
        "texts_equal": all(agreement.texts_equal for agreement in agreements),
        "agreements": [asdict(agreement) for agreement in agreements],
        "lines": list(lines),
    }
