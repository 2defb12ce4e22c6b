"""One change of version on all servers: loaded on all, then activated, or reverted on all."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from ocr_lib.errors import OcrError, ServiceError
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import (
    Production,
    VersionRecord,
    promoted,
    read_record,
    read_versioned,
    write_production,
)
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
from ocr_lib.serving.repository_store import download_version, remove_configs, write_configs
from ocr_lib.serving.smoke import SmokeResult, smoke
from ocr_lib.storage.store import Store

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
    """A change of version; needs the lease.

    Attributes:
        store: holds the model repository and the registry.
        model: the model's name.
        endpoints: `host:port` of every server's gRPC protocol.
        work: a folder for what is fetched.
        shadow: recorded lines to compare on; None compares nothing.
    """

    store: Store
    model: str
    endpoints: Sequence[str]
    work: Path
    shadow: ReplayEvaluation | None = None

    def to(self, record: VersionRecord, golden: Sequence[GoldenImage]) -> Deployment:
        """Makes `record`, which is published, the version in production.

        Raises:
            DeployError: a server did not take it; all serve what they served before.
        """
        former, etag = read_versioned(self.store, self.model)
        target = self._target(record.version)
        with ExitStack() as stack:
            servers = [stack.enter_context(TritonAdmin(url)) for url in self.endpoints]
            if former and former.version == record.version:
                answers = self._keep(servers, target, golden)
                production = replace(former, bundle=record.bundle)
                if production != former:  # the bundle is in the registry now
                    write_production(self.store, production, etag)
                return Deployment(production, answers)
            production = promoted(self.model, record, former)
            needed = needed_releases(self.store, production)
            rollout = _Rollout(servers, target, golden)
            try:
                compared = rollout.load(self.shadow if former else None)
                answers = rollout.activate()
                write_configs(self.store, target.live.configs)
                write_production(self.store, production, etag)
            except OcrError as error:
                notes = rollout.clear() + self._revert(rollout, former)
                on_servers = bool(notes or rollout.touched)
                raise _failure(self.model, error, former, notes, on_servers) from error
            _on_each(servers, lambda server: unload_stale(server, self.model, needed))
        return Deployment(production, answers, compared)

    def _target(self, version: int) -> Target:
        """Builds a published version from the repository."""
        folder = download_version(self.store, self.model, version, self.work / f"version-{version}")
        return Target.build(folder, self.model, version)

    def _keep(
        self, servers: Servers, target: Target, golden: Sequence[GoldenImage]
    ) -> tuple[SmokeResult, ...]:
        """Makes sure that the version in production serves, on servers that just started too."""
        write_configs(self.store, target.live.configs)
        answers: list[SmokeResult] = []
        for server in servers:
            if not server.ready(self.model, target.live.version):
                serve(server, target, golden)
            answers += smoke(server.url, self.model, target.live.version, golden)
        return tuple(answers)

    def _revert(self, rollout: "_Rollout", former: Production | None) -> list[str]:
        """Has the servers that were switched serve what they served; returns what went wrong."""
        touched, target = rollout.touched, rollout.target
        if not touched:
            return []
        if former is None:
            notes = _tried(lambda: remove_configs(self.store, target.live))
            return notes + _on_each(touched, lambda server: deactivate(server, target))
        try:
            back = self._target(former.version)
        except OcrError as error:
            return [str(error)]
        notes = _tried(lambda: write_configs(self.store, back.live.configs))
        return notes + _on_each(touched, lambda server: serve(server, back, ()))


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

    def activate(self) -> tuple[SmokeResult, ...]:
        """Has the first server serve it; when it does well, all others at once."""
        first, rest = self.servers[:1], self.servers[1:]
        answers: list[SmokeResult] = []
        for group in (first, rest):
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
