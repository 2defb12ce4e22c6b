"""One change of version on all servers: loaded on all, then activated, or reverted on all."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from ocr_lib.errors import OcrError, ServiceError
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.pointer import PointerLease, UnknownOutcomeError
from ocr_lib.registry.production import Production, VersionRecord, promoted, read_record
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.blue_green import (
    Target,
    activate,
    deactivate,
    load,
    release_name,
    serve,
    unload_stale,
)
from ocr_lib.serving.replay_evaluation import Comparison, ReplayEvaluation
from ocr_lib.serving.repository_store import download_version, write_configs
from ocr_lib.serving.smoke import SmokeResult, smoke
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import LeaseLostError

Servers = Sequence[TritonAdmin]
MAX_AT_ONCE = 8  # servers that load a version beside the one in production


class DeployError(ServiceError):
    """A version could not be put into service; what served before serves.

    Args:
        text: the message.
        on_servers: whether a server may still hold something of the version.
    """

    def __init__(self, text: str, on_servers: bool = False) -> None:
        super().__init__(text)
        self.on_servers = on_servers


@dataclass(frozen=True)
class Deployment:
    """What a deployment ended with.

    Attributes:
        production: what serves now.
        answers: what the servers read on the golden images, server after server.
        shadow: how the version compared with the former one on recorded lines; None without.
        notes: what could not be done, and did not hold the version back.
    """

    production: Production
    answers: tuple[SmokeResult, ...]
    shadow: Comparison | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VersionChange:
    """A change of version.

    Attributes:
        store: holds the model repository and the registry.
        pointer: the right to change what serves of this model.
        endpoints: `host:port` of every server's gRPC protocol.
        work: a folder for what is fetched.
        shadow: recorded lines to compare on; None compares nothing.
    """

    store: Store
    pointer: PointerLease
    endpoints: Sequence[str]
    work: Path
    shadow: ReplayEvaluation | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self.pointer.model

    def to(self, record: VersionRecord, golden: Sequence[GoldenImage]) -> Deployment:
        """Makes `record`, which is published, the version in production.

        Raises:
            DeployError: a server did not take it; all serve what they served before. Or another
                deployment took over, or the store does not say what is in production: then the
                servers are left to their reconcilers.
        """
        former = self.pointer.production
        target = self._target(record.version, record.digest)
        with ExitStack() as stack:
            servers = [stack.enter_context(TritonAdmin(url)) for url in self.endpoints]
            if former and former.version == record.version:
                answers = self._keep(servers, target, golden)
                production = replace(former, bundle=record.bundle)
                if production != former:  # the bundle is in the registry now
                    production = self.pointer.write(production)
                return Deployment(production, answers)
            rollout = _Rollout(servers, target, golden)
            try:
                compared = rollout.load(self.shadow if former else None)
                answers = rollout.activate(self.pointer.check)
                self.pointer.check()
                production = self.pointer.write(promoted(self.model, record, former))
            except OcrError as error:
                raise self._given_up(rollout, error, former) from error
            notes = _tried(lambda: self._write_configs(target))
            notes += _tried(lambda: self._unload_stale(servers, production))
        return Deployment(production, answers, compared, tuple(notes))

    def _given_up(
        self, rollout: "_Rollout", error: OcrError, former: Production | None
    ) -> DeployError:
        """Has all servers serve what they served, where that is this process's to do."""
        if isinstance(error, UnknownOutcomeError):
            text = (
                f"{error} The servers were left as they are and follow production.json once the "
                "store answers. Run this again then."
            )
            return DeployError(text, on_servers=True)
        try:
            self.pointer.check()
            if isinstance(error, LeaseLostError):
                raise error
        except LeaseLostError as lost:
            cause = str(error) if error is lost else f"{error} {lost}"
            text = f"{self.model} is not deployed: {cause} The servers follow production.json."
            return DeployError(text, on_servers=True)
        notes = rollout.clear() + self._revert(rollout, former)
        on_servers = bool(notes or rollout.touched)
        return _failure(self.model, error, former, notes, on_servers)

    def _target(self, version: int, digest: str) -> Target:
        """Builds a published version from the repository.

        Raises:
            BundleError: the repository holds something else than was recorded.
        """
        folder = self.work / f"version-{version}"
        download_version(self.store, self.model, version, digest, folder)
        return Target.build(folder, self.model, version)

    def _keep(
        self, servers: Servers, target: Target, golden: Sequence[GoldenImage]
    ) -> tuple[SmokeResult, ...]:
        """Makes sure that the version in production serves, on servers that just started too."""
        self._write_configs(target)
        answers: list[SmokeResult] = []
        for server in servers:
            if not server.ready(self.model, target.live.version):
                serve(server, target, golden)
            answers += smoke(server.url, self.model, target.live.version, golden)
        return tuple(answers)

    def _write_configs(self, target: Target) -> None:
        """Has servers that start serve a version.

        Raises:
            LeaseLostError: what they start with is another deployment's to say by now.
        """
        self.pointer.check()
        write_configs(self.store, target.live.configs)

    def _unload_stale(self, servers: Servers, production: Production) -> None:
        """Unloads what neither the version in production nor its predecessor needs.

        Raises:
            LeaseLostError: another deployment may have loaded it by now.
        """
        needed = needed_releases(self.store, production)
        self.pointer.check()
        _on_each(servers, lambda server: unload_stale(server, self.model, needed))

    def _revert(self, rollout: "_Rollout", former: Production | None) -> list[str]:
        """Has the servers that were switched serve what they served; returns what went wrong."""
        touched, target = rollout.touched, rollout.target
        if not touched:
            return []
        if former is None:
            return _on_each(touched, lambda server: deactivate(server, target))
        try:
            back = self._target(former.version, former.digest)
        except OcrError as error:
            return [str(error)]
        return _on_each(touched, lambda server: serve(server, back, ()))


