"""Builds the images, pushes them where asked, and writes down which they are.

    python images/build.py --registry registry.example/ocr --push

`build/images.json` holds name → reference: by digest where they were pushed, so that a package or a
manifest means these very bytes; else by tag. What is pushed is built on a base by digest, too, and
a label of the image has it. An image that is not built keeps its entry. Each folder of
`manifests/overlays/` and `manifests/kubeflow/` gets one below `build/manifests/` that builds on it
and names these images: no file that git tracks changes.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("data", "train", "serve", "triton", "triton-cpu")
# What the manifests run; the rest runs as steps of the pipeline, which the package names.
IN_MANIFESTS = ("data", "serve", "triton", "triton-cpu")
PREFIX = "ocr-pipelines"
# Image → the argument of its Dockerfile that names the base, and the variables that set it, the
# first one that is set.
BASES = {
    "data": ("BASE", ("PYTHON_BASE",)),
    "train": ("PADDLE_BASE", ("PADDLE_BASE", "PYTHON_BASE")),
    "serve": ("BASE", ("PYTHON_BASE",)),
    "triton": ("TRITON_BASE", ("TRITON_BASE",)),
    "triton-cpu": ("BASE", ("PYTHON_BASE",)),
}
RECORD = ROOT / "build" / "images.json"
MANIFESTS = ROOT / "manifests"
PINNED = ROOT / "build" / "manifests"


def version() -> str:
    """Returns the package's version, which is the tag of its images."""
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def tag(name: str, registry: str, number: str) -> str:
    """Returns what an image is called: `registry.example/ocr/train:0.2.0`."""
    return f"{registry.rstrip('/') or PREFIX}/{name}:{number}"


def base_of(name: str, environment: Mapping[str, str]) -> tuple[str, bool]:
    """Returns the base that an image is built on, and whether a variable names it."""
    argument, variables = BASES[name]
    for variable in variables:
        if base := environment.get(variable):
            return base, True
    text = (ROOT / "images" / f"{name}.Dockerfile").read_text("utf-8")
    default = re.search(rf"^ARG {argument}=(\S+)$", text, re.MULTILINE)
    assert default is not None
    return default[1], False


def unpinned(names: Sequence[str], environment: Mapping[str, str]) -> str:
    """Returns why images must not be pushed; empty where every base has a digest or was named."""
    for name in names:
        base, named = base_of(name, environment)
        if not named and "@sha256:" not in base:
            variable = BASES[name][1][-1]
            return (
                f"{base}, the base of {name}, has no digest, so the same tag may be another image "
                f"tomorrow. Pin it: make images {variable}={base}@sha256:… (`docker buildx "
                f"imagetools inspect {base}` says which), or take the tag as it is: "
                f"{variable}={base}"
            )
    return ""


def build_command(docker: str, name: str, reference: str, base: str) -> list[str]:
    """Returns the command that builds one image; a label says on which base."""
    arguments = [f"--build-arg={BASES[name][0]}={base}"]
    label = f"--label=org.opencontainers.image.base.name={base}"
    dockerfile = ROOT / "images" / f"{name}.Dockerfile"
    return [docker, "build", "-f", str(dockerfile), "-t", reference, label, *arguments, str(ROOT)]


def pinned(reference: str, digests: Sequence[str]) -> str:
    """Returns an image by the digest that its registry gave it.

    Args:
        reference: what it was pushed as, `registry/name:tag`.
        digests: `repository@sha256:…` of every registry that holds the image; podman writes out
            Docker's own, as in `docker.io/library/python`.
    """
    head, _, last = reference.rpartition("/")
    repository = f"{head}/{last.partition(':')[0]}".removeprefix("/")
    for digest in digests:
        if f"/{digest}".partition("@sha256:")[0].endswith(f"/{repository}"):
            return digest
    raise SystemExit(f"{reference}: the registry returned no digest. Was it pushed?")


