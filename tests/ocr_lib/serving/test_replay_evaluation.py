"""A canary without users."""

from pathlib import Path

import pytest

from ocr_lib.registry.golden_images import GoldenImage, golden_images
from ocr_lib.serving.replay_evaluation import Comparison, RecordedSample, ReplayEvaluation
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.version_change import DeployError, Deployment
from tests.ocr_lib.serving.site import Site
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, line_image, write_bundle


@pytest.mark.slow
def test_recorded_lines_hold_a_version_back(
    site: Site, bundle: Path, other_bundle: Path, tmp_path: Path
) -> None:
    """The golden images are of its own export: only what was read before tells."""
    turned = write_bundle(tmp_path / "turned", CHARACTERS[::-1])
    golden = golden_images(turned, {"a.png": line_image("a")})
    site.deploy(bundle, "shadowed")
    lines = [RecordedSample(f"{text}.png", line_image(text), text) for text in ("abc", "cab", "a")]

    def put(bundle: Path, golden: list[GoldenImage], max_changed: float | None) -> Deployment:
        where = {"store": site.store, "endpoints": [site.url]}
        shadow = ReplayEvaluation([*lines, RecordedSample("bad", b"no image")], max_changed)
        return deploy(str(bundle), "shadowed", golden, shadow=shadow, force="a test", **where)

    with pytest.raises(DeployError, match=r"3 of 3 recorded lines differently .* more than 50%"):
        put(turned, golden, 0.5)
    with pytest.raises(DeployError, match="0 of 3 corrected lines right, the one in production 3"):
        put(turned, golden, 1.0)
    assert site.loaded("shadowed") == site.networks("shadowed", 1)
    found = put(other_bundle, site.golden, 0.0)
    assert found.production.version == 2
    assert found.shadow == Comparison(3, 0, 3, 3, 3, ())
    reported = put(turned, golden, None).shadow
    assert str(reported) == (
        "3 of 3 recorded lines are read otherwise; of 3 with a known truth 0 are read right, "
        "3 before"
    )
