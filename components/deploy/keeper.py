"""Keeps one Triton at what production.json says: after its start, and after changes it missed.

A server that starts, or comes back after it was killed, knows nothing of the deployments that
went on without it. The keeper beside it loads the version in production, tested with the golden
images before it answers anybody, and looks again every few seconds. While somebody deploys it
leaves a server that serves alone: the deployment changes that server itself.
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from components.deploy.admin import TritonAdmin
from components.deploy.change import needed_releases
from components.deploy.production import Production, read_production
from components.deploy.published import fetch_golden, fetch_version
from components.deploy.rollout import deploying
from components.deploy.switch import Target, leftover, serve, tidy
from components.shared.s3 import ConflictError
from components.shared.store import Store
from ocr_lib.errors import OcrError
from ocr_lib.terminal import echo


@dataclass
class Served:
    """What a server has of one model.

    Attributes:
        wanted: the version in production when the store answered last; None where there is none.
        known: whether the store ever answered.
        answers: whether the server answered for the model when it was asked last.
        problem: what went wrong in the last round.
    """

    wanted: int | None = None
    known: bool = False
    answers: bool = False
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        if self.wanted is None:
            return "nothing is in production yet"
        return f"version {self.wanted} is in production" + ("" if self.answers else ", not served")


class Keeper:
    """Looks after the models of one server.

    Args:
        store: holds the registry and the model repository.
        url: `host:port` of the server's gRPC protocol.
        models: their names.
    """

    def __init__(self, store: Store, url: str, models: Sequence[str]) -> None:
        self.url = url
        self._store = store
        self._admin = TritonAdmin(url)
        self.models = {model: Served() for model in models}

    @property
    def ready(self) -> bool:
        """Whether the server answers for every model that is in production.

        A store that is away for a while leaves this as it is: it must not take servers down.
        """
        return all(
            served.answers or (served.known and served.wanted is None)
            for served in self.models.values()
        )

    def close(self) -> None:
        """Ends the connection."""
        self._admin.close()

    def sync(self) -> None:
        """Looks once at every model, and loads what is missing; says what changed."""
        for model, served in self.models.items():
            before = str(served)
            served.problem = ""
            try:
                self._sync(model, served)
            except OcrError as error:
                served.problem = str(error)
            if str(served) != before:
                echo(f"{model}: {served}", flush=True)

    def _sync(self, model: str, served: Served) -> None:
        served.answers = self._admin.answers(model)
        production = read_production(self._store, model)
        served.known = True
        served.wanted = production.version if production else None
        if production is None:
            return
        if self._admin.ready(model, production.version):
            self._tidy(production)
        elif served.answers:
            self._replace(model)
        else:
            self._bring_up(model, production)
        served.answers = self._admin.answers(model)

    def _tidy(self, production: Production) -> None:
        """Unloads what former versions left, unless somebody deploys just now."""
        model, keep = production.model, needed_releases(self._store, production)
        if leftover(self._admin, model, keep):
            with suppress(ConflictError), deploying(self._store, model, wait_s=0):
                if read_production(self._store, model) == production:
                    tidy(self._admin, model, keep)

    def _replace(self, model: str) -> None:
        """Changes a version that serves, unless somebody deploys just now."""
        try:
            with deploying(self._store, model, wait_s=0):
                production = read_production(self._store, model)  # it may have changed by now
                if production and not self._admin.ready(model, production.version):
                    self._bring_up(model, production)
        except ConflictError:
            return

    def _bring_up(self, model: str, production: Production) -> None:
        with tempfile.TemporaryDirectory() as work:
            folder = fetch_version(
                self._store, model, production.version, Path(work) / f"version-{production.version}"
            )
            golden = fetch_golden(self._store, model, production.version, Path(work) / "golden")
            target = Target.build(folder, model, production.version)
            serve(self._admin, target, golden)
