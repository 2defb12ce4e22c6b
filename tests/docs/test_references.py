"""What documentation and manifests name exists: files, namespaces, objects of the manifests."""

import re
from pathlib import Path

import pytest

from tests.manifests.overlays import MANIFESTS, OVERLAYS, ROOT, overlay

FOLDERS = "benchmarks|components|docs|images|manifests|ocr_lib|pipelines|requirements|tests"
PATH = re.compile(rf"(?<![\w/.:<-])((?:build/)?(?:{FOLDERS})/[\w./-]*\w)(?![\w/]*[*<…])")
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
FILES = [
    *DOCUMENTS,
    *sorted(ROOT.glob("*/README.md")),
    *sorted(MANIFESTS.rglob("*.yaml")),
]
# Not of the repository: what commands of the text make, and PaddleOCR's own folders.
ELSEWHERE = re.compile(r"^(images/(word|img)|build/(?!manifests/))")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_file_that_is_named_exists(file: Path) -> None:
    text = file.read_text("utf-8")
    named = {name for name in PATH.findall(text) if not ELSEWHERE.match(name)}
    bases = (ROOT, file.parent, MANIFESTS)  # manifests name each other without their folder
    gone = [
        name
        for name in sorted(named)
        if not any((base / name.removeprefix("build/")).exists() for base in bases)
    ]
    assert not gone


def test_commands_name_namespaces_and_objects_of_the_manifests() -> None:
    text = "\n".join(file.read_text("utf-8") for file in DOCUMENTS)
    objects = [item for name in OVERLAYS for item in overlay(name)]
    known = {"kubeflow"} | {i["metadata"]["name"] for i in objects if i["kind"] == "Namespace"}
    named = set(re.findall(r"(?:--namespace|--steps-namespace|kubectl -n) ([a-z][\w-]*)", text))
    assert named == known
    kinds = {(item["kind"].lower(), item["metadata"]["name"]) for item in objects}
    for kind, name in re.findall(r"\b(cronjob|deployment)/([a-z][\w-]*)", text):
        assert (kind, name) in kinds
