"""The run spec: everything that a run was resolved to, in one document.

`plan` writes it before anything is read, packed or trained; all that follows in the run goes by it.
Two runs with equal specs do the same. The document is canonical JSON, so that its SHA-256 names it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ocr_lib.config import parse as parser
from ocr_lib.config import strict_yaml
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.data.roles import SplitRule
from ocr_lib.runspec.options import RunOptions

SCHEMA_VERSION = 1

TrainBackend = Literal["local", "paddlejob"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedSource:
    """A file or folder, and what it was when the run was planned.

    Attributes:
        uri: in the object store, or a local path.
        digest: hex SHA-256: of the content, or of the listing (names, sizes and entity tags).
        of: which of the two.
        bytes: size.
    """

    uri: str
    digest: str
    of: Literal["content", "listing"]
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """What a key of the configuration names, and what it was when the run was planned.

    Attributes:
        key: dotted, such as `Global.character_dict_path`.
        uri: what the configuration says: a path, an `s3://` URI, the name of a dictionary.
        digest: hex SHA-256 of the contents; of a named dictionary, of its file.
        bytes: size of all files.
        path: what the key is set to, below the folder that the files are downloaded to.
        contents: file name → hex SHA-256, under which the object store has a copy; empty for a
            named dictionary, which is part of the installation.
    """

    key: str
    uri: str
    digest: str
    bytes: int
    path: str = ""
    contents: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedConfig:
    """The configuration of a run.

    Attributes:
        uri: what the user named: a shipped configuration, or an object.
        yaml: what it says with its bases, overrides and the run's time budget: the final values.
        files: what it names: dictionary, weights, …
    """

    uri: str
    yaml: str
    files: tuple[PinnedFile, ...] = ()

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the final values, however they came about."""
        return hashlib.sha256(self.yaml.encode()).hexdigest()

    @property
    def content_digest(self) -> str:
        """Hex SHA-256 of the final values, and of the files that they name."""
        files = {file.key: file.digest for file in self.files}
        return _digest([self.digest, files]) if files else self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What a run is made of and how it goes.

    Attributes:
        schema_version: of this document.
        code_version: of the release that planned the run.
        images: container images of the steps by name; empty where the steps are processes.
        model_name: the model's name in Triton and in the registry.
        config: the configuration.
        train_data: sources of the samples to learn from, each with its digest.
        validation_data: of those that choose the checkpoint; none: they are split off.
        test_data: of those that decide.
        pretrained: weights to start from.
        train_backend: where training runs.
        train_workers: how many pods train together.
        triton_urls: `host:port` of every server's gRPC protocol.
        options: everything else.
    """

    schema_version: int = SCHEMA_VERSION
    code_version: str
    images: dict[str, str] = field(default_factory=dict)
    model_name: str
    config: PinnedConfig
    train_data: tuple[PinnedSource, ...]
    validation_data: tuple[PinnedSource, ...] = ()
    test_data: tuple[PinnedSource, ...]
    pretrained: PinnedSource | None = None
    train_backend: TrainBackend
    train_workers: int = 1
    triton_urls: tuple[str, ...] = ()
    options: RunOptions = field(default_factory=RunOptions)

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            cause = f"is {self.schema_version}, and this release reads {SCHEMA_VERSION}"
            raise FieldError(self, "schema_version", cause, "Use the release that wrote it")

    @property
    def split(self) -> SplitRule:
        """How validation is split off the training data; not at all where it has sources."""
        rule = self.options.split
        return replace(rule, share=0.0) if self.validation_data else rule

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values, which `parse` reads into an equal spec."""
        return parser.write(self)

    def to_json(self) -> bytes:
        """Returns canonical JSON: keys sorted, no spaces, UTF-8; the same bytes for equal specs."""
        return canonical_json(self.to_dict())

    def inputs(self) -> dict[str, str]:
        """Returns what decides the trained model, each part by a digest of it.

        Not among them: where it is trained, what the gate asks of it, and where it is to serve.
        """
        validation: Any = [source.digest for source in self.validation_data] or self.split.to_dict()
        settings = [self.options.label_format, self.options.max_bad_fraction]
        return {
            "training data": _digest([source.digest for source in self.train_data]),
            "validation data": _digest(validation),
            "test data": _digest([source.digest for source in self.test_data]),
            "configuration": self.config.content_digest,
            "first weights": self.pretrained.digest if self.pretrained else "",
            "settings": _digest(settings),
            "release": self.code_version,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A key in which two specs differ; a value is None where the spec does not have the key."""

    key: str
    before: Any
    after: Any


def parse(values: Mapping[str, Any], location: SourceLocation) -> RunSpec:
    """Reads what `RunSpec.to_dict` returned.

    Raises:
        ConfigError: names the key and the cause.
    """
    return parser.parse(RunSpec, values, location)


def diff(a: RunSpec, b: RunSpec) -> list[Difference]:
    """Returns what differs from `a` to `b`, in the order of keys.

    Configurations are compared key by key, sources by their URI.
    """
    before, after = dict(_flat((), readable(a))), dict(_flat((), readable(b)))
    return [
        Difference(".".join(path), before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def canonical_json(value: Any) -> bytes:
    """Returns JSON that is the same for equal values."""
    text = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def readable(spec: RunSpec) -> dict[str, Any]:
    """Returns a spec for people: the configuration as blocks, the sources by URI."""
    values = spec.to_dict()
    config = {"uri": spec.config.uri, **strict_yaml.parse(spec.config.yaml, "config")[0]}
    if spec.config.files:
        config["files"] = {
            file["key"]: {name: value for name, value in file.items() if name != "key"}
            for file in values["config"]["files"]
        }
    sources = {
        name: {item["uri"]: {"digest": item["digest"], "bytes": item["bytes"]} for item in parts}
        for name in ("train_data", "validation_data", "test_data")
        if (parts := values[name])
    }
    return {**values, "config": config, **sources}


def _flat(path: tuple[str, ...], value: Any) -> list[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, Mapping) or not value:
        return [(path, value)]
    return [row for key, item in value.items() for row in _flat((*path, str(key)), item)]


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
