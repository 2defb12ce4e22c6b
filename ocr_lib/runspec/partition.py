"""What the cached steps of the pipeline are given: small values, equal where their work is equal.

An orchestrator's cache key has the values of parameters in it. The run spec changes with whatever
concerns the run, so gen_label, pack_lmdb and preflight get the parts of it that concern them.

Kubeflow's cache keeps results for ever and does not ask whether their objects still exist. So the
values name a period, of `CACHE_DAYS`: in the next one the steps run again, find their trees by
their digest, and garbage collection sees which data are in use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import parse, whole_numbers, write
from ocr_lib.data.labels.find import Mode
from ocr_lib.data.roles import SplitRule
from ocr_lib.runspec.options import GateOptions
from ocr_lib.runspec.spec import PinnedFile, PinnedSource, RunSpec

GIB = 2.0**30
DICTIONARY_KEY = "Global.character_dict_path"  # all that preflight reads of what is named
CACHE_DAYS = 30  # how long at most an orchestrator reuses what a cached step wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPart:
    """A source, and which set its samples belong to."""

    role: Literal["train", "validation", "test"]
    source: PinnedSource


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPartition:
    """What one pod converts and packs.

    Attributes:
        dataset_name: names the data set in the object store.
        parts: the sources.
        split: how validation is split off the parts to learn from.
        label_format: of all parts.
        max_bad_fraction: share of unusable samples of a part at which to give up.
        cache_period: number of the period in which an orchestrator may reuse the result.
    """

    dataset_name: str
    parts: tuple[DataPart, ...]
    split: SplitRule
    label_format: Mode
    max_bad_fraction: float
    cache_period: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned, as Kubeflow hands it on: 3 may come as 3.0."""
        return parse(cls, whole_numbers(values), SourceLocation(("partition",), {}))

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return write(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightSettings:
    """What preflight goes by.

    Attributes:
        config_digest: SHA-256 of the run's configuration, which is in the store under it.
        files: the dictionary that it names, if it does.
        max_bad_fraction: share of samples the configuration cannot learn at which to stop.
        max_pods: largest number of pods that predict the test set.
        gate: what the candidate must reach, for what the report says of the test set.
        cache_period: as in `DataPartition`.
    """

    config_digest: str
    max_bad_fraction: float
    max_pods: int
    files: tuple[PinnedFile, ...] = ()
    gate: GateOptions = field(default_factory=GateOptions)
    cache_period: int = 0

    @classmethod
    def of(cls, spec: RunSpec, cache_period: int = 0) -> Self:
        """Returns the settings of a run."""
        options = spec.options
        return cls(
            config_digest=spec.config.digest,
            files=tuple(file for file in spec.config.files if file.key == DICTIONARY_KEY),
            max_bad_fraction=options.max_bad_fraction,
            max_pods=options.evaluate.max_pods,
            gate=options.gate,
            cache_period=cache_period,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned, as Kubeflow hands it on: 3 may come as 3.0."""
        return parse(cls, whole_numbers(values), SourceLocation(("settings",), {}))

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return write(self)


def period_of(now: float) -> int:
    """Returns the number of the period of `CACHE_DAYS` that holds a time, in seconds since 1970."""
    return int(now // (CACHE_DAYS * 86_400))


def partitions_of(spec: RunSpec, cache_period: int = 0) -> list[DataPartition]:
    """Returns the data of a run in as many partitions as pods shall pack it."""
    parts = [
        *(DataPart(role="train", source=source) for source in spec.train_data),
        *(DataPart(role="validation", source=source) for source in spec.validation_data),
        *(DataPart(role="test", source=source) for source in spec.test_data),
    ]
    pack = spec.options.pack
    return [
        DataPartition(
            dataset_name=spec.options.dataset_name,
            parts=tuple(some),
            split=spec.split,
            label_format=spec.options.label_format,
            max_bad_fraction=spec.options.max_bad_fraction,
            cache_period=cache_period,
        )
        for some in share_out(parts, pack.max_pods, pack.gib_per_pod * GIB)
    ]


def share_out(
    parts: Sequence[DataPart], max_pods: int, bytes_per_pod: float
) -> list[list[DataPart]]:
    """Shares parts out among pods: as few as their size allows, each with about the same bytes.

    Args:
        parts: of all roles.
        max_pods: largest number of pods.
        bytes_per_pod: what is worth a pod of its own.
    """
    total = sum(part.source.bytes for part in parts)
    worth = max(1, round(total / bytes_per_pod))
    shares: list[list[DataPart]] = [[] for _ in range(min(worth, max_pods, len(parts)))]
    for part in sorted(parts, key=lambda part: -part.source.bytes):
        # The fewest parts among equals, for empty parts weigh nothing.
        min(shares, key=lambda share: (sum(p.source.bytes for p in share), len(share))).append(part)
    return shares
