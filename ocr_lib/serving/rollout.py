"""Putting a version into service on every server: nothing that did not pass answers a request.

A version is loaded and tested on all servers before the first one changes (`version_change.py`).
When all serve it `production.json` says so, and then the repository's `config.pbtxt` files, from
which a new server starts. Any failure before that takes every server back, unless another
deployment has taken over by then: what serves is that one's to say.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocr_lib.digest import sha256_tree
from ocr_lib.errors import ConfigError, OcrError, naming
from ocr_lib.inference.bundle import MANIFEST, Bundle
from ocr_lib.registry.admission import check_admission
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.judgement import check_champion
from ocr_lib.registry.lineage import take_back
from ocr_lib.registry.pointer import LEASE_WAIT_S, PointerLease, pointer_lease
from ocr_lib.registry.production import (
    VersionRecord,
    bundles_prefix,
    check_model_name,
    find_version,
    is_registered,
    list_versions,
    read_production,
    record_version,
)
from ocr_lib.serving.endpoints import resolve
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.replay_evaluation import ReplayEvaluation
from ocr_lib.serving.repository_store import download_golden, download_version, upload_version
from ocr_lib.serving.version_change import DeployError, Deployment, VersionChange, check_live
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import LeaseLostError
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
    force: str = "",
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
        force: why to deploy a bundle also where it is not fit to serve (`admission.py`), or was not
            judged against what serves; kept with the version. "": don't.

    Raises:
        DeployError: a server did not take the version or reads something else; all serve what
            they served before.
        ConflictError: another deployment is under way, or put another version into service
            while this one waited; or the bundle was judged against another version than serves.
        BundleError: the bundle is damaged, or its parts do not fit.
        DataError: it has no passing certificate or gate, or reads nothing.
    """
    _check(model, endpoints)
    if not golden:
        raise ConfigError("golden images", "none are given", "Give one image at least")
    with (
        tempfile.TemporaryDirectory() as work,
        naming(Path(work) / "bundle", bundle_uri),
        _turn(store, model, wait_s) as turn,
    ):
        folder = store.fetch_source(bundle_uri, Path(work) / "bundle")
        opened = Bundle.open(folder)
        production = turn.pointer.production
        if not force:
            check_champion(model, opened.info.get("lineage"), opened.digest, production)
            check_admission(bundle_uri, opened, golden, production)
        build_model_version(folder, model, 1, every_width=True)  # fails before it has a number
        servers = resolve(endpoints)
        check_live(model, servers, production)
        known = dict(metrics or opened.info.get("metrics", {}))
        with (
            _registered(turn.pointer, store, bundle_uri, opened, Path(work) / "copy") as registered,
            _recorded(turn.pointer, store, registered, opened.digest, known, force) as record,
        ):
            turn.check(record.version)
            upload_version(store, build_model_version(folder, model, record.version), golden)
            return VersionChange(store, turn.pointer, servers, Path(work), shadow).to(
                record, golden
            )


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
    with tempfile.TemporaryDirectory() as work, _turn(store, model, LEASE_WAIT_S) as turn:
        production = turn.pointer.production
        target = version or (production.predecessor if production else None)
        if target is None:
            raise ConfigError("version", f"{model} has no earlier version", "Deploy one")
        record = find_version(store, model, target)
        if record.pruned:
            raise ConfigError(
                "version", f"version {target} was pruned at {record.pruned}", "Deploy its bundle"
            )
        turn.check(target)
        golden = download_golden(store, model, target, Path(work) / "golden")
        change = VersionChange(store, turn.pointer, resolve(endpoints), Path(work))
        with _in_registry(turn.pointer, store, record, Path(work)) as moved:
            deployment = change.to(moved, golden)
            if moved != record:
                record_version(store, model, moved.bundle, moved.digest, moved.metrics)
        return deployment


