import subprocess
import sys

import pytest

from components.images import image, variable
from ocr_lib import __version__


def test_the_tag_is_the_version_so_that_a_package_names_the_code_it_was_made_from() -> None:
    assert image("data").endswith(f":{__version__}")


def test_an_image_is_overridden_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("train"), "registry/ocr@sha256:00")
    assert image("train") == "registry/ocr@sha256:00"
    assert image("data") != image("train")


@pytest.mark.parametrize(
    ("steps", "absent"),
    [
        (("gen_label", "pack_lmdb", "preflight"), ("paddle", "onnxruntime", "tritonclient")),
        (("deploy",), ("paddle",)),
    ],
)
def test_steps_import_nothing_that_their_image_lacks(
    steps: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    imports = "; ".join(f"import components.{step}.step" for step in steps)
    code = f"import sys; {imports}; assert not set({absent}) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
