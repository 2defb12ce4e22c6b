"""Putting a version into service on every server: nothing that did not pass answers a request.

A version is staged and tested on all servers before the first one changes (`change.py`). Then the
repository's `config.pbtxt` files, from which a new server starts, and last of all
`production.json` say the new version. Any failure on the way takes every server back.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ocr_lib.digest import sha256_tree
from ocr_lib.errors import ConfigError, OcrError, naming
from ocr_lib.inference.bundle import MANIFEST, Bundle
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.judgement import check_champion
from ocr_lib.registry.lineage import take_back
from ocr_lib.registry.production import (
    LEASE_WAIT_S,
    VersionRecord,
    bundles_prefix,
    check_model_name,
    deploying,
    find_version,
    is_registered,
    list_versions,
    read_production,
    read_versioned,
    record_version,
)
from ocr_lib.serving.endpoints import resolve
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.replay_evaluation import ReplayEvaluation
from ocr_lib.serving.repository_store import download_golden, upload_version
from ocr_lib.serving.version_change import DeployError, Deployment, VersionChange, check_live
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME


def deploy(
    bundle_uri: str,
    model: str,
    golden: Sequence[GoldenImage],
    *,
    store: Store,
    endpoints: Sequence[str],
    metrics: Mapping[str, Any] | None = None,
    shadow: ReplayEvaluation | None = None,
    wait_s: float = LEASE_WAIT_S,
    force: bool = False,
) -> Deployment:
    """Puts a bundle into service on every server; doing it again changes nothing.

    Args:
        bundle_uri: the bundle, `s3://bucket/prefix` or a folder; the registry gets a copy of one
            from elsewhere.
        model: the model's name.
        golden: images with what the exported model reads on them; one at least.
        store: holds the model repository and the registry.
        endpoints: `host:port` of every server's gRPC protocol; a name stands for every address
            that it has.
        metrics: what the evaluation found, kept with the version; None takes the bundle's.
        shadow: recorded lines that the version in production and the new one have to agree on.
        wait_s: how long to wait while another deployment of this model runs.
        force: also replaces a version that the bundle was not judged against.

    Raises:
        DeployError: a server did not take the version or reads something else; all serve what
            they served before.
        ConflictError: another deployment is under way, or put another version into service
            while this one waited; or the bundle was judged against another version than serves.
        BundleError: the bundle is damaged, or its parts do not fit.
    """
    _check(model, endpoints)
    if not golden:
        raise ConfigError("golden images", "none are given", "Give one image at least")
    with (
        tempfile.TemporaryDirectory() as work,
        naming(Path(work) / "bundle", bundle_uri),
        _turn(store, model, wait_s) as unchanged,
    ):
        folder = store.fetch_source(bundle_uri, Path(work) / "bundle")
        opened = Bundle.open(folder)
        production = read_production(store, model)
        if not force:
            check_champion(model, opened.info.get("lineage"), opened.digest, production)
        build_model_version(folder, model, 1, every_width=True)  # fails before it has a number
        servers = resolve(endpoints)
        check_live(model, servers, production)
        known = dict(metrics or opened.info.get("metrics", {}))
        with (
            _registered(store, model, bundle_uri, opened, Path(work) / "copy") as registered,
            _recorded(store, model, registered, opened.digest, known) as record,
        ):
            unchanged(record.version)
            upload_version(store, build_model_version(folder, model, record.version), golden)
            return VersionChange(store, model, servers, Path(work), shadow).to(record, golden)


def rollback(
    model: str, *, store: Store, endpoints: Sequence[str], version: int | None = None
) -> Deployment:
    """Puts an earlier version back into service on every server, tested like a new one.

    Args:
        model: the model's name.
        store: holds the model repository and the registry.
        endpoints: `host:port` of every server's gRPC protocol; one at least.
        version: where to; None takes the predecessor of the one in production.

    Raises:
        ConfigError: there is no such version, or none before the one in production.
        DeployError: a server did not take it; all serve what they served before.
    """
    _check(model, endpoints)
    with tempfile.TemporaryDirectory() as work, _turn(store, model, LEASE_WAIT_S) as unchanged:
        production, _ = read_versioned(store, model)
        target = version or (production.predecessor if production else None)
        if target is None:
            raise ConfigError("version", f"{model} has no earlier version", "Deploy one")
        record = find_version(store, model, target)
        if record.pruned:
            raise ConfigError(
                "version", f"version {target} was pruned at {record.pruned}", "Deploy its bundle"
            )
        unchanged(target)
        golden = download_golden(store, model, target, Path(work) / "golden")
        change = VersionChange(store, model, resolve(endpoints), Path(work))
        return change.to(record, golden)


@contextmanager
def _registered(
    store: Store, model: str, bundle_uri: str, bundle: Bundle, copy: Path
) -> Iterator[str]:
    """Yields where the registry has the bundle, which is copied there from anywhere else.

    Evaluations of later runs read it there, on other machines and with other rights. A failed
    block leaves no copy that was not there before, unless a version is recorded with it.
    """
    uri = bundle_uri.rstrip("/")
    if is_registered(store, model, uri) and store.exists(f"{uri}/{MANIFEST_NAME}"):
        yield uri
        return
    for name in (*bundle.info["files"], MANIFEST):  # and nothing else that is in the folder
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.root / name, copy / name)
    key = f"{bundles_prefix(model)}{sha256_tree(copy)}"
    before = store.exists(f"{key}/{MANIFEST_NAME}")
    try:
        yield store.put_tree(copy, key)
    except OcrError:
        with suppress(OcrError):  # the failure that led here is the one to tell
            records = list_versions(store, model)
            if not before and all(record.bundle != store.uri(key) for record in records):
                store.remove(f"{key}/{MANIFEST_NAME}")  # first: the rest is no tree without it
                for item in store.list(f"{key}/"):
                    store.remove(item.key)
        raise


@contextmanager
def _recorded(
    store: Store, model: str, bundle: str, digest: str, metrics: dict[str, Any]
) -> Iterator[VersionRecord]:
    """Yields the version of a bundle; a failed block leaves the versions as it found them.

    Where a server may still hold something of the version, its record and its files stay.
    """
    same = [record for record in list_versions(store, model) if record.digest == digest]
    record = record_version(store, model, bundle, digest, metrics)
    try:
        yield record
    except OcrError as error:
        if not (isinstance(error, DeployError) and error.on_servers):
            with suppress(OcrError):  # the failure that led here is the one to tell
                take_back(store, model, record, same[0] if same else None)
        raise


@contextmanager
def _turn(store: Store, model: str, wait_s: float) -> Iterator[Callable[[int], None]]:
    """Holds the lease; gives a check that nothing else was put into service meanwhile.

    Of two that start together one wins. The other one decided what to replace before it knew.
    """
    before, _ = read_versioned(store, model)

    def unchanged(target: int) -> None:
        now, _ = read_versioned(store, model)
        if now and now.version != target and now.version != (before.version if before else None):
            raise ConflictError(
                f"{model}: version {now.version} was put into service while this deployment "
                "waited. Look at it, then run this again to replace it."
            )

    with deploying(store, model, wait_s):
        yield unchanged


def _check(model: str, endpoints: Sequence[str]) -> None:
    check_model_name(model)
    if not endpoints:
        raise ConfigError("Triton endpoints", "none are given", "Give host:port of each server")
