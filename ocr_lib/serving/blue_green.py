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

from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import CORE_SUFFIX, RESERVED
from ocr_lib.serving.admin import TritonAdmin
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

    @classmethod
    def build(cls, bundle: Path, model: str, version: int) -> "Target":
        """Builds both from a bundle; OCR_TRITON_TENSORRT says what the servers run it by."""
        tensorrt = Settings.from_env().triton_tensorrt
        live = build_model_version(bundle, model, version, tensorrt=tensorrt)
        digest = Bundle.open(bundle, verify=False).digest
        return cls(live, live.renamed(release_name(model, version, digest)))

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
    if not server.ready(release.core, release.version):
        _load_network(server, release)
    if not golden:
        return []
    _load_files(server, release.name, release.configs[release.name], release)
    server.wait_ready(release.name, release.version)
    answers = smoke(server.url, release.name, release.version, golden)
    if check:
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


def _load_network(server: TritonAdmin, release: ModelVersion) -> None:
    """Loads a release's network; it has run at every width before Triton warms it up.

    In Triton 2.51 a network that fails at its warm-up takes the whole server along.
    """
    config = dict(release.configs[release.core])
    samples = config.pop("model_warmup")
    _load_files(server, release.core, config, release)
    server.wait_ready(release.core, release.version)
    for sample in samples:
        ((name, tensor),) = sample["inputs"].items()
        server.run_zeros(release.core, release.version, name, tensor["dims"])
    _load_files(server, release.core, release.configs[release.core], release)


def _load_files(server: TritonAdmin, name: str, config: Config, model: ModelVersion) -> None:
    """Loads a model from files that were verified here, not from the repository."""
    files = {f"{model.version}/{file}": content for file, content in model.files[name].items()}
    server.load(name, config, files)
