import pytest

from components import images


def test_the_tag_is_the_version_so_that_a_package_names_the_code_it_was_made_from() -> None:
    assert images.DATA.endswith(f":{images.__version__}")


def test_an_image_is_overridden_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(images.variable("train"), "registry/ocr@sha256:00")
    assert images.reference("train") == "registry/ocr@sha256:00"
    assert images.reference("data") == images.DATA