def kustomization(folder: str, images: Mapping[str, str]) -> str:
    """Returns a kustomization that builds on a folder of the manifests and names the images.

    Training jobs run the image `train`, which no object of the manifests names: the admission
    policy gets its registry.

    Args:
        folder: relative to `manifests/`, as `overlays/prod`.
        images: name → reference; those that are missing keep this version's tag.
    """
    up = "/".join([".."] * len(Path("build", "manifests", folder).parts))
    lines = [
        f"# `make images` writes this file: manifests/{folder} with the images that it built.",
        "apiVersion: kustomize.config.k8s.io/v1beta1",
        "kind: Kustomization",
        "resources:",
        f"  - {up}/manifests/{folder}",
        "images:",
    ]
    for name in IN_MANIFESTS:
        if name not in images:
            continue
        repository, _, digest = images[name].partition("@")
        if digest:
            place = f"newName: {repository}, digest: {digest}"
        else:
            repository, _, number = repository.rpartition(":")
            place = f"newName: {repository}, newTag: {number}"
        lines.append(f"  - {{name: {PREFIX}/{name}, {place}}}")
    if "train" in images:
        registry = images["train"].partition("@")[0].rpartition("/")[0]
        variable = "/spec/variables/0"
        lines += [
            "patches:",
            "  - target: {kind: ValidatingAdmissionPolicy, name: ocr-training-jobs}",
            "    patch: |-",
            f"      - {{op: test, path: {variable}/name, value: registries}}",
            f"      - {{op: replace, path: {variable}/expression, value: \"['{registry}']\"}}",
        ]
    return "\n".join(lines) + "\n"


def pin(images: Mapping[str, str]) -> None:
    """Writes a kustomization with the images for each folder of the manifests that is applied."""
    for file in sorted(MANIFESTS.glob("overlays/*/kustomization.yaml")) + sorted(
        MANIFESTS.glob("kubeflow/*/kustomization.yaml")
    ):
        folder = file.parent.relative_to(MANIFESTS)
        out = PINNED / folder / "kustomization.yaml"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(kustomization(folder.as_posix(), images))


def make(args: argparse.Namespace) -> dict[str, str]:
    """Builds and pushes; returns name → reference."""
    made = {}
    for name in args.images:
        reference = tag(name, args.registry, version())
        base, _ = base_of(name, os.environ)
        if args.push and "@sha256:" not in base:
            base = _pulled(args.docker, base)
        _run(build_command(args.docker, name, reference, base))
        if args.push:
            _run([args.docker, "push", reference])
            reference = by_digest(args.docker, reference)
        made[name] = reference
    return made


def _pulled(docker: str, base: str) -> str:
    """Pulls a base; returns it by digest. One that no registry has may be on this machine.

    Raises:
        SystemExit: it can neither be pulled nor has a digest here.
    """
    try:
        _run([docker, "pull", base])
    except SystemExit:
        if not _digests(docker, base):
            raise
        sys.stdout.write(f"{base} cannot be pulled: the image on this machine is taken\n")
    return by_digest(docker, base)


def by_digest(docker: str, reference: str) -> str:
    """Returns an image that was pushed or pulled by the digest that its registry gave it."""
    return pinned(reference, _digests(docker, reference))


def _digests(docker: str, reference: str) -> list[str]:
    """Returns `repository@sha256:…` of an image on this machine; empty where it is not here."""
    inspect = [docker, "inspect", "--format", "{{json .RepoDigests}}", reference]
    answer = subprocess.run(inspect, check=False, capture_output=True, text=True)
    digests: list[str] | None = json.loads(answer.stdout) if not answer.returncode else None
    return digests or []


def main() -> None:
    """Builds what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registry", default="", help="for example registry.example/ocr")
    parser.add_argument("--push", action="store_true", help="push them, and pin their digests")
    parser.add_argument("--docker", default="docker", help="docker, podman or a path")
    parser.add_argument("images", nargs="*", default=list(NAMES), metavar="IMAGE")
    args = parser.parse_args()
    if unknown := set(args.images) - set(NAMES):
        parser.error(f"no such image: {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    if args.push and not args.registry:
        parser.error("--push needs --registry")
    if args.push and (reason := unpinned(args.images, os.environ)):
        parser.error(reason)
    made = make(args)
    former = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    images = {name: (former | made)[name] for name in NAMES if name in former | made}
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(images, indent=2) + "\n")
    pin(images)
    sys.stdout.write(f"{RECORD.relative_to(ROOT)}, {PINNED.relative_to(ROOT)}/\n")


def _run(command: Sequence[str]) -> None:
    sys.stdout.write(f"{' '.join(command)}\n")
    sys.stdout.flush()
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
