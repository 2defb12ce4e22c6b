"""evaluate and export one after the other on a real run: with a champion, and with every fault."""

import json
from pathlib import Path

import pytest

from components.deploy.step import DeployRequest, deploy
from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.production import (
    promoted,
    read_production,
    record_version,
    write_production,
)
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store
from tests.components.judged import context, exported, judge
from tests.components.run_specs import spec_ref
from tests.components.trained_run import Data


def test_a_model_meets_itself(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "itself"
    first, pointer = judge(store, model, data, name, tmp_path / "one")
    assert first.verdict.passed
    assert "evaluate: accepted" in capsys.readouterr().out.splitlines()
    assert (first.champion, first.costs, first.candidate.leaked) == (None, None, 0)
    bundle = exported(context(store, tmp_path / "two"), model, data, pointer, name)
    parity = json.loads((download(store, bundle, tmp_path / "bundle") / "parity.json").read_text())
    assert parity["texts_equal"]
    lineage = Bundle.open(tmp_path / "bundle").info["lineage"]
    assert [lineage[f"{role}_data"] for role in Data._fields] == [part.digest for part in data]
    assert lineage["spec"] == spec_ref(store, model_name=name).digest
    assert Judgement.from_dict(lineage) == Judgement(0, "none")

    record = record_version(store, name, bundle.uri, Bundle.open(tmp_path / "bundle").digest, {})
    write_production(store, promoted(name, record, None), None)
    again, _ = judge(store, model, data, name, tmp_path / "three")
    assert again.champion is None  # the run has pinned that there was none
    assert again.decisions == first.decisions  # one run decides once
    second, _ = judge(store, model, data, name, tmp_path / "four", run=f"{tmp_path.name}-2")
    assert second.verdict.passed, second.verdict
    assert second.champion is not None
    assert second.champion.outcomes == second.candidate.outcomes
    assert second.costs is not None
    assert second.costs.size_ratio == pytest.approx(1.0, abs=0.01)
    assert second.costs.latency_ms > 0
    assert {"latency", "size", "leakage"} <= {reason.name for reason in second.verdict.reasons}


@pytest.mark.slow
def test_two_runs_meet_one_champion_and_one_takes_over(
    store: Store,
    triton: TritonServer,
    data: Data,
    model: ArtifactRef,
    tmp_path: Path,
) -> None:
    """Both are judged against version 1; when the second deploys, version 2 serves."""
    name = "interleaved"

    counts = []

    def judged_and_exported(run: str) -> ArtifactRef:
        as_run = ArtifactRef(model.uri, model.digest, {**model.metadata, "run": run})
        found, pointer = judge(store, as_run, data, name, tmp_path / f"judge-{run}")
        counts.append(found.decisions)
        return exported(context(store, tmp_path / f"export-{run}"), as_run, data, pointer, name)

    def put(bundle: ArtifactRef) -> int:
        step = context(store, tmp_path / f"deploy-{len(list(tmp_path.iterdir()))}")
        spec = spec_ref(store, model_name=name, triton_urls=(triton.url,))
        request = DeployRequest(spec=spec, bundle=bundle, images=data.validation)
        return deploy(step, request).production.version

    assert put(judged_and_exported("first")) == 1
    one, two = judged_and_exported("a"), judged_and_exported("b")
    assert put(one) == 2
    serving = read_production(store, name)
    with pytest.raises(ConflictError, match=r"judged against version 1 \(.*but version 2 \("):
        put(two)
    assert read_production(store, name) == serving
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


@pytest.mark.parametrize("role", ["train", "validation"])
def test_images_that_were_used_before_stop_the_step(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path, role: str
) -> None:
    leaky = data._replace(test=getattr(data, role))
    with pytest.raises(DataError, match=rf"of \d+ test images are {role} images too"):
        judge(store, model, leaky, "leaky", tmp_path / "work")
