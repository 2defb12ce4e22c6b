"""Putting a version into service on every server: nothing that did not pass answers a request.

A version is staged and tested on all servers before the first one changes (`switch.py`). Then the
repository's `config.pbtxt` files, from which a new server starts, and last of all
`production.json` say the new version. Any failure on the way takes every server back.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.deploy.admin import TritonAdmin
from components.deploy.production import (
    Production,
    VersionRecord,
    check_model_name,
    find_version,
    promoted,
    read_versioned,
    record_version,
    write_production,
)
from components.deploy.published import (
    fetch_golden,
    fetch_version,
    publish,
    remove_configs,
    write_configs,
)
from components.deploy.repository import build_model_version
from components.deploy.servers import resolve
from components.deploy.shadow import Comparison, Shadow
from components.deploy.smoke import Answer, Golden, smoke
from components.deploy.switch import Target, clear_stage, stage, switch, withdraw
from components.shared.lease import lease
from components.shared.s3 import ConflictError
from components.shared.store import Store
from ocr_lib.bundle import Bundle
from ocr_lib.errors import ConfigError, OcrError, ServiceError

Servers = Sequence[TritonAdmin]
MAX_AT_ONCE = 8  # servers that load a version beside the one in production
LEASE_WAIT_S = 90.0  # outlasts a deployment that died


class DeployError(ServiceError):
    """A version could not be put into service; what served before serves."""


@dataclass(frozen=True)
class Deployment:
    """What a deployment ended with.

    Attributes:
        production: what serves now.
        answers: what the servers read on the golden images, server after server.
        shadow: how the version compared with the former one on recorded lines; None without.
    """

    production: Production
    answers: tuple[Answer, ...]
    shadow: Comparison | None = None


def deploy(
    bundle_uri: str,
    model: str,
    golden: Sequence[Golden],
    *,
    store: Store,
    endpoints: Sequence[str],
    metrics: Mapping[str, Any] | None = None,
    shadow: Shadow | None = None,
    wait_s: float = LEASE_WAIT_S,
) -> Deployment:
    """Puts a bundle into service on every server; doing it again changes nothing.

    Args:
        bundle_uri: the bundle, `s3://bucket/prefix` or a folder.
        model: the model's name.
        golden: images with what the exported model reads on them; one at least.
        store: holds the model repository and the registry.
        endpoints: `host:port` of every server's gRPC protocol; a name stands for every address
            that it has.
        metrics: what the evaluation found, kept with the version; None takes the bundle's.
        shadow: recorded lines that the version in production and the new one have to agree on.
        wait_s: how long to wait while somebody else deploys this model.

    Raises:
        DeployError: a server did not take the version or reads something else; all serve what
            they served before.
        ConflictError: another deployment is under way, or put another version into service
            while this one waited.
        BundleError: the bundle is damaged, or its parts do not fit.
    """
    _check(model, endpoints)
    if not golden:
        raise ConfigError("golden images", "none are given", "Give one image at least")
    with tempfile.TemporaryDirectory() as work, _turn(store, model, wait_s) as unchanged:
        folder = store.fetch_source(bundle_uri, Path(work) / "bundle")
        opened = Bundle.open(folder)
        build_model_version(folder, model, 1, every_width=True)  # fails before it has a number
        known = dict(metrics or opened.info.get("metrics", {}))
        record = record_version(store, model, bundle_uri, opened.digest, known)
        unchanged(record.version)
        publish(store, build_model_version(folder, model, record.version), golden)
        rollout = _Rollout(store, model, resolve(endpoints), Path(work), shadow)
        return rollout.change_to(record, golden)


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
        wanted = version or (production.predecessor if production else None)
        if wanted is None:
            raise ConfigError("version", f"{model} has no earlier version", "Deploy one")
        record = find_version(store, model, wanted)
        if record.pruned:
            raise ConfigError(
                "version", f"version {wanted} was pruned at {record.pruned}", "Deploy its bundle"
            )
        unchanged(wanted)
        golden = fetch_golden(store, model, wanted, Path(work) / "golden")
        rollout = _Rollout(store, model, resolve(endpoints), Path(work))
        return rollout.change_to(record, golden)


@contextmanager
def _turn(store: Store, model: str, wait_s: float) -> Iterator[Callable[[int], None]]:
    """Holds the lease; gives a check that nobody put something else into service meanwhile.

    Of two that start together one wins. The other one decided what to replace before it knew.
    """
    before, _ = read_versioned(store, model)

    def unchanged(wanted: int) -> None:
        now, _ = read_versioned(store, model)
        if now and now.version != wanted and now.version != (before.version if before else None):
            raise ConflictError(
                f"{model}: version {now.version} was put into service while this deployment "
                "waited. Look at it, then run this again to replace it."
            )

    with deploying(store, model, wait_s):
        yield unchanged


@contextmanager
def deploying(store: Store, model: str, wait_s: float = LEASE_WAIT_S) -> Iterator[None]:
    """Keeps everybody else from changing the versions of a model while the block lasts.

    Raises:
        ConflictError: somebody else did so for all of `wait_s`.
    """
    with lease(store, f"deploy-{model}", wait_s=wait_s):
        yield


@dataclass(frozen=True)
class _Rollout:
    """One change of version on all servers; needs the lease."""

    store: Store
    model: str
    endpoints: Sequence[str]
    work: Path
    shadow: Shadow | None = None

    def change_to(self, record: VersionRecord, golden: Sequence[Golden]) -> Deployment:
        """Makes `record`, which is published, the version in production."""
        former, etag = read_versioned(self.store, self.model)
        target = self._target(record.version)
        with ExitStack() as stack:
            servers = [stack.enter_context(TritonAdmin(url)) for url in self.endpoints]
            if former and former.version == record.version:
                return Deployment(former, self._keep(servers, target, golden))
            touched: list[TritonAdmin] = []
            compared = _Compared(self.shadow if former else None, servers[0].url, self.model)
            try:
                answers = _roll_out(servers, target, golden, touched, compared)
                write_configs(self.store, target.live.configs)
                production = promoted(self.model, record, former)
                write_production(self.store, production, etag)
            except OcrError as error:
                notes = self._revert(touched, target, former)
                for server in servers:
                    notes += _tried(lambda server=server: clear_stage(server, self.model))
                raise _failure(self.model, record.version, error, former, notes) from error
        return Deployment(production, answers, compared.result)

    def _target(self, version: int) -> Target:
        """Builds a published version from the repository."""
        folder = fetch_version(self.store, self.model, version, self.work / f"version-{version}")
        return Target.build(folder, self.model, version)

    def _keep(
        self, servers: Servers, target: Target, golden: Sequence[Golden]
    ) -> tuple[Answer, ...]:
        """Makes sure that the version in production serves, on servers that just started too."""
        write_configs(self.store, target.live.configs)
        answers: list[Answer] = []
        for server in servers:
            if not server.ready(self.model, target.live.version):
                stage(server, target, golden)
                switch(server, target, golden)
            answers += smoke(server.url, self.model, target.live.version, golden)
        return tuple(answers)

    def _revert(self, touched: Servers, target: Target, former: Production | None) -> list[str]:
        """Takes back what was changed already; returns what could not be."""
        if not touched:
            return []
        if former is None:
            notes = _tried(lambda: remove_configs(self.store, target.live))
            for server in touched:
                notes += _tried(lambda server=server: withdraw(server, target.live))
            return notes
        try:
            back = self._target(former.version)
        except OcrError as error:
            return [str(error)]
        notes = _tried(lambda: write_configs(self.store, back.live.configs))
        for server in touched:
            notes += _tried(lambda server=server: _return_to(server, back))
        return notes


class _Compared:
    """Compares the staged version with the one in production, at the first server."""

    def __init__(self, shadow: Shadow | None, url: str, model: str) -> None:
        self.result: Comparison | None = None
        self._shadow, self._url, self._model = shadow, url, model

    def __call__(self, staged: str, version: int) -> None:
        if self._shadow:
            self.result = self._shadow.compare(self._url, self._model, staged, version)


def _roll_out(
    servers: Servers,
    target: Target,
    golden: Sequence[Golden],
    touched: list[TritonAdmin],
    compared: _Compared,
) -> tuple[Answer, ...]:
    """Stages on all servers at once, then switches one by one; `touched` grows by each."""
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        checks = [compared, *[None] * (len(servers) - 1)]
        list(pool.map(lambda server, check: stage(server, target, golden, check), servers, checks))
    answers: list[Answer] = []
    for server in servers:
        touched.append(server)
        answers += switch(server, target, golden)
    return tuple(answers)


def _return_to(server: TritonAdmin, former: Target) -> None:
    stage(server, former, ())
    switch(server, former, ())


def _tried(action: Callable[..., None]) -> list[str]:
    """Does what can be done to take a failure back; returns what went wrong with that."""
    try:
        action()
    except OcrError as error:
        return [str(error)]
    return []


def _check(model: str, endpoints: Sequence[str]) -> None:
    check_model_name(model)
    if not endpoints:
        raise ConfigError("Triton endpoints", "none are given", "Give host:port of each server")


def _failure(
    model: str, version: int, error: OcrError, former: Production | None, notes: Sequence[str]
) -> DeployError:
    serving = f"Version {former.version} serves on." if former else "Nothing serves yet, as before."
    text = f"{model} version {version} is not in service: {error} {serving}"
    if notes:
        text += f" But not everything could be taken back: {' '.join(notes)}"
    return DeployError(text)
