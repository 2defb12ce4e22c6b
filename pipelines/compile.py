"""The KFP package: the DAG as one YAML file, the same bytes every time."""

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ocr_lib.atomic import write_bytes
from ocr_lib.errors import OcrError
from pipelines.placement import BuildOptions

OUT = Path("build/ocr_pipeline.yaml")
# A longer command uploads and compiles, but the backend's driver cannot read it: Argo passes it as
# `@file` then.
MAX_COMPONENT_BYTES = 128 * 1024


def compile_pipeline(
    out: Path = OUT, options: BuildOptions | None = None, *, literals: bool = True
) -> None:
    """Writes the package: the pipeline's specification and its Kubernetes settings, two documents.

    Args:
        out: the file.
        options: what it is built for; None for node pools and this version's images.
        literals: whether it lists the values that a parameter may have.

    Raises:
        OcrError: a component is too large for the backend.
    """
    content = _compiled(options, literals)
    check_sizes(next(yaml.safe_load_all(content)))
    write_bytes(out, content)


def compile_rejudge(out: Path, options: BuildOptions | None = None) -> None:
    """Writes the package of the pipeline that judges a run again; see `compile_pipeline`."""
    from pipelines.rejudge import build_rejudge

    content = _written(build_rejudge(options))
    check_sizes(next(yaml.safe_load_all(content)))
    write_bytes(out, content)


def write_native(
    out: Path,
    package: Path,
    namespace: str,
    options: BuildOptions | None = None,
    *,
    literals: bool = True,
) -> None:
    """Writes the package as Kubernetes objects, for servers that keep pipelines in the cluster.

    With Kubeflow Pipelines' Kubernetes-native API a pipeline and its versions are `kubectl
    apply`-ed, or kept in a Git repository that a controller applies.

    Args:
        out: the file.
        package: the package that `compile_pipeline` wrote with the same options.
        namespace: where Kubeflow Pipelines looks for them.
        options: what it is built for; None for node pools and this version's images.
        literals: whether it lists the values that a parameter may have.
    """
    from kfp.compiler import KubernetesManifestOptions

    from pipelines.kfp_api.package import commit_of, read_package

    compiled = read_package(package)
    manifest = KubernetesManifestOptions(
        pipeline_display_name=compiled.spec["pipelineInfo"].get("displayName"),
        pipeline_version_name=(version := compiled.version_name(commit_of())),
        pipeline_version_display_name=version,
        namespace=namespace,
        include_pipeline_manifest=True,
    )
    write_bytes(out, _compiled(options, literals, manifest))


def _compiled(options: BuildOptions | None, literals: bool, manifest: Any = None) -> bytes:
    """Returns the package, or with `manifest`, kfp's options for them, Kubernetes objects."""
    from pipelines.literals import offer
    from pipelines.train_and_deploy import LITERALS, build_pipeline

    pipeline = build_pipeline(options)
    offer(pipeline.pipeline_spec, LITERALS if literals else {})
    return _written(pipeline, manifest)


def _written(pipeline: Any, manifest: Any = None) -> bytes:
    from kfp.compiler import Compiler

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="kfp")
        package = Path(folder) / "package.yaml"
        Compiler().compile(
            pipeline,
            str(package),
            kubernetes_manifest_format=manifest is not None,
            kubernetes_manifest_options=manifest,
        )
        return package.read_bytes()


def check_sizes(spec: Mapping[str, Any]) -> None:
    """Refuses a package with a component that no backend can start."""
    for name, executor in spec["deploymentSpec"]["executors"].items():
        container = executor["container"]
        size = sum(len(part.encode()) for part in container["command"] + container["args"])
        if size >= MAX_COMPONENT_BYTES:
            raise OcrError(
                f"{name}: {size:,} bytes of code, a backend reads less than "
                f"{MAX_COMPONENT_BYTES:,}. Move code from the component into the image."
            )
