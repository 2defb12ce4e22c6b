"""How many candidates a test set has judged: each verdict on it makes the next one less blind.

A verdict is an object of its own that is only ever created, accepted or refused:
`decisions/<test set>/<run>.json`. The test set is known by its labels and images, however they
were packed.
"""

from typing import Any

from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store


def record_decision(store: Store, test_digest: str, run: str, decision: dict[str, Any]) -> int:
    """Notes that a test set has judged a run, once for each run; returns how many it has judged.

    Args:
        store: where to.
        test_digest: `EvalReport.dataset_digest` of the test set.
        run: names the run.
        decision: what to keep: whether it passed, figures, models.
    """
    prefix = f"decisions/{test_digest}/"
    key = f"{prefix}{run}.json"
    if not store.exists(key):  # a step that runs again, or a run that is judged again
        try:
            store.replace_json(key, decision, None)
        except ConflictError:
            if not store.exists(key):
                raise
    return len(store.list(prefix))
