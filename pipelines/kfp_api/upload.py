"""Uploading a package as a version of its pipeline: once for each content, and read back."""

from dataclasses import dataclass
from typing import Any

import kfp_server_api as kfp

from ocr_lib.errors import ServiceError
from pipelines.kfp_api.api import AlreadyExistsError, Kubeflow, NotFoundError
from pipelines.kfp_api.package import DIGEST_CHARS, Package


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the pipeline on the server.

    Attributes:
        pipeline_id: of the pipeline.
        version_id: of the version.
        name: commit and digest of the package.
        new: whether it was uploaded just now.
    """

    pipeline_id: str
    version_id: str
    name: str
    new: bool

    @property
    def reference(self) -> Any:
        """What runs and schedules name it by."""
        return kfp.V2beta1PipelineVersionReference(
            pipeline_id=self.pipeline_id, pipeline_version_id=self.version_id
        )


def upload(kubeflow: Kubeflow, package: Package, commit: str) -> Version:
    """Uploads a package unless the server has one of the same digest.

    Either way the version is read back: servers are known that lose the platform document, and with
    it every node pool, secret and user of the steps.

    Raises:
        ServiceError: the server holds something else than was sent, or does not answer.
    """
    pipeline_id = _pipeline(kubeflow, package)
    existing = _uploaded(kubeflow, pipeline_id, package)
    version = existing or _upload(kubeflow, pipeline_id, package, commit)
    version_id = version.pipeline_version_id
    answer = kubeflow.read(
        kubeflow.pipelines.pipeline_service_get_pipeline_version, pipeline_id, version_id
    )
    if lost := package.lost(answer.pipeline_spec):
        raise ServiceError(
            f"{kubeflow.connection.host}: version {version.display_name} does not hold the "
            f"{' and the '.join(lost)} document as it was sent; its runs would lack what is "
            "in there. Ask for a server of Kubeflow Pipelines 2.16 or later."
        )
    return Version(pipeline_id, version_id, version.display_name, existing is None)


def _pipeline(kubeflow: Kubeflow, package: Package) -> str:
    """Returns the id of the package's pipeline, which is created where it is missing."""
    by_name = kubeflow.pipelines.pipeline_service_get_pipeline_by_name
    namespace = kubeflow.namespace
    try:
        return str(kubeflow.read(by_name, package.name, **namespace).pipeline_id)
    except NotFoundError:
        info = package.spec["pipelineInfo"]
        pipeline = kfp.V2beta1Pipeline(
            name=package.name,
            display_name=package.name,
            description=info.get("description", ""),
            **namespace,
        )
    try:
        create = kubeflow.pipelines.pipeline_service_create_pipeline
        return str(kubeflow.call(create, pipeline).pipeline_id)
    except AlreadyExistsError:  # another process uploads for the first time, too
        return str(kubeflow.read(by_name, package.name, **namespace).pipeline_id)


def _upload(kubeflow: Kubeflow, pipeline_id: str, package: Package, commit: str) -> Any:
    try:
        return kubeflow.call(
            kubeflow.uploads.upload_pipeline_version,
            str(package.path),
            pipelineid=pipeline_id,
            name=package.version_name(commit),
            description=f"commit {commit}, package sha256:{package.digest}",
        )
    except ServiceError:
        # The answer may be lost, or another process was faster: what counts is what is there now.
        if uploaded := _uploaded(kubeflow, pipeline_id, package):
            return uploaded
        raise


def _uploaded(kubeflow: Kubeflow, pipeline_id: str, package: Package) -> Any | None:
    end = f"-{package.digest[:DIGEST_CHARS]}"
    for version in _versions(kubeflow, pipeline_id):
        if (version.display_name or "").endswith(end):
            return version
    return None


def _versions(kubeflow: Kubeflow, pipeline_id: str) -> Any:
    return kubeflow.pages(
        kubeflow.pipelines.pipeline_service_list_pipeline_versions,
        "pipeline_versions",
        pipeline_id=pipeline_id,
        sort_by="created_at desc",
    )