@contextmanager
def _in_registry(
    pointer: PointerLease, store: Store, record: VersionRecord, work: Path
) -> Iterator[VersionRecord]:
    """Yields the record of a version with its bundle in the registry, where later runs read it.

    Version 0.1 recorded the folder or address that was deployed from. Where that is gone, the
    registry gets what the model repository has: the files that serve.
    """
    model = pointer.model
    if is_registered(store, model, record.bundle) and store.exists(
        f"{record.bundle}/{MANIFEST_NAME}"
    ):
        yield record
        return
    folder = work / "recorded"
    download_version(store, model, record.version, record.digest, folder)
    with suppress(OcrError):
        source = store.fetch_source(record.bundle, work / "source")
        if Bundle.open(source).digest == record.digest:
            folder = source
    opened = Bundle.open(folder, verify=False)
    with _registered(pointer, store, record.bundle, opened, work / "copy") as uri:
        yield replace(record, bundle=uri)


@contextmanager
def _registered(
    pointer: PointerLease, store: Store, bundle_uri: str, bundle: Bundle, copy: Path
) -> Iterator[str]:
    """Yields where the registry has the bundle, which is copied there from anywhere else.

    Evaluations of later runs read it there, on other machines and with other rights. A failed
    block leaves no copy that was not there before, unless a version is recorded with it or the
    lease was lost: another deployment may have recorded it by then.
    """
    model = pointer.model
    uri = bundle_uri.rstrip("/")
    if is_registered(store, model, uri) and store.exists(f"{uri}/{MANIFEST_NAME}"):
        yield uri
        return
    for name in (*bundle.info["files"], MANIFEST):  # and nothing else that is in the folder
        if (bundle.root / name).is_file():
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
                pointer.check()
                store.remove(f"{key}/{MANIFEST_NAME}")  # first: the rest is no tree without it
                for item in store.list(f"{key}/"):
                    pointer.check()
                    store.remove(item.key)
        raise


@contextmanager
def _recorded(
    pointer: PointerLease,
    store: Store,
    bundle: str,
    digest: str,
    metrics: dict[str, Any],
    forced: str,
) -> Iterator[VersionRecord]:
    """Yields the version of a bundle; a failed block leaves the versions as it found them.

    Where a server may still hold something of the version, or another deployment may use it by
    now since the lease was lost, its record and its files stay.
    """
    model = pointer.model
    same = [record for record in list_versions(store, model) if record.digest == digest]
    pointer.check()
    record = record_version(store, model, bundle, digest, metrics, forced)
    try:
        yield record
    except OcrError as error:
        on_servers = isinstance(error, DeployError) and error.on_servers
        if not (on_servers or isinstance(error, LeaseLostError)):
            with suppress(OcrError):  # the failure that led here is the one to tell
                take_back(store, model, record, same[0] if same else None, pointer.check)
        raise


@dataclass(frozen=True, slots=True)
class _Turn:
    """A deployment's turn to change what serves.

    Attributes:
        pointer: the right to do so.
        before: the version that served when the turn was asked for; None where none did.
    """

    pointer: PointerLease
    before: int | None

    def check(self, target: int) -> None:
        """Checks that no other version was put into service while this deployment waited.

        Of two that start together one wins. The other one decided what to replace before it knew.

        Raises:
            ConflictError: one was, and it is not `target`.
            LeaseLostError: another process has the turn by now.
        """
        now = self.pointer.production
        if now and now.version not in (target, self.before):
            raise ConflictError(
                f"{now.model}: version {now.version} was put into service while this deployment "
                "waited. Look at it, then run this again to replace it."
            )
        self.pointer.check()


@contextmanager
def _turn(store: Store, model: str, wait_s: float) -> Iterator[_Turn]:
    """Holds the right to change what serves."""
    before = read_production(store, model)
    with pointer_lease(store, model, wait_s) as pointer:
        yield _Turn(pointer, before.version if before else None)


def _check(model: str, endpoints: Sequence[str]) -> None:
    check_model_name(model)
    if not endpoints:
        raise ConfigError("Triton endpoints", "none are given", "Give host:port of each server")
