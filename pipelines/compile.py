"""The KFP package: the DAG as one YAML file, the same bytes every time."""

import argparse
import re
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from components.images import NAMES, REFERENCE, Name, read_images
from ocr_lib.atomic import write_bytes
from ocr_lib.errors import ConfigError, OcrError
from ocr_lib.terminal import echo
from pipelines.cli.cluster.namespaces import namespace
from pipelines.cli.model.arguments import input_file, output_file, whole_number
from pipelines.placement import ACCELERATOR, PLACEMENTS, BuildOptions, default_images

DESCRIPTION = "Compile the pipeline to a KFP package, ready to upload."
EXAMPLES = """\
  ocr pipeline compile
  ocr pipeline compile --placement one-node
  ocr pipeline compile --images build/images.json
  ocr pipeline compile --out build/ocr_pipeline.yaml --image train=registry/ocr-train@sha256:…"""

OUT = Path("build/ocr_pipeline.yaml")
# A longer command uploads and compiles, but the backend's driver cannot read it: Argo passes it as
# `@file` then.
MAX_COMPONENT_BYTES = 128 * 1024
MAX_ACCELERATORS = 64  # of one pod


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline compile`."""
    parser.add_argument(
        "--out", type=output_file, default=OUT, help="the package (default: %(default)s)"
    )
    add_build_options(parser)
    parser.add_argument(
        "--native",
        type=output_file,
        metavar="FILE",
        help="also write Kubernetes objects, for kubectl",
    )
    parser.add_argument(
        "--namespace",
        type=namespace,
        default="kubeflow",
        help="of the Kubernetes objects (default: %(default)s)",
    )


def add_build_options(parser: argparse._ActionsContainer) -> None:
    """Adds what a package is built for; an option that is not given is None or empty."""
    parser.add_argument(
        "--placement",
        choices=PLACEMENTS,
        help="pools: each step on its node pool (the default); one-node: a cluster without pools "
        "and devices, requests that fit one small node",
    )
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="NAME=REFERENCE",
        help=f"image of a dependency set ({', '.join(NAMES)}); may be repeated",
    )
    parser.add_argument(
        "--images",
        type=input_file,
        metavar="FILE",
        help="all images by digest, as `make images` wrote",
    )
    parser.add_argument(
        "--train-accelerators",
        type=whole_number(0, MAX_ACCELERATORS),
        metavar="N",
        help="devices of each training pod (default: 1 on pools, 0 on one node); 0: no step asks "
        "for any",
    )
    parser.add_argument(
        "--accelerator",
        type=resource,
        metavar="RESOURCE",
        help=f"a device's name (default: {ACCELERATOR})",
    )
    parser.add_argument(
        "--train-in-step",
        action="store_true",
        default=None,
        help="give the train step itself the devices, for train_backend: local",
    )
    parser.add_argument(
        "--no-literals",
        action="store_true",
        default=None,
        help="without lists of allowed values, which backends before 2.16 do not know",
    )


def resource(text: str) -> str:
    """Accepts the name of a Kubernetes resource, as nvidia.com/gpu."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9./_-]{0,250}[A-Za-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a resource as nvidia.com/gpu")
    return text


def given(args: argparse.Namespace) -> bool:
    """Tells whether the command line has any of the options that a package is built for."""
    names = ("placement", "image", "images", "train_accelerators", "accelerator")
    values = [getattr(args, name) for name in (*names, "train_in_step", "no_literals")]
    return any(value not in (None, []) for value in values)


def run(args: argparse.Namespace) -> int:
    """Compiles, and says where the package is."""
    compile_as_asked(args.out, args)
    echo(f"{args.out}")
    if args.native:
        write_native(args, args.native, args.namespace)
        echo(f"{args.native}")
    return 0


def compile_as_asked(out: Path, args: argparse.Namespace) -> None:
    """Writes the package that the options of the command line describe.

    Raises:
        ConfigError: an option's value is not acceptable.
    """
    compile_pipeline(out, build_options(args), literals=not args.no_literals)


def build_options(args: argparse.Namespace) -> BuildOptions:
    """Returns what the command line asks for.

    Raises:
        ConfigError: a value is not acceptable.
    """
    images = read_images(args.images) if args.images else default_images()
    return BuildOptions(
        placement=args.placement or "pools",
        images={**images, **named_images(args.image)},
        accelerator=args.accelerator or ACCELERATOR,
        train_accelerators=args.train_accelerators,
        train_in_step=bool(args.train_in_step),
    )


def write_native(args: argparse.Namespace, out: Path, namespace: str) -> None:
    """Writes the package as Kubernetes objects, for servers that keep pipelines in the cluster.

    With Kubeflow Pipelines' Kubernetes-native API a pipeline and its versions are `kubectl
    apply`-ed, or kept in a Git repository that a controller applies.

    Args:
        args: the command line that `args.out` was compiled from.
        out: the file.
        namespace: where Kubeflow Pipelines looks for them.
    """
    from kfp.compiler import KubernetesManifestOptions

    from pipelines.kfp_api.package import commit_of, read_package

    package = read_package(args.out)
    manifest = KubernetesManifestOptions(
        pipeline_display_name=package.spec["pipelineInfo"].get("displayName"),
        pipeline_version_name=(version := package.version_name(commit_of())),
        pipeline_version_display_name=version,
        namespace=namespace,
        include_pipeline_manifest=True,
    )
    write_bytes(out, _compiled(build_options(args), not args.no_literals, manifest))


def named_images(images: Iterable[str]) -> dict[Name, str]:
    """Returns `NAME=REFERENCE` arguments as name → reference.

    Raises:
        ConfigError: a name is unknown, or a reference is none.
    """
    found: dict[Name, str] = {}
    for argument in images:
        text, _, reference = argument.partition("=")
        name = next((known for known in NAMES if known == text), None)
        if name is None or not REFERENCE.fullmatch(reference):
            raise ConfigError(
                f"--image {argument}",
                "is not NAME=REFERENCE with a known name",
                f"Known names: {', '.join(NAMES)}",
            )
        found[name] = reference
    return found


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


def _compiled(options: BuildOptions | None, literals: bool, manifest: Any = None) -> bytes:
    """Returns the package, or with `manifest`, kfp's options for them, Kubernetes objects."""
    from kfp.compiler import Compiler

    from pipelines.literals import offer
    from pipelines.train_and_deploy import LITERALS, build_pipeline

    pipeline = build_pipeline(options)
    offer(pipeline.pipeline_spec, LITERALS if literals else {})
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
