"""Keeps one Triton at what production.json says: after its start, and after changes it missed.

A server that starts, or comes back after it was killed, knows nothing of the deployments that
went on without it. The reconciler beside it loads the version in production, tested with the golden
images before it answers requests, and looks again every few seconds. During a deployment it
leaves a server that serves alone: the deployment changes that server itself. Which models there are
it asks the registry, unless it is told.
"""

import logging
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ocr_lib.errors import OcrError
from ocr_lib.registry.pointer import deploying
from ocr_lib.registry.production import Production, models_in_production, read_production
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.blue_green import Target, serve, stale_models, unload_stale
from ocr_lib.serving.repository_store import download_golden, download_version
from ocr_lib.serving.version_change import needed_releases
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
ALL = "all models"  # no model's name: they have no spaces


@dataclass
class ReplicaStatus:
    """What a server has of one model.

    Attributes:
        production_version: in production when the store answered last; None where nothing is.
        known: whether the store ever answered.
        current: whether the server serves that version, or a deployment changes it just now.
        problem: what went wrong in the last round.
    """

    production_version: int | None = None
    known: bool = False
    current: bool = False
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether requests for the model are answered as production says."""
        return self.known and (self.production_version is None or self.current)

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        if self.production_version is None:
            return "nothing is in production yet"
        return f"version {self.production_version} is in production" + (
            "" if self.current else ", not served"
        )


class Reconciler:
    """Looks after the models of one server.

    Args:
        store: holds the registry and the model repository.
        url: `host:port` of the server's gRPC protocol.
        models: their names; without any, every model that is in production.

    Attributes:
        models: what the server has of each.
    """

    def __init__(self, store: Store, url: str, models: Sequence[str] = ()) -> None:
        self.url = url
        self._store = store
        self._admin = TritonAdmin(url)
        self._named = bool(models)
        self._listed = self._named  # whether it is known which models there are
        self._problem = ""
        self.models = {
            model: ReplicaStatus() for model in models
        }  # replaced, never changed: probes read

    @property
    def ready(self) -> bool:
        """Whether the server serves every model at the version that is in production.

        A store that is away for a while leaves this as it is: it must not take servers down.
        """
        return self._listed and all(served.ready for served in self.models.values())

    def status(self) -> dict[str, str]:
        """Returns what to show of each model."""
        shown = {model: str(served) for model, served in self.models.items()}
        if self._problem or not shown:
            shown[ALL] = self._problem or str(ReplicaStatus())
        return shown

    def close(self) -> None:
        """Ends the connection."""
        self._admin.close()

    def sync(self) -> None:
        """Looks once at every model, and loads what is missing; says what changed."""
        if not self._named:
            before, self._problem = self._problem, _tried(self._find)
            if self._problem and self._problem != before:
                log.warning("%s: %s", ALL, self._problem)
        for model, served in self.models.items():
            shown = str(served)
            served.problem = ""
            served.problem = _tried(partial(self._sync, model, served))
            if str(served) != shown:
                log.log(
                    logging.WARNING if served.problem else logging.INFO, "%s: %s", model, served
                )

    def _find(self) -> None:
        """Takes in the models that came into production; forgets those that left it."""
        names = models_in_production(self._store)
        self.models = {model: self.models.get(model, ReplicaStatus()) for model in names}
        self._listed = True

    def _sync(self, model: str, served: ReplicaStatus) -> None:
        answers = self._answers(model, served)
        production = read_production(self._store, model)
        served.known = True
        served.production_version = production.version if production else None
        if production is None:
            return
        if self._admin.ready(model, production.version):
            served.current = True
            self._unload_stale(production)
            return
        try:
            served.current = self._replace(model) if answers else self._start(production)
        except Exception:
            served.current = False
            raise

    def _answers(self, model: str, served: ReplicaStatus) -> bool:
        """Tells whether the server answers with any version; without one it serves none."""
        answers = False
        try:
            answers = self._admin.answers(model)
        finally:
            served.current &= answers
        return answers

    def _start(self, production: Production) -> bool:
        self._bring_up(production.model, production)
        return self._admin.ready(production.model, production.version)

    def _unload_stale(self, production: Production) -> None:
        """Unloads what former versions left, unless a deployment is in progress."""
        model, keep = production.model, needed_releases(self._store, production)
        if stale_models(self._admin, model, keep):
            with suppress(ConflictError), deploying(self._store, model, wait_s=0):
                if read_production(self._store, model) == production:
                    unload_stale(self._admin, model, keep)

    def _replace(self, model: str) -> bool:
        """Changes a version that serves; a server under deployment is left alone.

        Returns:
            Whether the server is as it should be.
        """
        try:
            with deploying(self._store, model, wait_s=0):
                production = read_production(self._store, model)  # it may have changed by now
                if production is None or self._admin.ready(model, production.version):
                    return True
                return self._start(production)
        except ConflictError:
            return True

    def _bring_up(self, model: str, production: Production) -> None:
        version = production.version
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work) / f"version-{version}"
            download_version(self._store, model, version, production.digest, folder)
            golden = download_golden(self._store, model, version, Path(work) / "golden")
            serve(self._admin, Target.build(folder, model, version), golden)


def _tried(action: Callable[[], None]) -> str:
    """Does something; returns what went wrong, of whatever class: other models have their turn."""
    try:
        action()
    except (OcrError, OSError) as error:
        return str(error)
    except Exception as error:  # a defect: its traceback says where
        log.exception("a defect")
        return f"{type(error).__name__}: {error}"
    return ""
