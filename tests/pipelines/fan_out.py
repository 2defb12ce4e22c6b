"""The data's part of the DAG as a program: `python -m tests.pipelines.fan_out ROOT < arguments`.

kfp.local takes over its process, so a test runs this in one of its own.
"""

import json
import sys
import warnings

from kfp import dsl, local

from components.gen_label.component import gen_label
from components.pack_lmdb.component import pack_lmdb
from components.plan.component import plan
from components.preflight.component import preflight


@dsl.pipeline(name="fan-out")
def fan_out(train_data_uri: str, test_data_uri: str, gib_per_pod: float, max_pods: int) -> None:
    planned = plan(
        train_data_uri=train_data_uri,
        test_data_uri=test_data_uri,
        config="cpu_line",
        model_name="fan_out",
        pack_gib_per_pod=gib_per_pod,
        pack_max_pods=max_pods,
    )
    with dsl.If(planned.outputs["Output"] == True, name="new"):  # noqa: E712
        with dsl.ParallelFor(planned.outputs["groups"], parallelism=8) as group:
            labels = gen_label(group=group)
            packed = pack_lmdb(labels=labels.outputs["labels"])
        preflight(shards=dsl.Collected(packed.output), config="cpu_line")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="kfp")
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1])
    fan_out(**json.load(sys.stdin))
