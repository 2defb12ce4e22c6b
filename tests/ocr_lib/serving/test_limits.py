"""The numbers of a request's limits, and what is said of them."""

import re
from pathlib import Path

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from ocr_lib.errors import ConfigError
from ocr_lib.inference.tiling import MAX_PIECES
from ocr_lib.serving.limits import (
    MAX_IMAGE_BYTES,
    MAX_IMAGE_PIXELS,
    MAX_IMAGES,
    SHM_BYTES,
    RequestLimits,
    setting,
)
from ocr_lib.settings import variable


def test_the_environment_sets_each_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RequestLimits.from_env() == RequestLimits()
    monkeypatch.setenv("OCR_TRITON_MAX_REQUEST_TILES", "9")
    monkeypatch.setenv("OCR_TRITON_MAX_REQUEST_BYTES", "1000")
    assert RequestLimits.from_env() == RequestLimits(1000, RequestLimits.max_pixels, 9)
    monkeypatch.setenv(setting("pixels"), "many")
    with pytest.raises(ConfigError, match="OCR_TRITON_MAX_REQUEST_PIXELS: 'many'"):
        RequestLimits.from_env()


def test_any_image_that_is_accepted_fits_a_request_alone() -> None:
    assert RequestLimits.max_bytes >= MAX_IMAGE_BYTES
    assert RequestLimits.max_pixels >= MAX_IMAGE_PIXELS
    assert RequestLimits.max_tiles >= MAX_PIECES + 1


def test_the_documentation_has_these_numbers() -> None:
    document = Path(__file__).parents[3] / "docs" / "serving.md"
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \| (.*?) ?\|$", document.read_text("utf-8"), re.M)
    told = {name.split(":")[0]: (int(n.replace(",", "")), where) for name, n, where in rows}
    expected = {
        "images": (MAX_IMAGES, ""),
        "bytes of an image": (MAX_IMAGE_BYTES, ""),
        "pixels of an image": (MAX_IMAGE_PIXELS, ""),
        "bytes of all images": (RequestLimits.max_bytes, f"`{setting('bytes')}`"),
        "pixels of all images": (RequestLimits.max_pixels, f"`{setting('pixels')}`"),
        "tiles of all images": (RequestLimits.max_tiles, f"`{setting('tiles')}`"),
    }
    assert {name: told.get(name) for name in expected} == expected
    (room,) = re.findall(r"manifest makes (\d+) MiB large", document.read_text("utf-8"))
    assert int(room) << 20 == SHM_BYTES


def test_the_manifest_gives_what_a_server_needs() -> None:
    manifest = Path(__file__).parents[3] / "manifests" / "base" / "triton.yaml"
    (pod,) = (
        item["spec"]["template"]["spec"]
        for item in yaml.safe_load_all(manifest.read_text("utf-8"))
        if item["kind"] == "Deployment"
    )
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {
        mount["mountPath"]: volumes[mount["name"]]["emptyDir"]
        for mount in pod["containers"][0]["volumeMounts"]
    }
    assert mounts["/dev/shm"]["medium"] == "Memory"
    assert parse_quantity(mounts["/dev/shm"]["sizeLimit"]) == SHM_BYTES
    memory = parse_quantity(pod["containers"][0]["resources"]["limits"]["memory"])
    assert memory > 2 * SHM_BYTES  # it counts as the container's


def test_the_settings_say_their_defaults() -> None:
    defaults = {
        "bytes": f"0 is {RequestLimits.max_bytes >> 20} MiB",
        "pixels": f"0 is {RequestLimits.max_pixels:,}",
        "tiles": f"0 is {RequestLimits.max_tiles}",
    }
    for limit, default in defaults.items():
        assert variable(f"triton_max_request_{limit}")["meaning"].endswith(default)
