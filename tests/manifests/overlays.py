"""The manifests as kustomize builds them."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from ocr_lib import __version__

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "manifests"
OVERLAYS = sorted(folder.name for folder in (MANIFESTS / "overlays").iterdir())
VERSION = __version__

Tree = dict[str, Any]


@cache
def overlay(name: str) -> tuple[Tree, ...]:
    """Returns the objects of an overlay."""
    return build(MANIFESTS / "overlays" / name)


def build(folder: Path) -> tuple[Tree, ...]:
    """Builds a folder; skips the test where there is no kubectl."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not here: it builds the manifests")
    command = ["kubectl", "kustomize", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr, run.stderr
    return tuple(yaml.safe_load_all(run.stdout))


def variant(folder: Path, name: str, component: str, other: str) -> Path:
    """Writes an overlay with another component in place of one, as a copy of a user's may have.

    Args:
        folder: where to.
        name: of the overlay.
        component: name of the component that it has.
        other: name of the component that it gets instead.

    Returns:
        The folder of the overlay.
    """
    for part in ("base", "components", "steps"):
        (folder / part).symlink_to(MANIFESTS / part)
    overlay = folder / "overlays" / name
    shutil.copytree(MANIFESTS / "overlays" / name, overlay)
    file = overlay / "kustomization.yaml"
    before = f"../../components/{component}\n"
    text = file.read_text("utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, f"../../components/{other}\n"))
    return overlay


@cache
def certificates(*namespaces: str) -> tuple[Tree, ...]:
    """Returns what the documented command makes for TLS."""
    command = ["sh", str(MANIFESTS / "make-certificates.sh"), *namespaces]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return tuple(yaml.safe_load_all(run.stdout))


def one(objects: tuple[Tree, ...], kind: str, name: str) -> Tree:
    """Returns the object of that kind and name."""
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def pods(objects: tuple[Tree, ...]) -> Iterator[tuple[str, Tree]]:
    """Yields owner and specification of every pod that the objects make."""
    for item in objects:
        spec = item.get("spec") or {}
        if item["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield f"{item['kind']} {item['metadata']['name']}", spec["template"]


def containers(pod: Tree) -> list[Tree]:
    """Returns all containers of a pod's template."""
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def amount_of(quantity: str) -> float:
    """Returns a quantity of Kubernetes as a number of cores or bytes."""
    return float(parse_quantity(quantity))
