"""The points that warps are made of are drawn as PaddleOCR draws them."""

import random
from types import SimpleNamespace

import numpy as np
import pytest

from ocr_lib.data.augment import tia
from tests.ocr_lib.data.augment.law import assert_alike, seed_peer


@pytest.mark.parametrize("name", ["distort", "stretch", "perspective"])
def test_points_are_drawn_alike(
    peer: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    height, width, times = 36, 170, 1500
    taken: list[np.ndarray] = []

    class Recorder(peer.warp):  # type: ignore[name-defined, misc]
        def generate(self) -> np.ndarray:
            taken.append(np.array(self.dst_pts) - np.array(self.src_pts))
            return self.src

    monkeypatch.setattr(peer.tia, "WarpMLS", Recorder)
    seed_peer(1)
    image = np.zeros((height, width, 3), np.uint8)
    segments = [] if name == "perspective" else [1]
    for _ in range(times):
        getattr(peer.tia, f"tia_{name}")(image, *(random.randint(3, 6) for _ in segments))
    rng = np.random.default_rng(1)
    ours = []
    for _ in range(times):
        draw = {"distort": tia.distort, "stretch": tia.stretch, "perspective": tia.tilt}[name]
        sources, targets = draw(height, width, rng)
        ours.append(np.stack([(targets - sources).real, (targets - sources).imag], axis=1))
    assert_alike([len(m) for m in ours], [len(m) for m in taken])
    for corner in range(4):
        for axis in range(2):
            assert_alike([m[corner, axis] for m in ours], [m[corner, axis] for m in taken])
    if name != "perspective":
        for axis in range(2):
            assert_alike([m[-1, axis] for m in ours], [m[-1, axis] for m in taken])
            assert_alike([m[4:, axis].std() for m in ours], [m[4:, axis].std() for m in taken])
