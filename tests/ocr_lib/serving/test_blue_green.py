"""What a change of version leaves on a server, and when it goes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as grpc

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import read_production
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.blue_green import stale_models
from ocr_lib.serving.reconciler import Reconciler
from ocr_lib.serving.rollout import deploy, rollback
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.serving.version_change import needed_releases
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import store_lease
from tests.ocr_lib.serving.tiny_bundle import line_image

WAITING = 8  # requests


def loaded(url: str, model: str) -> set[str]:
    with TritonAdmin(url) as admin:
        return set(admin.last_inference_s(model))


def put(bundle: Path, model: str, golden: list[GoldenImage], store: Store, url: str) -> None:
    deploy(str(bundle), model, golden, store=store, endpoints=[url], force=True)


@pytest.mark.slow
def test_requests_that_wait_longer_than_the_change_are_read(
    triton: TritonServer, store: Store, bundle: Path, other_bundle: Path, golden: list[GoldenImage]
) -> None:
    """They reached the former version and call its network after the new one took over."""
    put(bundle, "patient", golden, store, triton.url)
    images = np.array([[line_image("cab")]] * 32, np.object_)

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


@pytest.mark.slow
def test_a_keeper_unloads_what_nobody_has_called_for_long(
    triton: TritonServer,
    store: Store,
    bundle: Path,
    other_bundle: Path,
    golden: list[GoldenImage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(bundle, "tidied", golden, store, triton.url)
    first = read_production(store, "tidied")
    assert first is not None
    (one,) = needed_releases(store, first)
    put(other_bundle, "tidied", golden, store, triton.url)
    second = read_production(store, "tidied")
    assert second is not None
    (two,) = {*needed_releases(store, second)} - {one}
    assert loaded(triton.url, "tidied") == {"tidied", f"{one}_core", f"{two}_core"}
    rollback("tidied", store=store, endpoints=[triton.url])

    keeper = Reconciler(store, triton.url, ["tidied"])
    keeper.sync()
    assert f"{two}_core" in loaded(triton.url, "tidied")  # it answered a moment ago
    monkeypatch.setattr("ocr_lib.serving.blue_green.IDLE_S", -1.0)
    with store_lease(store, "deploy-tidied"):
        keeper.sync()
    assert f"{two}_core" in loaded(triton.url, "tidied")  # it may be loading just now
    keeper.sync()
    keeper.close()
    assert loaded(triton.url, "tidied") == {"tidied", f"{one}_core"}


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
