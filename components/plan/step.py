"""The first look: what there is to learn, whether any of it is new, and how to share the work."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.plan.sources import DataPart, find_parts, partition_parts
from components.step_context import StepContext
from ocr_lib import __version__
from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.config.loader import load_config
from ocr_lib.data.roles import TEST, TRAIN, VALIDATION, SplitRule
from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import MANIFEST
from ocr_lib.markdown import escape
from ocr_lib.registry.lineage import RUN_INPUTS
from ocr_lib.registry.production import check_model_name, read_production
from ocr_lib.storage.s3 import MissingObjectError
from ocr_lib.storage.store import Store

GIB = 2.0**30
MAX_GROUPS_BYTES = 100_000  # backends refuse arguments from 128 KiB on


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What a run is to be made of, as its parameters say.

    Attributes:
        train_data: URI and SHA-256 (may be empty) of the samples to learn from.
        test_data: the same of the samples that decide.
        validation_data: URI of the samples that choose the checkpoint; empty: some of the samples
            to learn from are split off.
        split: how they are.
        dataset_name: names the data set in the object store.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        config_overrides: `Key.sub=value` each.
        pretrained_uri: weights to start from; empty for none.
        settings: whatever else decides what is learnt.
    """

    train_data: tuple[str, str]
    test_data: tuple[str, str]
    validation_data: str
    split: SplitRule
    dataset_name: str
    config: str
    config_overrides: Sequence[str]
    pretrained_uri: str
    settings: tuple[float | str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found.

    Attributes:
        groups: parts of the data, a group a pod.
        split: how a validation set is split off the parts to learn from.
        inputs: what the run is made of, each by what changes with it.
        changed: names of `inputs` in which the serving model differs; all where none serves.
        serving: version in production; None where none is.
    """

    groups: list[list[DataPart]]
    split: SplitRule
    inputs: dict[str, str]
    changed: list[str]
    serving: int | None

    def to_groups(self) -> list[dict[str, Any]]:
        """Returns the groups as KFP hands them to the rounds of a loop."""
        split = self.split.to_dict()
        return [
            {"parts": [part.to_dict() for part in group], "split": split} for group in self.groups
        ]

    def markdown(self, go: bool) -> str:
        """Returns the report: what there is, what is new, and what follows."""
        rows = [
            f"| {part.role} | {escape(part.uri)} | {part.bytes / GIB:.2f} | {number} |"
            for number, group in enumerate(self.groups, start=1)
            for part in group
        ]
        head = ["| role | source | GiB | packed by |", "| --- | --- | ---: | ---: |"]
        return "\n".join([f"## {self._verdict(go)}", "", *head, *sorted(rows)]) + "\n"

    def _verdict(self, go: bool) -> str:
        if self.serving is None:
            return "No model serves yet"
        if not self.changed:
            end = "trained all the same" if go else "the run ends here"
            return f"Nothing new since version {self.serving}, which serves: {end}"
        return f"New since version {self.serving}: {escape(', '.join(self.changed))}"


def plan(
    context: StepContext,
    question: RunInputs,
    model_name: str,
    max_pods: int,
    gib_per_pod: float,
) -> Plan:
    """Looks at sources, configuration and what serves.

    Args:
        context: of the step.
        question: what the run is to be made of.
        model_name: whose production it may take over.
        max_pods: how many pods may pack at a time.
        gib_per_pod: how much data is worth a pod of its own.

    Raises:
        DataError: a source is empty, or in too many pieces.
        ConfigError: the configuration does not exist, or does not hold together.
    """
    store, name = context.store, question.dataset_name
    split, given = question.split, question.validation_data
    train = find_parts(store, TRAIN, name, *question.train_data)
    validation = find_parts(store, VALIDATION, name, given) if given else []
    test = find_parts(store, TEST, name, *question.test_data)
    inputs = {
        "training data": _digest([part.version for part in train]),
        "validation data": _digest([part.version for part in validation] or split.to_dict()),
        "test data": _digest([part.version for part in test]),
        "configuration": _config_digest(context, question),
        "first weights": _pretrained(store, question.pretrained_uri),
        "settings": _digest(question.settings),
        "release": __version__,
    }
    serving, theirs = _serving(store, check_model_name(model_name))
    changed = [key for key, value in inputs.items() if theirs.get(key) != value]
    groups = partition_parts([*train, *validation, *test], max_pods, gib_per_pod * GIB)
    found = Plan(groups, replace(split, share=0) if given else split, inputs, changed, serving)
    if len(json.dumps(found.to_groups())) > MAX_GROUPS_BYTES:
        count = len(train) + len(validation) + len(test)
        raise DataError(
            question.train_data[0],
            f"{count} archives are more than a pipeline's parameter can name",
            "Make fewer and larger archives: up to 300",
        )
    return found


def _serving(store: Store, model_name: str) -> tuple[int | None, dict[str, str]]:
    """Returns the version in production and what it was made of, as far as it says so."""
    production = read_production(store, model_name)
    if production is None:
        return None, {}
    try:
        info = store.get_json(f"{production.bundle}/{MANIFEST}")
        return production.version, dict(json.loads(info["lineage"][RUN_INPUTS]))
    except (MissingObjectError, ValueError, KeyError, TypeError):
        return production.version, {}  # of an earlier release, or imported: everything is new


def _config_digest(context: StepContext, question: RunInputs) -> str:
    config = question.config
    if "://" in config:
        config = str(context.store.get_file(config, context.work_dir / "config.yml"))
    loaded = load_config(config, question.config_overrides, allowed_parts(), "config")
    return _digest(loaded.to_yaml())


def _pretrained(store: Store, uri: str) -> str:
    return find_parts(store, "first weights", "", uri)[0].version if uri else ""


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
