"""plan: what a run is asked for → its run spec, what of it is new, and which pod does what."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.step_context import StepContext
from ocr_lib.errors import ConfigError, DataError, ServiceError
from ocr_lib.inference.bundle import MANIFEST
from ocr_lib.jobs.backends import resolve_backend
from ocr_lib.markdown import escape
from ocr_lib.registry.lineage import RUN_SPEC
from ocr_lib.registry.production import check_model_name, read_production
from ocr_lib.runspec.parameters import RunParameters
from ocr_lib.runspec.partition import (
    GIB,
    DataPartition,
    PreflightSettings,
    partitions_of,
    period_of,
)
from ocr_lib.runspec.resolve import resolve
from ocr_lib.runspec.spec import RunSpec
from ocr_lib.runspec.spec_store import find_spec, load_spec, pin_spec, save_spec
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.s3 import MissingObjectError

MAX_PARTITIONS_BYTES = 100_000  # backends refuse arguments from 128 KiB on


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What to plan.

    Attributes:
        run: names the pipeline run.
        parameters: what the run is asked for.
        images: container images of the steps by name.
    """

    run: str
    parameters: RunParameters
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run was resolved to.

    Attributes:
        spec: the run spec.
        ref: where it is.
        changed: what of its inputs differs from those of production; all where none serves.
        serving: version in production; None where none is.
        proceed: whether to go on.
    """

    spec: RunSpec
    ref: ArtifactRef
    changed: list[str]
    serving: int | None
    proceed: bool

    def partitions(self) -> list[dict[str, Any]]:
        """Returns the data by pod, as KFP hands it to the rounds of a loop."""
        return [part.to_dict() for part in partitions_of(self.spec, period_of(time.time()))]

    def preflight_settings(self) -> dict[str, Any]:
        """Returns what preflight goes by."""
        return PreflightSettings.of(self.spec, period_of(time.time())).to_dict()

    def markdown(self) -> str:
        """Returns the report: what there is, what is new, and what follows."""
        rows = [
            f"| {part.role} | {escape(part.source.uri)} | {part.source.bytes / GIB:.2f} "
            f"| {number} |"
            for number, partition in enumerate(partitions_of(self.spec), start=1)
            for part in partition.parts
        ]
        head = ["| role | source | GiB | packed by |", "| --- | --- | ---: | ---: |"]
        facts = [
            f"Run spec: `{self.spec.digest}`. Training runs on: {self.spec.train_backend}. "
            f"Configuration: {escape(self.spec.config.uri)}."
        ]
        lines = [f"## {self._verdict()}", "", *facts, "", *head, *sorted(rows)]
        return "\n".join(lines) + "\n"

    def _verdict(self) -> str:
        if self.serving is None:
            return "No model serves yet"
        if not self.changed:
            end = "trained all the same" if self.proceed else "the run ends here"
            return f"Nothing new since version {self.serving}, which serves: {end}"
        return f"New since version {self.serving}: {escape(', '.join(self.changed))}"


def plan(context: StepContext, request: PlanRequest) -> Plan:
    """Resolves a run once, and compares it with what production was made of.

    Raises:
        DataError: a source is empty, or in too many pieces; or the bundle that serves cannot be
            read.
        ConfigError: the configuration does not exist, or does not hold together.
    """
    store, parameters = context.store, request.parameters
    check_model_name(parameters.model_name)
    spec = find_spec(store, request.run)
    if spec is None:
        backend = resolve_backend(parameters.train_backend)
        resolved = resolve(store, parameters, backend, request.images, context.work_dir)
        check_size(partitions_of(resolved), parameters.train_data_uri)
        spec = pin_spec(store, request.run, resolved)
    else:
        check_adopted(spec, request)
    serving, before = _production(context, spec.model_name)
    changed = [key for key, value in spec.inputs().items() if before.get(key) != value]
    return Plan(
        spec=spec,
        ref=save_spec(store, spec),
        changed=changed,
        serving=serving,
        proceed=not parameters.skip_if_unchanged or bool(changed),
    )


def check_adopted(spec: RunSpec, request: PlanRequest) -> None:
    """Checks that a run's spec was made of what is asked for now.

    Raises:
        ConfigError: it was not: two runs have the same ID, as short ones of local runs can.
    """
    parameters = request.parameters
    for name, before, now in [
        ("model_name", spec.model_name, parameters.model_name),
        ("config", spec.config.uri, parameters.config),
        ("train_workers", spec.train_workers, parameters.train_workers),
        ("triton_urls", spec.triton_urls, parameters.triton_urls),
        ("options", spec.options, parameters.options),
    ]:
        if before != now:
            cause = f"run {request.run} was planned with another value"
            raise ConfigError(name, cause, "Start a new run")


def check_size(partitions: list[DataPartition], uri: str) -> None:
    """Refuses data in more pieces than a parameter can name.

    Raises:
        DataError: there are too many.
    """
    values = [partition.to_dict() for partition in partitions]
    if len(json.dumps(values)) > MAX_PARTITIONS_BYTES:
        count = sum(len(partition.parts) for partition in partitions)
        raise DataError(
            uri,
            f"{count} archives are more than a pipeline's parameter can name",
            "Make fewer and larger archives: up to 300",
        )


def _production(context: StepContext, model_name: str) -> tuple[int | None, dict[str, str]]:
    """Returns the version in production and its inputs; none where its bundle names none.

    Raises:
        DataError: the bundle cannot be read.
        DigestError: the run spec that it names is damaged.
    """
    store = context.store
    production = read_production(store, model_name)
    if production is None:
        return None, {}
    uri = f"{production.bundle}/{MANIFEST}"
    try:
        info = store.get_json(uri)
    except ServiceError as error:
        raise DataError(
            uri,
            f"the bundle of version {production.version} of {model_name}, which serves, cannot be "
            f"read ({error})",
            "Restore it, or deploy a version whose bundle is there: the run is judged against it",
        ) from error
    digest = _spec_digest(info)
    if not digest:  # of an earlier release, or imported: everything is new
        return production.version, {}
    try:
        return production.version, load_spec(store, digest).inputs()
    except MissingObjectError:  # it was collected; predicting needs the bundle alone
        context.log.warning("version %d: its run spec %s is gone", production.version, digest)
        return production.version, {}


def _spec_digest(info: object) -> str:
    """Returns the digest of the run spec that a bundle names; "" where it names none."""
    lineage = info.get("lineage") if isinstance(info, dict) else None
    digest = lineage.get(RUN_SPEC) if isinstance(lineage, dict) else None
    return digest if isinstance(digest, str) else ""
