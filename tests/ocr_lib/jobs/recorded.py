"""What a real operator and kubelet did, look by look: recorded by the cluster tests.

`python -m tests.ocr_lib.jobs.recorded FOLDER` takes `*.looks.jsonl` of `make test-cluster`
(OCR_CLUSTER_LOGS=FOLDER) and writes the looks that differ, without what nothing reads.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ocr_lib.jobs.watch import Observation

FOLDER = Path(__file__).with_name("recorded")
Tree = dict[str, Any]


def load(name: str) -> list[Observation]:
    """Returns the looks of a recording."""
    rows = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return [
        Observation(
            row["at"], row["job"], tuple(row["pods"]), tuple(row["events"]), row["progress_at"]
        )
        for row in rows
    ]


def slim(rows: Iterable[Tree]) -> list[Tree]:
    """Returns the looks at which something was new, times counted from the first."""
    kept: list[Tree] = []
    start, last = None, None
    rows = _first_job(rows)
    for number, row in enumerate(rows, start=1):
        start = row["at"] if start is None else start
        heard = row["progress_at"]
        new = {
            "at": round(row["at"] - start, 1),
            "progress_at": None if heard is None else round(heard - start, 1),
            "job": row["job"] and _job(row["job"]),
            "pods": [_pod(pod) for pod in row["pods"]],
            "events": [_some(event, "reason", "message", "type") for event in row["events"]],
        }
        seen = {key: new[key] for key in ("job", "pods", "events")}
        if seen != last or new["at"] - kept[-1]["at"] >= 15 or number == len(rows):
            kept.append(new)
        last = seen
    return kept


def _some(tree: Tree, *keys: str) -> Tree:
    return {key: tree[key] for key in keys if key in tree}


def _job(job: Tree) -> Tree:
    metadata = _some(job["metadata"], "name", "uid", "annotations", "deletionTimestamp")
    return {"metadata": metadata, "status": job.get("status", {})}


def _pod(pod: Tree) -> Tree:
    labels = {
        name: value
        for name, value in pod["metadata"]["labels"].items()
        if name.startswith("training.kubeflow.org/")
    }
    metadata = _some(pod["metadata"], "name", "uid", "deletionTimestamp") | {"labels": labels}
    status = _some(pod["status"], "phase", "reason", "message", "conditions")
    fields = ("name", "image", "restartCount", "state", "lastState", "resources")
    containers = [_some(item, *fields) for item in pod["status"].get("containerStatuses", ())]
    return {"metadata": metadata, "status": {**status, "containerStatuses": containers}}


def _first_job(rows: Iterable[Tree]) -> list[Tree]:
    """Returns the looks before the job was recreated: a watch is of one job."""
    found: list[Tree] = []
    uid = None
    for row in rows:
        present = row["job"] and row["job"]["metadata"]["uid"]
        uid = uid or present
        if present and present != uid:
            break
        found.append(row)
    return found


def main(folder: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.looks.jsonl")):
        rows = slim(json.loads(line) for line in path.read_text("utf-8").splitlines())
        target = FOLDER / f"{path.name.removesuffix('.looks.jsonl')}.json"
        text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        text = re.sub(r": dial tcp[^\"]*", "", text)  # of this machine's network
        target.write_text(f"[\n{text}\n]\n", "utf-8")
        sys.stdout.write(f"{target.name}: {len(rows)} looks\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
