"""deploy between object store and Triton: a certified bundle goes into service."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from components.step_context import StepContext
from ocr_lib.atomic import write_json
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.data.sampling import evenly_sampled
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.runspec.spec_store import load_spec
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.serving.replay_evaluation import RecordedSample, ReplayEvaluation
from ocr_lib.serving.rollout import deploy as roll_out
from ocr_lib.serving.version_change import Deployment
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download

SMOKE_IMAGES = 16
SHADOW_LINES = 500  # of those that were kept, to report how much changes for their senders


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """What to put into service.

    Attributes:
        spec: the run spec, which names model and servers.
        bundle: the exported model.
        images: samples for the smoke query.
    """

    spec: ArtifactRef
    bundle: ArtifactRef
    images: ArtifactRef


def deploy(context: StepContext, request: DeployRequest) -> Deployment:
    """Puts a bundle into service; every server must read what the exported model reads.

    Raises:
        ConflictError: another version serves than the bundle was judged against.
        DeployError: a server did not take it; all serve what they served before.
    """
    store, work, bundle = context.store, context.work_dir, request.bundle
    spec = load_spec(store, request.spec.digest)
    folder = download(store, bundle, work / "bundle")
    dataset = LmdbDataset(download(store, request.images, work / "images"))
    samples = [dataset.sample(position) for position in evenly_sampled(dataset.sizes, SMOKE_IMAGES)]
    recorded, notes = _recorded(context, spec.model_name)
    deployment = roll_out(
        bundle.uri,
        spec.model_name,
        golden_images(folder, {sample.name: sample.image for sample in samples}),
        store=store,
        endpoints=spec.triton_urls,
        metrics=bundle.metadata,
        shadow=ReplayEvaluation(recorded) if recorded else None,
    )
    return replace(deployment, notes=notes)


def _recorded(
    context: StepContext, model_name: str
) -> tuple[list[RecordedSample], tuple[str, ...]]:
    """Returns kept lines to report on, and why there are none where they cannot be read.

    They are for a report: whatever is wrong with them must not hold a version back.
    """
    try:
        return FeedbackStore(context.store, model_name).sample(1.0, SHADOW_LINES), ()
    except Exception as error:
        note = f"the version was not compared on kept lines: {error}"
        context.log.warning("%s", note)
        return [], (note,)


def write_deployment(deployment: Deployment, path: str | Path) -> dict[str, str | int]:
    """Writes what serves and the smoke answers as JSON; returns what a user interface shows."""
    production = deployment.production
    write_json(
        path,
        {
            "production": production.to_dict(),
            "answers": [answer.to_dict() for answer in deployment.answers],
            "recorded_lines": asdict(deployment.shadow) if deployment.shadow else None,
            "notes": list(deployment.notes),
        },
    )
    notes = {"notes": " ".join(deployment.notes)} if deployment.notes else {}
    return {
        "model": production.model,
        "version": production.version,
        "bundle": production.bundle,
        "answers": len(deployment.answers),
        **notes,
    }
