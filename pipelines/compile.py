"""The KFP package: the DAG as one YAML file, the same bytes every time."""

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.images import NAMES, read_images, variable
from ocr_lib.atomic import write_bytes
from ocr_lib.errors import ConfigError, OcrError

DESCRIPTION = "Compile the pipeline to a KFP package, ready to upload."
EXAMPLES = """\
  ocr pipeline compile
  ocr pipeline compile --images build/images.json
  ocr pipeline compile --out build/ocr_pipeline.yaml --image train=registry/ocr-train@sha256:…"""

OUT = Path("build/ocr_pipeline.yaml")
# A longer command uploads and compiles, but the backend's driver cannot read it: Argo passes it as
# `@file` then.
MAX_COMPONENT_BYTES = 128 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline compile`."""
    parser.add_argument("--out", type=Path, default=OUT, help="the package (default: %(default)s)")
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="NAME=REFERENCE",
        help=f"image of a dependency set ({', '.join(NAMES)}); may be repeated",
    )
    parser.add_argument(
        "--images", type=Path, metavar="FILE", help="all images by digest, as `make images` wrote"
    )
    parser.add_argument(
        "--train-accelerators",
        type=int,
        metavar="N",
        help="devices of each training pod (default: 1); 0: no step asks for any",
    )
    parser.add_argument(
        "--native", type=Path, metavar="FILE", help="also write Kubernetes objects, for kubectl"
    )
    parser.add_argument(
        "--namespace", default="kubeflow", help="of the Kubernetes objects (default: %(default)s)"
    )
    parser.add_argument(
        "--no-literals",
        action="store_true",
        help="without lists of allowed values, which backends before 2.16 do not know",
    )


def run(args: argparse.Namespace) -> int:
    """Compiles, and says where the package lies."""
    if args.images:
        os.environ.update({variable(n): ref for n, ref in read_images(args.images).items()})
    os.environ.update(image_variables(args.image))
    if args.train_accelerators is not None:
        os.environ["OCR_TRAIN_ACCELERATORS"] = str(args.train_accelerators)
    compile_pipeline(args.out, literals=not args.no_literals)
    sys.stdout.write(f"{args.out}\n")
    if args.native:
        write_native(args.out, args.native, args.namespace)
        sys.stdout.write(f"{args.native}\n")
    return 0


def write_native(package_path: Path, out: Path, namespace: str) -> None:
    """Writes a compiled package as Kubernetes objects."""
    from pipelines.native import native_manifests
    from pipelines.remote.package import commit_of, read_package

    package = read_package(package_path)
    version = package.version_name(commit_of())
    write_bytes(out, native_manifests(package.spec, package.platform, version, namespace))


def image_variables(images: list[str]) -> dict[str, str]:
    """Returns `NAME=REFERENCE` arguments as the environment that `components.images` reads."""
    variables = {}
    for image in images:
        name, _, reference = image.partition("=")
        if name not in NAMES or not reference:
            raise ConfigError(
                f"--image {image}",
                "is not NAME=REFERENCE with a known name",
                f"Known names: {', '.join(NAMES)}",
            )
        variables[variable(name)] = reference
    return variables


def compile_pipeline(out: Path = OUT, *, literals: bool = True) -> None:
    """Writes the package: the pipeline's specification and its Kubernetes settings, two documents.

    Args:
        out: the file.
        literals: whether it lists the values that a parameter may have.

    Raises:
        OcrError: a component is too large for the backend.
    """
    from kfp import compiler

    from pipelines.literals import offer
    from pipelines.train_and_deploy import LITERALS, train_and_deploy

    offer(train_and_deploy.pipeline_spec, LITERALS if literals else dict.fromkeys(LITERALS, ()))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="kfp")
        package = Path(folder) / "package.yaml"
        compiler.Compiler().compile(train_and_deploy, str(package))
        content = package.read_bytes()
    check_sizes(next(yaml.safe_load_all(content)))
    write_bytes(out, content)


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
