"""A compiled package."""

from pathlib import Path

import pytest
import yaml

from ocr_lib.errors import ConfigError
from pipelines.kfp_api.package import Package, commit_of, read_package


def test_a_change_in_what_is_held_is_found_out(package: Package) -> None:
    answer = {"pipeline_spec": package.spec, "platform_spec": package.platform}
    assert package.lost(answer) == []
    root = {**package.spec["root"], "dag": {"tasks": {}}}
    assert package.lost({**answer, "pipeline_spec": {**package.spec, "root": root}}) == ["pipeline"]
    assert package.lost(None) == ["pipeline", "platform"]


@pytest.mark.parametrize("content", ["", "a: 1", "a: 1\n---\nb: 2", "[", "root: 1\n---\n- 1"])
def test_something_else_is_no_package(tmp_path: Path, content: str) -> None:
    path = tmp_path / "package.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match="ocr pipeline compile"):
        read_package(path)


def test_a_package_that_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Run `ocr pipeline compile` first"):
        read_package(tmp_path / "none.yaml")


def test_the_commit_is_git_s(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == "no-commit"


def test_the_package_is_two_documents_as_the_client_library_sees_them(package: Package) -> None:
    documents = list(yaml.safe_load_all(package.content))
    assert [package.spec, package.platform] == documents
    assert package.name == "ocr-train-and-deploy"
