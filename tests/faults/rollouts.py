"""Deployers that are killed in front of real servers, and what a reader sees meanwhile.

Each model has bundles that read the same images differently: by an answer's text the reader knows
whether network, characters and version number belong together.
"""

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from queue import Queue

from components.deploy.step import DeployRequest, deploy
from components.step_context import StepContext
from ocr_lib.errors import OcrError
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.production import CORE_SUFFIX, REPOSITORY, read_production
from ocr_lib.serving.blue_green import Target
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.model_repository import to_pbtxt
from ocr_lib.serving.repository_store import download_golden, download_version
from ocr_lib.serving.rollout import rollback
from ocr_lib.storage import store_lease
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import upload
from ocr_lib.storage.s3 import UnansweredError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines
from tests.components.run_specs import spec_ref
from tests.faults.cases import ATTEMPTS, HOLD_S, NotInjectedError, random_for
from tests.faults.processes import END, Child, Point, Run, killed_after, points_of
from tests.ocr_lib.serving.replica import Replica
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, line_image, write_bundle

REPLICAS = 2
TEXTS = ("abc", "é中")  # as version 1 reads the images
PAUSE_S = 0.25  # between two looks of the reader
READ_S = 30.0  # for one answer
POINTER = "_put_once registry/"
LEASE = " leases/deploy-"
KINDS = ("put", "_put", "remove", "load", "unload", END)  # of points, renames aside


def expected_text(text: str, version: int) -> str:
    """Returns what a version reads where version 1 reads `text`."""
    return text if version % 2 else text.translate(_MIRRORED)


_MIRRORED = str.maketrans(dict(zip(CHARACTERS, CHARACTERS[::-1], strict=True)))


def deploy_step(request: DeployRequest, work: Path) -> None:
    """Runs the deploy step as a pod does, in an empty folder; for a child process."""
    store_lease.HOLD_S = HOLD_S
    work.mkdir(parents=True, exist_ok=True)
    deploy(StepContext(Store.from_env(), Path(tempfile.mkdtemp(dir=work))), request)


def roll_back(model: str, version: int, endpoints: list[str]) -> None:
    """Puts an earlier version back into service; for a child process."""
    store_lease.HOLD_S = HOLD_S
    rollback(model, store=Store.from_env(), endpoints=endpoints, version=version)


@dataclass
class ServedReader:
    """Asks each server for lines, and the store for what serves, while the block lasts.

    Attributes:
        allowed: versions that may serve now.
        rounds: how often it read everything.
        problems: what was wrong.
    """

    store: Store
    model: str
    endpoints: list[str]
    allowed: frozenset[int] = frozenset()
    rounds: int = 0
    problems: list[str] = field(default_factory=list)

    def __enter__(self) -> "ServedReader":
        self._over = threading.Event()
        self._verified: set[int] = set()
        self._images = [(text, line_image(text)) for text in TEXTS]
        self._thread = threading.Thread(target=self._read_all)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * READ_S)

    def _read_all(self) -> None:
        with ExitStack() as stack:
            clients = [
                stack.enter_context(RecognitionClient(url, self.model, timeout_s=READ_S))
                for url in self.endpoints
            ]
            while not self._over.wait(PAUSE_S):
                try:
                    self._read_production()
                    for client in clients:
                        self._read_answers(client)
                except OcrError as error:
                    self.problems.append(f"{self.model}: {error}")
                self.rounds += 1

    def _read_answers(self, client: RecognitionClient) -> None:
        for text, image in self._images:
            before = self.allowed
            answer = client.read(image)
            wanted = expected_text(text, answer.version)
            if answer.version not in before | self.allowed or answer.text != wanted:
                self.problems.append(
                    f"{self.model}: version {answer.version} read {answer.text!r}, not {wanted!r}, "
                    f"where {sorted(before | self.allowed)} may serve"
                )

    def _read_production(self) -> None:
        """What the pointer names has to be there, whole."""
        before = self.allowed
        try:
            production = read_production(self.store, self.model)
        except UnansweredError:
            return  # rclone cuts an answer off where the object is replaced meanwhile
        if production is None or production.version not in before | self.allowed:
            self.problems.append(f"{self.model}: production.json names {production}")
        elif production.version not in self._verified:
            verify_version(self.store, self.model, production.version)
            self._verified.add(production.version)


def verify_version(store: Store, model: str, version: int) -> None:
    """Downloads all that a version has in the store.

    Raises:
        OcrError: some of it is missing or damaged.
    """
    record = store.get_json(f"registry/{model}/versions/{version}.json")
    with tempfile.TemporaryDirectory() as work:
        store.fetch_source(record["bundle"], Path(work) / "bundle")
        download_version(store, model, version, record["digest"], Path(work) / "version")
        download_golden(store, model, version, Path(work) / "golden")


