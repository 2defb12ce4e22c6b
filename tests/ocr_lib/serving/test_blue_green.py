"""What a change of version leaves on a server, and when it goes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as grpc

from ocr_lib.data.image import Preprocess, decode_image
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.blue_green import stale_models, width_lines
from ocr_lib.serving.limits import MAX_IMAGES
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.put import put
from tests.ocr_lib.serving.tiny_bundle import line_image

WAITING = 16  # requests


@pytest.mark.parametrize(
    "preprocess",
    [
        Preprocess(32, (64, 128, 256)),
        Preprocess(48, (92, 104, 320), width_step=8),  # 92 is read in 88 px
        Preprocess(32, (100,), 1, keep_ratio=False),
    ],
)
def test_the_lines_for_the_widths_are_read_in_each(preprocess: Preprocess) -> None:
    images = [decode_image(line) for line in width_lines(preprocess)]
    widths = [preprocess.bucket(image.shape[1], image.shape[0]) for image in images]
    assert widths == list(preprocess.buckets)


@pytest.mark.slow
def test_requests_that_wait_longer_than_the_change_are_read(
    triton: TritonServer, store: Store, bundle: Path, other_bundle: Path, golden: list[GoldenImage]
) -> None:
    """They reached the former version and call its network after the new one took over."""
    put(bundle, "patient", golden, store, triton.url)
    images = np.array([[line_image("cab")]] * MAX_IMAGES, np.object_)

    def ask(_: int) -> tuple[str, set[bytes]]:
        tensor = grpc.InferInput("IMAGE", list(images.shape), "BYTES")
        tensor.set_data_from_numpy(images)
        answer = client.infer("patient", [tensor], client_timeout=60)
        return answer.get_response().model_version, set(answer.as_numpy("TEXT").reshape(-1))

    with grpc.InferenceServerClient(triton.url) as client, ThreadPoolExecutor(WAITING) as pool:
        jobs = [pool.submit(ask, n) for n in range(WAITING)]
        put(other_bundle, "patient", golden, store, triton.url)
        answers = [job.result() for job in jobs]
    assert {text for _, texts in answers for text in texts} == {b"cab"}
    assert {version for version, _ in answers} <= {"1", "2"}


def test_what_is_called_or_kept_is_never_left_over(
    triton: TritonServer,
    store: Store,
    bundle: Path,
    golden: list[GoldenImage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ocr_lib.serving.blue_green.IDLE_S", -1.0)
    put(bundle, "own", golden, store, triton.url)
    put(bundle, "own_er", golden, store, triton.url)  # another model, whose name begins alike
    with TritonAdmin(triton.url) as admin:
        core = admin.parameter("own", "core")
        assert core is not None
        assert stale_models(admin, "own", ()) == []
        admin.unload("own")
        assert admin.parameter("own", "core") is None
        assert stale_models(admin, "own", ()) == [core]
        assert stale_models(admin, "own", [core.removesuffix("_core")]) == []
        admin.unload(core)
