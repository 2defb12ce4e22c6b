import subprocess
import sys

import pytest

from components.images import NAMES, image
from ocr_lib import __version__


def test_the_tag_is_the_version_so_that_a_package_names_the_code_it_was_made_from() -> None:
    assert image("data").endswith(f":{__version__}")


def test_every_dependency_set_has_an_image_of_its_own() -> None:
    assert len({image(name) for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (
            (
                "components.gen_label.step",
                "components.pack_lmdb.step",
                "components.preflight.step",
                "components.clean_up.step",
                "components.evaluate.step",
                "pipelines.cli.cluster.reap",
            ),
            ("paddle", "onnxruntime", "tritonclient"),
        ),
        (
            (
                "components.deploy.step",
                "pipelines.cli.serving.deploy",
                "pipelines.cli.serving.models",
                "pipelines.cli.serving.serve",
                "pipelines.cli.cluster.store",
            ),
            ("paddle",),
        ),
    ],
)
def test_steps_and_commands_import_nothing_that_their_image_lacks(
    modules: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    imports = "; ".join(f"import {module}" for module in modules)
    code = f"import sys; {imports}; assert not set({absent}) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