@dataclass(frozen=True)
class Site:
    """Real servers, their store, and what a deployment needs besides a bundle."""

    folder: Path
    store: Store
    environment: dict[str, str]
    endpoints: list[str]
    images: ArtifactRef


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Serves a store and several Tritons while the block lasts."""
    with ExitStack() as stack:
        server = stack.enter_context(S3Server(folder / "s3"))
        store, program = server.store(), "tests.faults.serve_with_short_leases"
        replicas = [
            stack.enter_context(
                Replica(folder / f"replica-{n}", None, server.environment(), program=program)
            )
            for n in range(REPLICAS)
        ]
        images = pack_lines(store, folder / "images", ["12", "7"])
        for replica in replicas:
            replica.wait_ready()
        urls = [replica.url for replica in replicas]
        yield Site(folder, store, server.environment(), urls, images)


@dataclass(frozen=True)
class Operation:
    """A change of version: `start` begins it in a process, which is killed at a point if told."""

    target: int
    start: Callable[[Path, Point | None], Child]


class ServedModel:
    """A model of its own on the servers; its deployers are killed one after the other.

    Usage: `with ServedModel("name", site) as served: …`; version 1 serves then.

    Attributes:
        version: the one in production.
    """

    def __init__(self, name: str, at: Site) -> None:
        self.name = name
        self.site = at
        self.version = 0
        self._versions = self._runs = 0
        self._shapes: set[frozenset[str]] = set()
        self._reader = ServedReader(at.store, name, at.endpoints)

    def __enter__(self) -> "ServedModel":
        self.undisturbed(self.deployment())
        self._reader.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._reader.__exit__(*details)

    def deployment(self) -> Operation:
        """Returns the deployment of a new bundle, which was judged against what serves."""
        store, target = self.site.store, self._versions + 1
        judged = Judgement.against(read_production(store, self.name))
        characters = CHARACTERS if target % 2 else CHARACTERS[::-1]
        folder = write_bundle(
            self.site.folder / self.name / f"bundle-{target}",
            characters, sharpness=20 + target / 4, lineage=judged.to_dict(),
        )  # fmt: skip
        bundle = upload(store, folder, f"uploads/{self.name}/{{digest}}")
        urls = tuple(self.site.endpoints)
        spec = spec_ref(store, model_name=self.name, triton_urls=urls)
        request = DeployRequest(spec=spec, bundle=bundle, images=self.site.images)

        def start(folder: Path, kill_at: Point | None) -> Child:
            arguments = (request, folder / "work")
            return Child(deploy_step, arguments, folder, self.site.environment, kill_at)

        self._versions = target
        return Operation(target, start)

    def rollback(self, target: int) -> Operation:
        """Returns the way to another version that was deployed."""
        arguments = (self.name, target, self.site.endpoints)
        return Operation(
            target,
            lambda folder, kill_at: Child(
                roll_back, arguments, folder, self.site.environment, kill_at
            ),
        )

    def undisturbed(self, operation: Operation) -> Run:
        """Runs an operation to its end."""
        self._reader.allowed = frozenset({self.version, operation.target})
        run = operation.start(self._folder(), None).wait()
        assert run.exitcode == 0, run.log
        self._settle(operation)
        return run

    def killed(self, operation: Operation, kill: Callable[[Operation, Path], Run]) -> str:
        """Kills an operation, then runs it again; returns what the kill left, "" for no kill."""
        reader, folder = self._reader, self._folder()
        reader.allowed = frozenset({self.version, operation.target})
        run, state = kill(operation, folder), ""
        if run.killed:
            state, rounds = self._state(run, operation), reader.rounds
            again = operation.start(folder, None).wait()
            assert again.exitcode == 0, f"run again, it fails: {again.log}"
            if reader.rounds == rounds:
                raise NotInjectedError("nothing was read after the kill")
        else:
            assert run.exitcode == 0, run.log
        self._settle(operation)
        assert not reader.problems, f"a reader saw: {reader.problems[:3]}"
        return state

    def _folder(self) -> Path:
        self._runs += 1
        return self.site.folder / self.name / f"run-{self._runs}"

    def _state(self, run: Run, operation: Operation) -> str:
        """Says how far an operation had come: what was done, and who serves what."""
        production = read_production(self.site.store, self.name)
        served = [self._served(url) == operation.target for url in self.site.endpoints]
        pointed = production is not None and production.version == operation.target
        done = points_of(run.points)[-1:] if run.points else ""
        return f"{done} {sorted(served)} {pointed}".replace(self.name, "")

    def _served(self, url: str) -> int:
        with RecognitionClient(url, self.name, timeout_s=READ_S) as client:
            answers = {text: client.read(line_image(text)) for text in TEXTS}
        (version,) = {answer.version for answer in answers.values()}
        for text, answer in answers.items():
            assert answer.text == expected_text(text, version), f"{version}: {answer.text!r}"
        return version

    def _settle(self, operation: Operation) -> None:
        """Checks that all is as an undisturbed operation leaves it."""
        store, target = self.site.store, operation.target
        production = read_production(store, self.name)
        assert production is not None
        assert production.version == target, f"version {production.version}, not {target}"
        served = [self._served(url) for url in self.site.endpoints]
        assert served == [target] * REPLICAS, f"the servers serve {served}, not {target}"
        names = [item.key for item in store.list(f"registry/{self.name}/versions/")]
        assert len(names) == self._versions, f"{self._versions} versions are recorded as {names}"
        verify_version(store, self.name, target)
        self._check_configs(target, production.digest)
        self._shapes.add(self._shape(target, production.bundle))
        assert len(self._shapes) == 1, f"other objects: {sorted(frozenset.union(*self._shapes))}"
        self.version = target
        self._reader.allowed = frozenset({target})

    def _check_configs(self, version: int, digest: str) -> None:
        """What a server starts from has to be the version in production."""
        store = self.site.store
        with tempfile.TemporaryDirectory() as work:
            folder = download_version(store, self.name, version, digest, Path(work) / "version")
            configs = Target.build(folder, self.name, version).live.configs
        for name, config in configs.items():
            written = store.get_bytes(f"{REPOSITORY}/{name}/config.pbtxt", 1 << 20)
            assert written == to_pbtxt(config), f"{name}: config.pbtxt is another version's"

    def _shape(self, version: int, bundle: str) -> frozenset[str]:
        """Returns the keys of all that belongs to a version, with its number and digest blotted."""
        store, blots = self.site.store, {str(version): "V", f"{version}.json": "V.json"}
        blots |= {bundle.rpartition("/")[2]: "DIGEST"}
        repository = f"{REPOSITORY}/{self.name}"
        prefixes = [f"registry/{self.name}/", f"{repository}/", f"{repository}{CORE_SUFFIX}/"]
        keys = [item.key.split("/") for prefix in prefixes for item in store.list(prefix)]
        return frozenset(
            "/".join(blots.get(part, part) for part in parts).replace(self.name, "MODEL")
            for parts in keys
            if blots.keys() & set(parts)
        )


def boundaries(names: Iterable[str]) -> dict[int, Point]:
    """Returns the points of an operation to kill it at, by their number.

    Renames are left out: it starts with an empty disk, so they leave nothing. So are renewals of
    the lease and further attempts to take it, and what is unloaded in the end since nothing has
    called it for long enough: whether they happen depends on the clock.
    """
    switched, found = False, list[Point]()
    for point in points_of(names):
        switched |= point.name.startswith(POINTER) and point.occurrence > 1
        renewal = LEASE in point.name and point.occurrence > 1
        stale = switched and point.name.startswith("unload")
        if point.name.startswith(KINDS) and not (renewal or stale):
            found.append(point)
    return dict(enumerate(found, start=1))


class Rollouts:
    """One operation, killed again and again on several models of the same servers.

    Args:
        operation: "deploy" or "rollback".
        at: the servers.
        stack: ends the models.
        models: how many: while one waits for the lease of a killed deployer, another is changed.

    Attributes:
        points: where to kill it, by number.
    """

    def __init__(self, operation: str, at: Site, stack: ExitStack, models: int) -> None:
        self.operation = operation
        self._site = at
        self._stack = stack
        self._names = count(1)
        self._free: Queue[ServedModel | None] = Queue()
        first = self._new()
        whole = first.undisturbed(self._next(first))
        self._seconds = whole.seconds
        self.points = boundaries(whole.points)
        for served in (*[None] * (models - 1), first):
            self._free.put(served)

    def at_point(self, number: int) -> str:
        """Kills it once just before a point."""
        point = self.points[number]
        return self._killed(
            f"point-{number}", lambda operation, folder: operation.start(folder, point).wait()
        )

    def at_random(self, number: int) -> str:
        """Kills it once at a moment of its undisturbed duration."""
        share = random_for(f"{self.operation} {number}").random()
        seconds = [0.02 + share * self._seconds]

        def kill(operation: Operation, folder: Path) -> Run:
            run = killed_after(operation.start(folder, None), seconds[0])
            seconds[0] *= 0.6  # where it had ended
            return run

        return self._killed(f"random-{number}", kill)

    def _killed(self, name: str, kill: Callable[[Operation, Path], Run]) -> str:
        """Kills it on a model that is free; one that was found bad is not used again."""
        served = self._free.get()
        try:
            served = served or self._new()
            for _ in range(ATTEMPTS):
                if state := served.killed(self._next(served), kill):
                    return f"{self.operation} {state}"
        except BaseException:
            served = None
            raise
        finally:
            self._free.put(served)
        raise NotInjectedError(name)

    def _new(self) -> ServedModel:
        name = f"{self.operation}-{next(self._names)}"
        served = self._stack.enter_context(ServedModel(name, self._site))
        if self.operation == "rollback":
            served.undisturbed(served.deployment())
        return served

    def _next(self, served: ServedModel) -> Operation:
        if self.operation == "deploy":
            return served.deployment()
        if served.version == 1:
            served.undisturbed(served.rollback(2))
        return served.rollback(1)
