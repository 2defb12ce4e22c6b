"""A candidate takes over from the version it was judged against, and from no other."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.deploy.step import DeployRequest, deploy
from components.step_context import StepContext
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.judgement import Judgement, check_champion
from ocr_lib.registry.production import Production, list_versions, read_production
from ocr_lib.serving.rollout import deploy as roll_out
from ocr_lib.serving.rollout import rollback
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.serving.version_change import Deployment
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import upload
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import store_lease
from tests.components.packed import pack_lines
from tests.components.run_specs import spec_ref
from tests.ocr_lib.serving.tiny_bundle import write_bundle
from tests.ocr_lib.serving.traffic import score

ONE = Production("m", 1, "s3://ocr/one", "a" * 64, [], "2026-11-23T00:00:00+00:00")
POINTER = "registry/waiting/production.json"
TWO = replace(ONE, version=2, digest="b" * 64)


@pytest.mark.parametrize("serving", [None, ONE], ids=["nothing serves", "version 1 serves"])
def test_what_an_evaluation_hands_on_is_read_again(serving: Production | None) -> None:
    found = Judgement.against(serving)
    refused = replace(found, passed=False)
    assert Judgement.from_dict(found.to_dict()) == found != refused
    assert Judgement.from_dict(refused.to_dict()) == refused
    assert found.digest == (serving.digest if serving else "none")
    check_champion("m", found.to_dict(), "c" * 64, serving)


@pytest.mark.parametrize(
    ("lineage", "complaint"),
    [
        (Judgement.against(ONE).to_dict(), r"judged against version 1 \(aaaaaaaaaaaa\)"),
        (Judgement.against(None).to_dict(), "judged when nothing served"),
        ({"run": "r"}, "not judged against any version"),
        (None, "not judged against any version"),
        (["champion_digest"], "not judged against any version"),
        ({"champion_digest": 7}, "not judged against any version"),
        ({"champion_version": "x", "champion_digest": "z"}, r"judged against version 0 \(z\)"),
    ],
)
def test_another_version_serves(lineage: Any, complaint: str) -> None:
    expected = rf"m: the bundle was {complaint}, but version 2 \(bbbbbbbbbbbb\) serves now\. Eval"
    with pytest.raises(ConflictError, match=expected):
        check_champion("m", lineage, "c" * 64, TWO)
    check_champion("m", lineage, TWO.digest, TWO)  # it serves already: a repeated step
    check_champion("m", lineage, "c" * 64, None)  # nothing serves that could be better


class Runs:
    """Runs of one pipeline, from their evaluations on."""

    def __init__(self, model: str, url: str, store: Store, folder: Path) -> None:
        self.model, self.url, self.store = model, url, store
        self._folder = folder
        self._lines = pack_lines(store, folder / "lines", ["12", "7", "345"])

    def export(self, name: str, sharpness: float) -> ArtifactRef:
        """Exports a candidate that was judged against what serves now."""
        found = self.production()
        judged = Judgement.against(found)
        folder = self._folder / name
        bundle = write_bundle(folder, sharpness=sharpness, lineage=judged.to_dict())
        return upload(self.store, bundle, f"registry/{self.model}/bundles/{{digest}}")

    def deploy(self, bundle: ArtifactRef) -> int:
        work_dir = self._folder / f"deploy-{len(list(self._folder.iterdir()))}"
        work_dir.mkdir()
        context = StepContext(self.store, work_dir)
        spec = spec_ref(self.store, model_name=self.model, triton_urls=(self.url,))
        request = DeployRequest(spec=spec, bundle=bundle, images=self._lines)
        found = deploy(context, request)
        return found.production.version

    def production(self) -> Production | None:
        return read_production(self.store, self.model)


@pytest.mark.slow
def test_of_two_runs_judged_against_one_version_the_second_is_refused(
    store: Store, triton: TritonServer, tmp_path: Path
) -> None:
    runs = Runs("two-runs", triton.url, store, tmp_path)
    assert runs.deploy(runs.export("first", 10.0)) == 1
    a, b = runs.export("a", 60.0), runs.export("b", 20.0)
    assert runs.deploy(a) == 2
    answer = score(triton.url, "two-runs")
    serving = runs.production()
    assert serving is not None
    expected = rf"judged against version 1 \(\w{{12}}\), but version 2 \({serving.digest[:12]}\)"
    with pytest.raises(ConflictError, match=expected):
        runs.deploy(b)
    assert runs.production() == serving
    assert score(triton.url, "two-runs") == answer
    assert [record.version for record in list_versions(store, "two-runs")] == [1, 2]

    assert runs.deploy(a) == 2  # the step ran, and runs again
    assert runs.deploy(runs.export("again", 20.0)) == 3  # judged again
    rollback("two-runs", store=store, endpoints=[triton.url], version=1)
    assert runs.deploy(b) == 4  # version 1, which it was judged against, serves again


@pytest.mark.slow
def test_what_serves_is_compared_once_the_lease_is_held(
    store: Store, triton: TritonServer, tmp_path: Path, golden: list[GoldenImage]
) -> None:
    """What it was judged against serves when the deployment begins to wait, not when it ends."""
    runs = Runs("waiting", triton.url, store, tmp_path)
    runs.deploy(runs.export("first", 10.0))
    late = runs.export("late", 20.0)

    def wait_and_deploy() -> Deployment:
        return roll_out(late.uri, "waiting", golden, store=store, endpoints=[triton.url])

    with ThreadPoolExecutor(1) as pool:
        with store_lease(store, "deploy-waiting"):
            waiting = pool.submit(wait_and_deploy)
            ends = time.monotonic() + 60
            while len(store.list("leases/deploy-waiting/")) < 2:  # its own, for as long as it looks
                assert time.monotonic() < ends, "the deployment never asked for the lease"
            changed = {**store.get_json(POINTER), "version": 2, "digest": "d" * 64}
            store.put_json(POINTER, changed)
        with pytest.raises(ConflictError, match=r"1 \(\w{12}\), but version 2 \(d{12}\) serves"):
            waiting.result()
    claimed = store.get_json(POINTER)
    assert {**claimed, "generation": 1, "holder": ""} == {**changed, "generation": 1, "holder": ""}
