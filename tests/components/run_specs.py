"""Run specs in the store, and sources as a plan hands them on, for the steps that go by them."""

from pathlib import Path
from typing import Any

from ocr_lib.config.loader import load_config
from ocr_lib.data.roles import SplitRule
from ocr_lib.runspec.partition import DataPart, DataPartition
from ocr_lib.runspec.sources import pin_sources
from ocr_lib.runspec.spec import PinnedConfig, PinnedSource, RunSpec
from ocr_lib.runspec.spec_store import save_spec
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store

NO_SPLIT = SplitRule(share=0.0)


def run_spec(*overrides: str, **changes: Any) -> RunSpec:
    """Returns the spec of a run that trains in its step."""
    source = PinnedSource(uri="s3://ocr/none.tar", digest="ab" * 32, of="content", bytes=1)
    yaml = load_config("cpu_line", overrides).to_yaml()
    values = {
        "code_version": "1",
        "model_name": "ocr",
        "config": PinnedConfig(uri="cpu_line", yaml=yaml),
        "train_data": (source,),
        "test_data": (source,),
        "train_backend": "local",
    }
    return RunSpec(**{**values, **changes})


def spec_ref(store: Store, *overrides: str, **changes: Any) -> ArtifactRef:
    """Stores the spec of a run."""
    return save_spec(store, run_spec(*overrides, **changes))


def partition(
    store: Store,
    *uris: str | Path,
    role: Any = "train",
    sha256: str = "",
    split: SplitRule = NO_SPLIT,
    **changes: Any,
) -> DataPartition:
    """Returns sources as a plan hands them on to one pod."""
    sources = [found for uri in uris for found in pin_sources(store, role, str(uri), sha256)]
    values: dict[str, Any] = {"label_format": "auto", "max_bad_fraction": 0.01, **changes}
    return DataPartition(
        dataset_name="lines",
        parts=tuple(DataPart(role=role, source=source) for source in sources),
        split=split,
        **values,
    )
