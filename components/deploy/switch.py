"""Changing the version that one server serves, without a gap and without an untested answer.

Triton loads a model before it swaps it for the former one, so a single model changes without a
gap. Two models that belong together need an order: the new network is loaded under a name of its
own (staged) and tested; `<name>` then changes to the new version calling the staged network; now
nobody calls `<name>_core`, which changes; at last `<name>` goes over to it.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.deploy.admin import TritonAdmin
from components.deploy.repository import ModelVersion, build_model_version, calling
from components.deploy.smoke import Answer, Golden, smoke

STAGED_SUFFIX = "_staged"  # and the version: what a deployment that died left disturbs no other


@dataclass(frozen=True)
class Target:
    """A version to serve: its models under their own names, and under names of the stage."""

    live: ModelVersion
    staged: ModelVersion

    @classmethod
    def build(cls, bundle: Path, model: str, version: int) -> "Target":
        """Builds both from a bundle; OCR_TRITON_TENSORRT says what the servers run it by."""
        tensorrt = os.environ.get("OCR_TRITON_TENSORRT", "")
        live = build_model_version(bundle, model, version, tensorrt=tensorrt)
        staged = live.renamed(f"{model}{STAGED_SUFFIX}{version}")
        # Not warmed up: in Triton 2.51 a network that fails at that takes the whole server along.
        del staged.configs[staged.core]["model_warmup"]
        return cls(live, staged)


def stage(
    server: TritonAdmin,
    target: Target,
    golden: Sequence[Golden],
    check: Callable[[str, int], None] | None = None,
) -> list[Answer]:
    """Loads a version beside the one in production and asks it for the golden images.

    Its network stays loaded for `switch`; it has run at every width by then, so that warming it up
    cannot fail. Without golden images the network is all that is loaded.

    Args:
        server: where to.
        target: the version.
        golden: what it has to read.
        check: is called with the staged model's name and version when it has read them.

    Raises:
        ServiceError: the server does not take it, or it reads something else.
    """
    staged = target.staged
    _load_files(server, staged, staged.core)
    _run_every_width(server, target)
    if not golden:
        return []
    _load_files(server, staged, staged.name)
    server.wait_ready(staged.name, staged.version)
    answers = smoke(server.url, staged.name, staged.version, golden)
    if check:
        check(staged.name, staged.version)
    server.unload(staged.name)
    return answers


def switch(server: TritonAdmin, target: Target, golden: Sequence[Golden]) -> list[Answer]:
    """Makes a staged version the one that serves, and asks it for the golden images.

    Raises:
        ServiceError: the server does not take it, or it reads something else.
    """
    live, staged = target.live, target.staged
    server.load(live.name, calling(live.configs[live.name], staged.core))
    server.drain(live.core)
    server.load(live.core, live.configs[live.core])
    server.load(live.name, live.configs[live.name])
    server.wait_ready(live.name, live.version)
    answers = smoke(server.url, live.name, live.version, golden) if golden else []
    server.drain(staged.core)
    clear_stage(server, live.name)
    return answers


def clear_stage(server: TritonAdmin, model: str) -> None:
    """Unloads everything that was staged for a model, also by a deployment that died."""
    for name in server.loaded(model + STAGED_SUFFIX):
        server.unload(name)


def withdraw(server: TritonAdmin, model: ModelVersion) -> None:
    """Takes both models off a server."""
    for name in (model.name, model.core):
        server.unload(name)


def _load_files(server: TritonAdmin, model: ModelVersion, name: str) -> None:
    """Loads a model from its files, without the repository."""
    files = {f"{model.version}/{file}": content for file, content in model.files[name].items()}
    server.load(name, model.configs[name], files)


def _run_every_width(server: TritonAdmin, target: Target) -> None:
    """Runs the staged network once at every width that it will be warmed up with."""
    staged = target.staged
    server.wait_ready(staged.core, staged.version)
    for sample in target.live.configs[target.live.core]["model_warmup"]:
        ((name, tensor),) = sample["inputs"].items()
        server.run_zeros(staged.core, staged.version, name, tensor["dims"])
