"""Where a run starts: its own last checkpoint, one that the configuration names, or other weights.

Where the run's own last checkpoint is damaged, the newest intact one before it is taken.

Source: PaddleOCR ppocr/utils/save_load.py for the order, `Global.checkpoints` before
`Global.pretrained_model`. Its guide says that a wrong path of the first falls back to the second,
its source stops; here the guide's way is there for those who ask for it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from paddle import nn

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.errors import CheckpointError
from ocr_lib.text.dictionary import Charset
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.checkpoint import Checkpoint
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.log import RunLog
from ocr_lib.training.migration import Migration, characters_beside, migrate
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.run_dir import LATEST
from ocr_lib.training.subnetworks import part_of, sub_network


class StartPoint:
    """Fills a network and its training state with what a run starts from; rank 0 reads, for all.

    Args:
        settings: Global.
        charset: this run's characters.
        parallel: the processes.
        log: the run's log.
    """

    def __init__(
        self, settings: GlobalConfig, charset: Charset, parallel: Parallel, log: RunLog
    ) -> None:
        self._settings = settings
        self._charset = charset
        self._parallel = parallel
        self._log = log

    def restore(self, network: nn.Layer, state: CheckpointState, *, resume: bool) -> bool:
        """Takes up the run's own last checkpoint, else what the configuration names.

        Args:
            network: to fill.
            state: of its training, to fill.
            resume: whether the run goes on; False where the run directory holds another run.

        Returns:
            Whether it begins from `Global.pretrained_model`.

        Raises:
            CheckpointError: it is missing, damaged, or does not fit.
        """
        for name, path in getattr(network, "pretrained", {}).items():
            self._load_pretrained(sub_network(network, name), path, name)
        if resume and (newest := self._newest_intact()):
            self._resume(network, state, *newest)
        elif configured := self._configured_checkpoint():
            self._resume(network, state, configured, self._load(configured))
        elif self._settings.pretrained_model:
            self._load_pretrained(network, self._settings.pretrained_model)
            return True
        return False

    def _newest_intact(self) -> tuple[Path, Checkpoint] | None:
        """Returns the run's own newest checkpoint that is intact; None where it has none yet.

        Raises:
            CheckpointError: it has some, and none is intact.
        """
        run_dir = Path(self._settings.save_model_dir)
        newest = self._parallel.broadcast_from_rank0(lambda: _newest_intact(run_dir))
        if newest is None:
            return None
        prefix, saved = run_dir / newest["name"], Checkpoint(**newest["content"])
        if newest["damaged"]:
            self._log.warning(
                f"damaged checkpoint: {'; '.join(newest['damaged'])}. The run goes on from "
                f"{prefix}, which is of step {saved.states.get('global_step')}"
            )
        return prefix, saved

    def _configured_checkpoint(self) -> Path | None:
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

    def _load_pretrained(self, network: nn.Layer, path: str, name: str = "") -> None:
        """Fills the network, or the one of this name among several, with weights of another run."""
        prefix = checkpoint.without_suffix(path)
        min_share = 0.0 if self._settings.allow_partial_load else weights.MIN_MATCHED
        saved = self._load(prefix)
        saved = replace(saved, params=part_of(saved.params, network, name))
        saved = self._migrated(saved, network, prefix)
        match = weights.load_into(network, saved.params, str(prefix), min_share)
        recipient = f" for {name}" if name else ""
        self._log.info(f"pretrained weights{recipient} from {prefix}: {match.describe()}")

    def _migrated(self, saved: Checkpoint, network: nn.Layer, prefix: Path) -> Checkpoint:
        """Returns a checkpoint for this run's characters, where it was trained on others."""
        characters = self._parallel.broadcast_from_rank0(lambda: characters_beside(prefix))
        if characters is None or tuple(characters) == self._charset.characters:
            return saved
        migration = Migration(Charset(tuple(characters)), self._charset)
        self._log.info(f"{prefix} was trained on other characters: {migration.describe()}")
        return migrate(saved, network, migration)

    def _load(self, prefix: Path) -> Checkpoint:
        content = self._parallel.broadcast_from_rank0(lambda: vars(checkpoint.load(prefix)))
        return Checkpoint(**content)

    def _resume(
        self, network: nn.Layer, state: CheckpointState, prefix: Path, saved: Checkpoint
    ) -> None:
        saved = self._migrated(saved, network, prefix)
        weights.load_into(network, saved.params, str(prefix), min_share=1.0)
        if not saved.has_optimizer:
            raise CheckpointError(
                f"{prefix}.pdopt",
                "the optimiser's state is missing, so the run cannot go on from here",
                "Use Global.pretrained_model to start a new run from the weights",
            )
        optimizer = weights.optimizer_state_for(network, saved.optimizer, saved.params)
        state.restore(optimizer, saved.states, str(prefix))


def _newest_intact(run_dir: Path) -> dict[str, Any] | None:
    """Returns name and content of the newest intact checkpoint, and what is wrong with newer ones.

    Raises:
        CheckpointError: there are checkpoints, and none is intact.
    """
    latest, damaged = run_dir / LATEST, []
    prefixes = checkpoint.newest_first(run_dir)
    if latest not in prefixes and checkpoint.is_complete(latest):
        damaged.append(f"{latest}.json: missing")
    for prefix in prefixes:
        try:
            content = vars(checkpoint.load(prefix))
        except CheckpointError as error:
            damaged.append(f"{error.where}: {error.cause}")
        else:
            return {"name": prefix.name, "content": content, "damaged": damaged}
    if not damaged:
        return None
    raise CheckpointError(
        str(run_dir),
        f"no checkpoint of the run is intact ({'; '.join(damaged)})",
        "Restore the files of one of them from a copy, or pass --fresh to start over",
    )
