"""The data's part of the DAG as a program: `python -m tests.pipelines.fan_out ROOT < arguments`.

kfp.local takes over its process, so a test runs this in one of its own.
"""

import json
import sys
import warnings
from typing import Any

from kfp import dsl, local

from components.plan.component import plan
from pipelines.train_and_deploy import pack


@dsl.pipeline(name="fan-out")
def fan_out(train_data_uri: str, test_data_uri: str, options: dict[str, Any]) -> None:
    planned = plan(
        run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        images={},
        train_data_uri=train_data_uri,
        test_data_uri=test_data_uri,
        validation_data_uri="",
        config="cpu_line",
        pretrained_uri="",
        train_minutes=0.0,
        train_backend="local",
        train_workers=1,
        model_name="fan_out",
        skip_if_unchanged=False,
        triton_urls=[],
        options=options,
    )
    with dsl.If(planned.outputs["Output"] == True, name="new"):  # noqa: E712
        pack(planned)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="kfp")
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1])
    fan_out(**json.load(sys.stdin))