@dataclass
class _Rollout:
    """How far a version got on which servers."""

    servers: Servers
    target: Target
    golden: Sequence[GoldenImage]
    loaded: list[TritonAdmin] = field(default_factory=list)  # its network was loaded for this
    touched: list[TritonAdmin] = field(default_factory=list)  # it serves, or nearly did

    def load(self, shadow: ReplayEvaluation | None) -> Comparison | None:
        """Tests the version on all servers at once, and on recorded lines at the first one."""
        comparisons: list[Comparison] = []
        first = self.servers[0]

        def compare(release: str, version: int) -> None:
            if shadow:
                comparisons.append(
                    shadow.compare(first.url, self.target.live.name, release, version)
                )

        def load_on(server: TritonAdmin) -> None:
            if not server.ready(self.target.release.core, self.target.release.version):
                self.loaded.append(server)
            load(server, self.target, self.golden, compare if server is first else None)

        with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
            list(pool.map(load_on, self.servers))
        return comparisons[0] if comparisons else None

    def activate(self, check: Callable[[], None]) -> tuple[SmokeResult, ...]:
        """Has the first server serve it; when it does well, all others at once.

        Args:
            check: raises where that is no longer this process's to do; called before each group.
        """
        first, rest = self.servers[:1], self.servers[1:]
        answers: list[SmokeResult] = []
        for group in (first, rest):
            check()
            self.touched += group
            with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
                for results in pool.map(lambda s: activate(s, self.target, self.golden), group):
                    answers += results
        return tuple(answers)

    def clear(self) -> list[str]:
        """Unloads what no request of anybody else calls; returns what could not be.

        A server that served the version for a moment keeps its network, which requests may still
        wait for, until `unload_stale` finds it idle.
        """
        release = self.target.release
        notes = _on_each(self.servers, lambda server: server.unload(release.name))
        unused = [server for server in self.loaded if server not in self.touched]
        return notes + _on_each(unused, lambda server: server.unload(release.core))


def needed_releases(store: Store, production: Production) -> list[str]:
    """Returns the releases that servers keep: the one in production, and its predecessor."""
    model, needed = production.model, [(production.version, production.digest)]
    before = read_record(store, model, production.predecessor) if production.predecessor else None
    if before:
        needed.append((before.version, before.digest))
    return [release_name(model, version, digest) for version, digest in needed]


def _on_each(servers: Servers, action: Callable[[TritonAdmin], object]) -> list[str]:
    """Does something on all servers at once as far as possible; returns what went wrong."""

    def tried(server: TritonAdmin) -> list[str]:
        return _tried(lambda: action(server))

    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        return list(chain.from_iterable(pool.map(tried, servers)))


def _tried(action: Callable[[], object]) -> list[str]:
    try:
        action()
    except OcrError as error:
        return [str(error)]
    return []


def check_live(model: str, endpoints: Sequence[str], former: Production | None) -> None:
    """Asks every server whether it is there, before anything is made for it.

    Raises:
        DeployError: one does not answer.
    """

    def ask(url: str) -> None:
        with TritonAdmin(url) as server:
            server.check_live()

    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        try:
            list(pool.map(ask, endpoints))
        except ServiceError as error:
            raise _failure(model, error, former, (), on_servers=False) from error


def _failure(
    model: str,
    error: OcrError,
    former: Production | None,
    notes: Sequence[str],
    on_servers: bool,
) -> DeployError:
    serving = f"Version {former.version} serves on." if former else "Nothing serves yet, as before."
    text = f"{model} is not deployed: {error} {serving}"
    if notes:
        text += f" But not everything could be taken back: {' '.join(notes)}"
    return DeployError(text, on_servers)
