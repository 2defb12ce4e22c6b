import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.images import image
from ocr_lib.errors import OcrError
from pipelines.cli.main import main
from pipelines.compile import MAX_COMPONENT_BYTES, check_sizes, compile_pipeline
from pipelines.kfp_api.package import DIGEST_CHARS, read_package
from pipelines.placement import BuildOptions, default_images

GIVEN = f"registry/given@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "ocr_pipeline.yaml"
    compile_pipeline(path)
    return path


def test_another_process_writes_the_same_bytes_but_for_the_image_it_is_given(
    package: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again.yaml"
    arguments = ["pipeline", "compile", "--out", str(out), "--image", f"serve={GIVEN}"]
    subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", *arguments], check=True, timeout=240
    )
    assert out.read_text("utf-8") == package.read_text("utf-8").replace(image("serve"), GIVEN)


def test_the_package_as_kubernetes_objects_is_the_same_pipeline_and_the_same_bytes(
    package: Path, tmp_path: Path
) -> None:
    arguments = ["pipeline", "compile", "--namespace", "kfp", "--out", str(tmp_path / "out.yaml")]
    natives = [tmp_path / "first.yaml", tmp_path / "second.yaml"]
    assert main([*arguments, "--native", str(natives[0])]) == 0
    subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", *arguments, "--native", str(natives[1])],
        check=True,
        timeout=240,
    )
    assert natives[0].read_bytes() == natives[1].read_bytes()
    specification, platform = yaml.safe_load_all(package.read_bytes())
    pipeline, version = yaml.safe_load_all(natives[0].read_bytes())
    assert (pipeline["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
    assert {one["metadata"]["namespace"] for one in (pipeline, version)} == {"kfp"}
    assert pipeline["metadata"]["name"] == version["spec"]["pipelineName"]
    assert pipeline["metadata"]["name"] == specification["pipelineInfo"]["name"]
    assert version["spec"]["pipelineSpec"] == specification
    assert version["spec"]["platformSpec"] == platform
    assert version["metadata"]["name"].endswith(read_package(package).digest[:DIGEST_CHARS])


def test_both_documents_are_in_the_package(package: Path) -> None:
    specification, platform = yaml.safe_load_all(package.read_bytes())
    executors = set(specification["deploymentSpec"]["executors"])
    assert set(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]) == executors


def test_the_code_of_every_step_is_far_from_the_limit(package: Path) -> None:
    specification = next(yaml.safe_load_all(package.read_bytes()))
    for executor in specification["deploymentSpec"]["executors"].values():
        assert len("".join(executor["container"]["command"])) < MAX_COMPONENT_BYTES / 20


def test_a_component_that_no_backend_could_start_is_refused() -> None:
    container = {"command": ["sh"], "args": ["é" * (MAX_COMPONENT_BYTES // 2)]}
    spec: dict[str, Any] = {"deploymentSpec": {"executors": {"exec-a": {"container": container}}}}
    with pytest.raises(OcrError, match="exec-a: 131,074 bytes"):
        check_sizes(spec)


def test_packages_of_one_process_know_nothing_of_each_other(tmp_path: Path, package: Path) -> None:
    images = {**default_images(), "train": GIVEN}
    options = BuildOptions(placement="one-node", images=images, train_in_step=True)
    compile_pipeline(tmp_path / "other.yaml", options, literals=False)
    compile_pipeline(tmp_path / "again.yaml")
    other = (tmp_path / "other.yaml").read_text("utf-8")
    assert "nodeSelector" not in other
    assert "literals" not in other
    assert image("train") not in other
    assert (tmp_path / "again.yaml").read_bytes() == package.read_bytes()


def test_a_step_that_trains_itself_keeps_the_settings_that_others_hand_on(
    tmp_path: Path, package: Path
) -> None:
    compile_pipeline(tmp_path / "in_step.yaml", BuildOptions(train_in_step=True))

    def handed_on(path: Path) -> dict[str, bool]:
        (component,) = [
            component
            for component in next(yaml.safe_load_all(path.read_bytes()))["components"].values()
            if "taskConfigPassthroughs" in component
        ]
        rows = component["taskConfigPassthroughs"]
        return {row["field"]: row.get("applyToTask", False) for row in rows}

    assert set(handed_on(tmp_path / "in_step.yaml").values()) == {True}
    assert [field for field, kept in handed_on(package).items() if kept] == [
        "KUBERNETES_VOLUMES",
        "ENV",
    ]
