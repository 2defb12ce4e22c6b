"""What a step hands to the next one: a small JSON file that says where the data lies.

The data itself goes through the object store, once, in parallel and with checksums; an
orchestrator copies artifacts whole into every pod that reads them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from ocr_lib.atomic import write_json
from ocr_lib.errors import DataError
from ocr_lib.regular_file import read_bounded


class Artifact(Protocol):
    """The part of a KFP artifact that a reference needs."""

    metadata: dict[str, Any]

    @property
    def path(self) -> str:
        """Where the artifact's file lies on this machine."""


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """Where a step's result lies.

    Attributes:
        uri: the object or folder in the store, `s3://bucket/key`.
        digest: hex SHA-256 of its content.
        metadata: counts and names for readers of the artifact; no secrets.
    """

    uri: str
    digest: str
    metadata: dict[str, Any] = field(default_factory=dict)


def write_ref(artifact: Artifact, ref: ArtifactRef | None) -> None:
    """Makes `artifact` lead to `ref`, or nowhere; its metadata shows in the user interface."""
    if ref is None:
        write_json(artifact.path, None)
        return
    artifact.metadata.update({"uri": ref.uri, "digest": ref.digest, **ref.metadata})
    write_json(artifact.path, asdict(ref))


def write_refs(artifact: Artifact, refs: Sequence[ArtifactRef]) -> None:
    """Makes `artifact` lead to several results; its metadata counts them."""
    artifact.metadata.update({"parts": len(refs)})
    write_json(artifact.path, [asdict(ref) for ref in refs])


def read_refs(artifact: Artifact) -> list[ArtifactRef]:
    """Reads what `write_refs` wrote.

    Raises:
        DataError: the file is missing or holds no references.
    """
    return [_parse_ref(values) for values in _load(artifact, list)]


def read_ref(artifact: Artifact) -> ArtifactRef:
    """Reads what `write_ref` wrote.

    Raises:
        DataError: the file is missing or is no reference.
    """
    return _parse_ref(_load(artifact, dict))


def read_first_ref(*artifacts: Artifact) -> ArtifactRef:
    """Returns the reference of the first artifact that leads anywhere.

    Raises:
        DataError: none does, or a file is missing or is no reference.
    """
    refs = [read_optional_ref(artifact) for artifact in artifacts[:-1]]
    return next(filter(None, refs), None) or read_ref(artifacts[-1])


def read_optional_ref(artifact: Artifact) -> ArtifactRef | None:
    """Reads what `write_ref` wrote; None where it leads nowhere.

    Raises:
        DataError: the file is missing or is no reference.
    """
    values = _load(artifact, dict, optional=True)
    return None if values is None else _parse_ref(values)


def _parse_ref(values: Any) -> ArtifactRef:
    return ArtifactRef(values["uri"], values["digest"], values["metadata"])


def _load(artifact: Artifact, kind: type, *, optional: bool = False) -> Any:
    try:
        value = json.loads(read_bounded(artifact.path))
        items = value if kind is list else [] if optional and value is None else [value]
        for item in items:
            _parse_ref(item)
        return value
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            str(artifact.path),
            f"not a reference to a data set or model ({error})",
            "Pass the output of an earlier step of this pipeline",
        ) from error
