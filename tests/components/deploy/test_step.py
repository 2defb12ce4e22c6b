"""The deploy step with the rights of its key, next to lines that were kept with another key."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.deploy.step import DeployRequest, deploy, write_deployment
from components.step_context import StepContext
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.production import read_production
from ocr_lib.serving.client import ServedRecognition
from ocr_lib.serving.feedback.recorder import FeedbackLimits, FeedbackRecorder
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.access_policy import policy
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import upload
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines
from tests.components.run_specs import spec_ref
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle
from tests.ocr_lib.storage.policy_server import PolicyServer

pytestmark = pytest.mark.slow
TEXTS = ("abc", "cab", "é中")


@contextmanager
def with_rights(s3: S3Server, rights: Mapping[str, Any]) -> Iterator[PolicyServer]:
    """Has `Store.from_env` reach the store by these rights alone."""
    with PolicyServer(s3.endpoint, rights) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCR_S3_ENDPOINT", server.endpoint)
        yield server


def candidate(store: Store, model: str, folder: Path, sharpness: float) -> ArtifactRef:
    """Uploads a bundle that was judged against what serves."""
    found = read_production(store, model)
    judged = Judgement.against(found)
    bundle = write_bundle(folder, sharpness=sharpness, lineage=judged.to_dict())
    return upload(store, bundle, f"registry/{model}/bundles/{{digest}}")


def keep(model: str) -> None:
    with FeedbackRecorder(Store.from_env(), model, FeedbackLimits()) as recorder:
        for text in TEXTS:
            recorder.offer(line_image(text), ServedRecognition(text, 0.1, (), None, version=1))
    assert (recorder.recorded, recorder.problem) == (len(TEXTS), "")


def asked(
    store: Store, triton: TritonServer, model: str, bundle: ArtifactRef, images: ArtifactRef
) -> DeployRequest:
    spec = spec_ref(store, model_name=model, triton_urls=(triton.url,))
    return DeployRequest(spec=spec, bundle=bundle, images=images)


@pytest.fixture
def model(
    request: pytest.FixtureRequest,
    store: Store,
    s3_server: S3Server,
    triton: TritonServer,
    tmp_path: Path,
) -> str:
    """A model of which version 1 serves and some lines are kept."""
    name = f"stepped-{len(request.node.name)}"
    first = candidate(store, name, tmp_path / "one", 10.0)
    (tmp_path / "first").mkdir()
    lines = pack_lines(store, tmp_path / "few", ["7"])
    deploy(StepContext(store, tmp_path / "first"), asked(store, triton, name, first, lines))
    with with_rights(s3_server, policy("feedback", "ocr")):
        keep(name)
    return name


def test_kept_lines_are_compared(
    store: Store, s3_server: S3Server, triton: TritonServer, model: str, tmp_path: Path
) -> None:
    bundle = candidate(store, model, tmp_path / "two", 20.0)
    lines = pack_lines(store, tmp_path / "lines", ["12", "7"])
    request = asked(store, triton, model, bundle, lines)
    (tmp_path / "work").mkdir()
    with with_rights(s3_server, policy("deploy", "ocr")):
        context = StepContext(Store.from_env(), tmp_path / "work")
        found = deploy(context, request)
    assert found.production.version == 2
    assert found.shadow is not None
    assert (found.shadow.lines, found.shadow.changed, found.notes) == (len(TEXTS), 0, ())
    assert "notes" not in write_deployment(found, tmp_path / "deployment.json")


def test_kept_lines_that_may_not_be_read_hold_nothing_back(
    store: Store,
    s3_server: S3Server,
    triton: TritonServer,
    model: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The rights of an installation whose keys were made before lines could be kept."""
    rights = policy("deploy", "ocr")
    for statement in rights["Statement"]:
        statement["Resource"] = [name for name in statement["Resource"] if "feedback" not in name]
    bundle = candidate(store, model, tmp_path / "two", 20.0)
    lines = pack_lines(store, tmp_path / "lines", ["12", "7"])
    request = asked(store, triton, model, bundle, lines)
    (tmp_path / "work").mkdir()
    with with_rights(s3_server, rights):
        context = StepContext(Store.from_env(), tmp_path / "work")
        found = deploy(context, request)
    assert (found.production.version, found.shadow) == (2, None)
    (note,) = found.notes
    assert "not compared on kept lines" in note
    assert "AccessDenied" in note
    assert note in caplog.messages
    assert write_deployment(found, tmp_path / "deployment.json")["notes"] == note
    assert json.loads((tmp_path / "deployment.json").read_text("utf-8"))["notes"] == [note]
