"""Where a run starts: its own last checkpoint, one that the configuration names, or other weights.

Source: PaddleOCR ppocr/utils/save_load.py for the order, `Global.checkpoints` before
`Global.pretrained_model`. Its guide says that a wrong path of the first falls back to the second,
its source stops; here the guide's way is there for those who ask for it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.errors import CheckpointError
from ocr_lib.text.dictionary import Charset
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.log import RunLog
from ocr_lib.training.migration import Migration, characters_beside, migrate
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.run_dir import LATEST
from ocr_lib.training.subnetworks import part_of, sub_network
from ocr_lib.training.trainer import Trainer


class StartPoint:
    """Fills a trainer with what it starts from; rank 0 reads, for all.

    Args:
        settings: Global.
        dictionary: this run's characters.
        parallel: the processes.
        log: the run's log.
    """

    def __init__(
        self, settings: GlobalConfig, dictionary: Charset, parallel: Parallel, log: RunLog
    ) -> None:
        self._settings = settings
        self._dictionary = dictionary
        self._parallel = parallel
        self._log = log

    def restore(self, trainer: Trainer, own: bool) -> None:
        """Takes up the run's own last checkpoint, else what the configuration names.

        Args:
            trainer: to fill.
            own: whether the run goes on; False where what the run folder holds is another run's.

        Raises:
            CheckpointError: it is missing, damaged, or does not fit.
        """
        latest = Path(self._settings.save_model_dir) / LATEST
        for name, path in getattr(trainer.model, "pretrained", {}).items():
            self._start_from(sub_network(trainer.model, name), path, name)
        if own and self._parallel.broadcast_from_rank0(lambda: checkpoint.exists(latest)):
            self._resume(trainer, latest)
        elif named := self._named():
            self._resume(trainer, named)
        elif self._settings.pretrained_model:
            self._start_from(trainer.model, self._settings.pretrained_model)

    def _named(self) -> Path | None:
        """Returns what Global.checkpoints names; None where it is unset, or not there and may be.

        Raises:
            CheckpointError: there is none, and no fallback is asked for.
        """
        if not self._settings.checkpoints:
            return None
        prefix = checkpoint.without_suffix(self._settings.checkpoints)
        if self._parallel.broadcast_from_rank0(lambda: checkpoint.is_complete(prefix)):
            return prefix
        if not self._settings.fallback_to_pretrained:
            raise CheckpointError(
                "Global.checkpoints",
                f"{prefix}.pdparams does not exist",
                "Check the path, or set Global.fallback_to_pretrained=true to begin without it",
            )
        self._log.info(f"{prefix} does not exist: begins as if Global.checkpoints were unset")
        return None

    def _start_from(self, network: Any, path: str, name: str = "") -> None:
        """Fills the network, or one of several, with weights of another run."""
        prefix = checkpoint.without_suffix(path)
        share = 0.0 if self._settings.allow_partial_load else weights.MIN_MATCHED
        saved = self._load(prefix)
        saved = replace(saved, params=part_of(saved.params, network, name))
        saved = self._migrated(saved, network, prefix)
        found = weights.load_into(network, saved.params, str(prefix), share)
        which = f" for {name}" if name else ""
        self._log.info(f"pretrained weights{which} from {prefix}: {found.describe()}")

    def _migrated(
        self, saved: checkpoint.Checkpoint, network: Any, prefix: Path
    ) -> checkpoint.Checkpoint:
        """Returns a checkpoint for this run's characters, where it was trained on others."""
        theirs = self._parallel.broadcast_from_rank0(lambda: characters_beside(prefix))
        if theirs is None or tuple(theirs) == self._dictionary.characters:
            return saved
        migration = Migration(Charset(tuple(theirs)), self._dictionary)
        self._log.info(f"{prefix} was trained on other characters: {migration.describe()}")
        return migrate(saved, network, migration)

    def _load(self, prefix: Path) -> checkpoint.Checkpoint:
        content = self._parallel.broadcast_from_rank0(lambda: vars(checkpoint.load(prefix)))
        return checkpoint.Checkpoint(**content)

    def _resume(self, trainer: Trainer, prefix: Path) -> None:
        saved = self._migrated(self._load(prefix), trainer.model, prefix)
        weights.load_into(trainer.model, saved.params, str(prefix), min_share=1.0)
        if not saved.has_optimizer:
            raise CheckpointError(
                f"{prefix}.pdopt",
                "the optimiser's state is missing, so the run cannot go on from here",
                "Use Global.pretrained_model to start a new run from the weights",
            )
        state = weights.optimizer_state_for(trainer.model, saved.optimizer, saved.params)
        trainer.state.restore(state, saved.states, str(prefix))
        trainer.position.fit(trainer.length.steps_per_epoch)
