"""Changing the version that one server serves, without a gap and without an untested answer.

Every version's network runs under a name of its own (its release: version and digest), and
`<name>` says which one it calls. So reloading `<name>` is the whole change, and Triton makes
that without a gap. The former network stays loaded: requests that the former `<name>` accepted
still call it, however long they wait, and a rollback finds it ready. What neither production nor a
rollback needs goes once nothing has called it for longer than a request can wait.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocr_lib.data.image import Preprocess
from ocr_lib.inference.bundle import Bundle
from ocr_lib.opencv import cv2
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import CORE_SUFFIX, RESERVED
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.model_repository import (
    QUEUE_TIMEOUT_US,
    Config,
    ModelVersion,
    build_model_version,
    with_core_model,
)
from ocr_lib.serving.smoke import SmokeResult, smoke
from ocr_lib.settings import Settings

RELEASE_INFIX = "_release"
DIGEST_LENGTH = 8  # tells version 2 of one registry from version 2 of another
# A request waits for QUEUE_TIMEOUT_US at most, then calls the network batch after batch.
IDLE_S = 3 * QUEUE_TIMEOUT_US / 1e6


@dataclass(frozen=True)
class Target:
    """A version to serve: its models as the repository names them, and as its release does."""

    live: ModelVersion
    release: ModelVersion
    lines: tuple[bytes, ...]  # an image for each width of the network

    @classmethod
    def build(cls, bundle: Path, model: str, version: int) -> "Target":
        """Builds both from a bundle; OCR_TRITON_TENSORRT says what the servers run it by."""
        tensorrt = Settings.from_env().triton_tensorrt
        live = build_model_version(bundle, model, version, tensorrt=tensorrt)
        opened = Bundle.open(bundle, verify=False)
        release = live.renamed(release_name(model, version, opened.digest))
        return cls(live, release, width_lines(opened.preprocess))

    @property
    def served(self) -> Config:
        """The configuration by which `<name>` answers with this version."""
        return with_core_model(self.live.configs[self.live.name], self.release.core)


def release_name(model: str, version: int, digest: str) -> str:
    """Returns what a version's models are called beside those of others."""
    return f"{model}{RELEASE_INFIX}{version}_{digest[:DIGEST_LENGTH]}"


def load(
    server: TritonAdmin,
    target: Target,
    golden: Sequence[GoldenImage],
    check: Callable[[str, int], None] | None = None,
) -> list[SmokeResult]:
    """Loads a version beside the one in production and asks it for the golden images.

    Its network stays loaded for `activate`. Without golden images only the network is loaded.

    Args:
        server: where to.
        target: the version.
        golden: what it has to read.
        check: is called with the release's name and version when it has read them.

    Raises:
        ServiceError: the server does not take it, or it reads something else.
    """
    release = target.release
    fresh = not server.ready(release.core, release.version)
    if not (fresh or golden):
        return []
    if fresh:
        _load_network(server, target)
    else:
        _load_text(server, release)
    answers = smoke(server.url, release.name, release.version, golden) if golden else []
    if golden and check:
        check(release.name, release.version)
    server.unload(release.name)
    return answers


def activate(
    server: TritonAdmin, target: Target, golden: Sequence[GoldenImage]
) -> list[SmokeResult]:
    """Makes a loaded version serve, and asks it for the golden images.

    Raises:
        ServiceError: the server does not take it, or it reads something else.
    """
    live = target.live
    _load_files(server, live.name, target.served, live)
    server.wait_ready(live.name, live.version)
    return smoke(server.url, live.name, live.version, golden) if golden else []


def serve(server: TritonAdmin, target: Target, golden: Sequence[GoldenImage]) -> list[SmokeResult]:
    """Stages a version and switches to it: for a server alone, out of step with the others.

    Raises:
        ServiceError: the server does not take it, or it reads something else.
    """
    load(server, target, golden)
    return activate(server, target, golden)


def deactivate(server: TritonAdmin, target: Target) -> None:
    """Takes a version off a server that serves no other."""
    for name in (target.live.name, target.release.core):
        server.unload(name)


def stale_models(server: TritonAdmin, model: str, keep: Collection[str]) -> list[str]:
    """Returns the loaded parts of a model's versions that are no longer needed or called.

    Hold the lease before unloading: a model being loaded looks the same.

    Args:
        server: of which server; its clock is taken to agree with this one to within seconds.
        model: the model's name.
        keep: releases (`release_name`) that stay beside the network that `<name>` calls.
    """
    needed = {server.parameter(model, "core"), *(name + CORE_SUFFIX for name in keep)}
    before = time.time() - IDLE_S
    return [
        name
        for name, last_s in server.last_inference_s(model).items()
        if RESERVED.fullmatch(name.removeprefix(model)) and name not in needed and last_s < before
    ]


def unload_stale(server: TritonAdmin, model: str, keep: Collection[str]) -> None:
    """Unloads what is left over; needs the lease."""
    for name in stale_models(server, model, keep):
        server.unload(name)


def width_lines(preprocess: Preprocess) -> tuple[bytes, ...]:
    """Returns an image for each width bucket, PNG, that is read in this width."""
    height, lines = preprocess.height, []
    for bucket in preprocess.buckets:
        widths = (w for w in range(bucket, 0, -1) if preprocess.bucket(w, height) == bucket)
        pixels = np.full((height, next(widths, bucket), 3), 255, np.uint8)
        pixels[:, ::2] = 0  # an image of a single colour is not read
        lines.append(bytes(cv2.imencode(".png", pixels)[1]))
    return tuple(lines)


def _load_network(server: TritonAdmin, target: Target) -> None:
    """Loads a release's network; it has run at every width before Triton warms it up.

    In Triton 2.51 a network that fails at its warm-up takes the whole server along. It takes calls
    from the model in front of it alone, which is therefore loaded, and asked for lines.
    """
    release = target.release
    config = dict(release.configs[release.core])
    del config["model_warmup"]
    _load_files(server, release.core, config, release)
    server.wait_ready(release.core, release.version)
    _load_text(server, release)
    with RecognitionClient(server.url, release.name, version=release.version) as client:
        for line in target.lines:
            client.read(line)
    _load_files(server, release.core, release.configs[release.core], release)


def _load_text(server: TritonAdmin, release: ModelVersion) -> None:
    _load_files(server, release.name, release.configs[release.name], release)
    server.wait_ready(release.name, release.version)


def _load_files(server: TritonAdmin, name: str, config: Config, model: ModelVersion) -> None:
    """Loads a model from files that were verified here, not from the repository."""
    files = {f"{model.version}/{file}": content for file, content in model.files[name].items()}
    server.load(name, config, files)
