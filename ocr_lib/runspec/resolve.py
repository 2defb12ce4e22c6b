"""From what a run is asked for to what it is made of: everything that has a name gets a digest."""

from collections.abc import Mapping
from pathlib import Path

from ocr_lib import __version__
from ocr_lib.data.roles import TEST, TRAIN, VALIDATION
from ocr_lib.errors import ConfigError
from ocr_lib.runspec.config import resolve_config
from ocr_lib.runspec.parameters import RunParameters
from ocr_lib.runspec.sources import pin_sources, pin_weights
from ocr_lib.runspec.spec import RunSpec, TrainBackend
from ocr_lib.storage.store import Store


def resolve(
    store: Store,
    parameters: RunParameters,
    backend: TrainBackend,
    images: Mapping[str, str],
    work_dir: Path,
) -> RunSpec:
    """Looks at sources, configuration and weights; reads the latter two, and none of the data.

    The files that the configuration names are copied into the store.

    Args:
        store: where they are.
        parameters: what the run is asked for.
        backend: where it trains, `auto` resolved.
        images: container images of the steps by name.
        work_dir: an empty folder.

    Raises:
        DataError: there is nothing at a URI.
        ConfigError: the configuration does not exist, or does not hold together.
    """
    options = parameters.options
    if backend == "local" and parameters.train_workers > 1:
        cause = f"is {parameters.train_workers}, and the training backend is local, which has one"
        raise ConfigError(
            "train_workers",
            cause,
            "Write 1, or train_backend=paddlejob with its operator installed",
        )
    validation, weights = parameters.validation_data_uri, parameters.pretrained_uri
    config = resolve_config(
        store,
        parameters.config,
        options.config_overrides,
        parameters.train_minutes,
        work_dir,
        has_weights=bool(weights),
    )
    return RunSpec(
        code_version=__version__,
        images=dict(images),
        model_name=parameters.model_name,
        config=config,
        train_data=pin_sources(store, TRAIN, parameters.train_data_uri, options.sha256.train),
        validation_data=pin_sources(store, VALIDATION, validation, options.sha256.validation)
        if validation
        else (),
        test_data=pin_sources(store, TEST, parameters.test_data_uri, options.sha256.test),
        pretrained=pin_weights(store, weights, work_dir) if weights else None,
        train_backend=backend,
        train_workers=parameters.train_workers,
        triton_urls=parameters.triton_urls,
        options=options,
    )
