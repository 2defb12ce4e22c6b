"""A server is kept at what is in production."""

from pathlib import Path

import pytest

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import read_production
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.reconciler import Reconciler
from ocr_lib.serving.rollout import rollback
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.serving.version_change import needed_releases
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import store_lease
from tests.ocr_lib.serving.put import put


def loaded(url: str, model: str) -> set[str]:
    with TritonAdmin(url) as admin:
        return set(admin.last_inference_s(model))


@pytest.mark.slow
def test_a_reconciler_unloads_what_nobody_has_called_for_long(
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

    reconciler = Reconciler(store, triton.url, ["tidied"])
    reconciler.sync()
    assert f"{two}_core" in loaded(triton.url, "tidied")  # it answered a moment ago
    monkeypatch.setattr("ocr_lib.serving.blue_green.IDLE_S", -1.0)
    with store_lease(store, "deploy-tidied"):
        reconciler.sync()
    assert f"{two}_core" in loaded(triton.url, "tidied")  # it may be loading just now
    reconciler.sync()
    reconciler.close()
    assert loaded(triton.url, "tidied") == {"tidied", f"{one}_core"}
