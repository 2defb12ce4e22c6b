"""A compiled package: two YAML documents, what they say, and a name for the version they become."""

import hashlib
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from ocr_lib.errors import ConfigError
from ocr_lib.regular_file import read_bounded

DIGEST_CHARS = 16  # of a version's name
MAX_BYTES = 32 << 20
REPOSITORY = Path(__file__).resolve().parents[2]
GIT_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Package:
    """What `ocr pipeline compile` wrote.

    Attributes:
        path: where it lies.
        content: its bytes.
    """

    path: Path
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the package."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def name(self) -> str:
        """The pipeline's name, which its versions share."""
        return str(self.spec["pipelineInfo"]["name"])

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """What a run may be given: name → type, default, description, literals."""
        return dict(self.spec["root"].get("inputDefinitions", {}).get("parameters", {}))

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The pipeline: the first document."""
        return self._documents[0]

    @cached_property
    def platform(self) -> dict[str, Any]:
        """Where its steps run, with which secrets: the second document."""
        return self._documents[1]

    @cached_property
    def _documents(self) -> list[dict[str, Any]]:
        try:
            documents = list(yaml.safe_load_all(self.content))
            if len(documents) == 2 and "root" in documents[0] and "platforms" in documents[1]:
                return documents
        except (yaml.YAMLError, TypeError, UnicodeDecodeError):
            pass
        raise ConfigError(
            str(self.path),
            "not a package of two documents, the pipeline and its platform",
            "Write it with `ocr pipeline compile`",
        )

    def version_name(self, commit: str) -> str:
        """Returns the name of the version that this package becomes: commit and digest."""
        return f"{commit}-{self.digest[:DIGEST_CHARS]}"

    def lost(self, answer: Any) -> list[str]:
        """Returns which of the two documents a server does not hold as they were sent.

        Args:
            answer: `pipeline_spec` of the version that the server holds.
        """
        value = answer if isinstance(answer, dict) else {}
        spec = value.get("pipeline_spec", value)  # the bare specification where it has no platform
        equal = {
            "pipeline": _same(spec, self.spec, pipeline_spec_pb2.PipelineSpec),
            "platform": _same(
                value.get("platform_spec"), self.platform, pipeline_spec_pb2.PlatformSpec
            ),
        }
        return [name for name, same in equal.items() if not same]


def read_package(path: Path) -> Package:
    """Reads a package.

    Raises:
        ConfigError: there is none, or it is something else.
    """
    try:
        package = Package(path, read_bounded(path, MAX_BYTES))
    except OSError as error:
        raise ConfigError(
            str(path), f"cannot be read ({error.strerror})", "Run `ocr pipeline compile` first"
        ) from None
    if not package.spec:
        raise ConfigError(str(path), "empty", "Run `ocr pipeline compile` again")
    return package


def commit_of(folder: Path = REPOSITORY) -> str:
    """Returns the commit that a folder is at, `-dirty` where files differ from it."""
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        return f"{commit}-dirty" if _git(folder, "status", "--porcelain", "-uno") else commit
    except (OSError, subprocess.SubprocessError):
        return "no-commit"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_TIMEOUT_S)
    return run.stdout.strip()


def _same(answer: Any, sent: dict[str, Any], kind: Any) -> bool:
    """Compares as messages: a server writes numbers and defaults in its own way."""
    if not isinstance(answer, dict):
        return False
    try:
        received = json_format.ParseDict(answer, kind(), ignore_unknown_fields=True)
        return bool(received == json_format.ParseDict(sent, kind()))
    except json_format.ParseError:
        return False
