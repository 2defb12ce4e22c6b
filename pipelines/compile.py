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

from components.images import NAMES, variable
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


def run(args: argparse.Namespace) -> int:
    """Compiles, and says where the package lies."""
    os.environ.update(image_variables(args.image))
    compile_pipeline(args.out)
    sys.stdout.write(f"{args.out}\n")
    return 0


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


def compile_pipeline(out: Path = OUT) -> None:
    """Writes the package: the pipeline's specification and its Kubernetes settings, two documents.

    Raises:
        OcrError: a component is too large for the backend.
    """
    from kfp import compiler

    from pipelines.train_and_deploy import train_and_deploy

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
