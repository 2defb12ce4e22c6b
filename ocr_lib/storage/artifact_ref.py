"""What a step hands to the next one: a small JSON file that says where the data lies.

The data itself goes through the object store, once, in parallel and with checksums; an
orchestrator copies artifacts whole into every pod that reads them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ocr_lib.atomic import write_json
from ocr_lib.errors import DataError


class Artifact(Protocol):
    """The part of a KFP artifact that a pointer needs."""

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


def write_ref(artifact: Artifact, pointer: ArtifactRef | None) -> None:
    """Makes `artifact` lead to `pointer`, or nowhere; its metadata shows in the user interface."""
    if pointer is None:
        write_json(artifact.path, None)
        return
    artifact.metadata.update({"uri": pointer.uri, "digest": pointer.digest, **pointer.metadata})
    write_json(artifact.path, asdict(pointer))


def write_refs(artifact: Artifact, pointers: Sequence[ArtifactRef]) -> None:
    """Makes `artifact` lead to several results; its metadata counts them."""
    artifact.metadata.update({"parts": len(pointers)})
    write_json(artifact.path, [asdict(pointer) for pointer in pointers])


def read_refs(artifact: Artifact) -> list[ArtifactRef]:
    """Reads what `write_refs` wrote.

    Raises:
        DataError: the file is missing or holds no pointers.
    """
    return [_pointer(values) for values in _load(artifact, list)]


def read_ref(artifact: Artifact) -> ArtifactRef:
    """Reads what `write_ref` wrote.

    Raises:
        DataError: the file is missing or is no pointer.
    """
    return _pointer(_load(artifact, dict))


def read_first_pointer(*artifacts: Artifact) -> ArtifactRef:
    """Returns the pointer of the first artifact that leads anywhere.

    Raises:
        DataError: none does, or a file is missing or is no pointer.
    """
    pointers = [read_optional_pointer(artifact) for artifact in artifacts[:-1]]
    return next(filter(None, pointers), None) or read_ref(artifacts[-1])


def read_optional_pointer(artifact: Artifact) -> ArtifactRef | None:
    """Reads what `write_ref` wrote; None where it leads nowhere.

    Raises:
        DataError: the file is missing or is no pointer.
    """
    values = _load(artifact, dict, optional=True)
    return None if values is None else _pointer(values)


def _pointer(values: Any) -> ArtifactRef:
    return ArtifactRef(values["uri"], values["digest"], values["metadata"])


def _load(artifact: Artifact, kind: type, *, optional: bool = False) -> Any:
    try:
        value = json.loads(Path(artifact.path).read_text(encoding="utf-8"))
        items = value if kind is list else [] if optional and value is None else [value]
        for item in items:
            _pointer(item)
        return value
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            str(artifact.path),
            f"not a pointer to a data set or model ({error})",
            "Pass the output of an earlier step of this pipeline",
        ) from error
