"""The pipeline: from labelled lines to a served model, in the order in which the data travels."""

from typing import Any

from kfp import dsl

from components.deploy.component import deploy
from components.evaluate.component import evaluate
from components.export.component import export
from components.gen_label.component import gen_label
from components.pack_lmdb.component import pack_lmdb
from components.preflight.component import preflight
from components.train.component import train
from pipelines.placement import place
from pipelines.titles import TITLES


@dsl.pipeline(
    name="ocr-train-and-deploy",
    display_name="Text recognition: train and deploy",
    description="Labelled text lines in, a served and verified model out.",
)
def train_and_deploy(
    train_data_uri: str = "s3://ocr/sources/train.tar",
    eval_data_uri: str = "s3://ocr/sources/eval.tar",
    train_data_sha256: str = "",
    eval_data_sha256: str = "",
    dataset_name: str = "lines",
    label_format: str = "auto",
    max_bad_fraction: float = 0.01,
    config: str = "cpu_line",
    config_overrides: list[str] = [],  # noqa: B006 (kfp reads the default, nobody changes it)
    pretrained_uri: str = "",
    train_minutes: float = 60.0,
    train_backend: str = "local",
    model_name: str = "ocr",
    gate_min_accuracy_fraction: float = 0.5,
    gate_min_norm_edit_dis: float = 0.8,
    gate_min_samples: int = 100,
    gate_max_accuracy_drop_fraction: float = 0.01,
    gate_thresholds: dict[str, Any] = {},  # noqa: B006
    triton_urls: list[str] = ["triton:8001"],  # noqa: B006
) -> None:
    """Trains a recogniser and puts it into service if it may replace the one that serves.

    Args:
        train_data_uri: folder, tar or zip of labelled lines to learn from.
        eval_data_uri: the same for the lines that decide; none of them is learnt from.
        train_data_sha256: digest of the source, verified; without it a cached result goes by the
            URI alone, whatever lies there now.
        eval_data_sha256: the same for the evaluation source.
        dataset_name: names the data set in the object store.
        label_format: rec and det (ICDAR), list (PaddleOCR), or auto: found out from the file.
        max_bad_fraction: share of unusable lines at which to give up, 0 to 1.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        config_overrides: `Key.sub=value` each.
        pretrained_uri: weights to start from (`.pdparams`); empty for none.
        train_minutes: how long to train; 0 leaves it to the configuration.
        train_backend: `local` trains in the step itself.
        model_name: its name in Triton and in the registry.
        gate_min_accuracy_fraction: smallest share of lines read exactly, 0 to 1.
        gate_min_norm_edit_dis: smallest normalised edit similarity, 0 to 1.
        gate_min_samples: smallest number of evaluated lines on which a verdict means something.
        gate_max_accuracy_drop_fraction: how far below the serving model's accuracy the new one
            may be, 0 to 1.
        gate_thresholds: any other threshold of `ocr gate` by name, as {"max_slice_drop": 0.1}.
        triton_urls: `host:port` of the gRPC protocol of every server that serves the model.
    """
    # An exit handler would stand around everything below; nothing here needs one: each step
    # cleans up after itself, and what it left in the object store is what a retry goes on from.
    labels = gen_label(
        train_data_uri=train_data_uri,
        eval_data_uri=eval_data_uri,
        train_data_sha256=train_data_sha256,
        eval_data_sha256=eval_data_sha256,
        dataset_name=dataset_name,
        label_format=label_format,
        max_bad_fraction=max_bad_fraction,
    )
    packed = pack_lmdb(
        train_labels=labels.outputs["train_labels"],
        eval_labels=labels.outputs["eval_labels"],
        max_bad_fraction=max_bad_fraction,
    )
    train_lmdb, eval_lmdb = packed.outputs["train_lmdb"], packed.outputs["eval_lmdb"]
    checked = preflight(
        train_lmdb=train_lmdb,
        eval_lmdb=eval_lmdb,
        config=config,
        config_overrides=config_overrides,
        max_bad_fraction=max_bad_fraction,
    )
    trained = train(
        train_lmdb=train_lmdb,
        eval_lmdb=eval_lmdb,
        run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        config=config,
        config_overrides=config_overrides,
        train_minutes=train_minutes,
        pretrained_uri=pretrained_uri,
        train_backend=train_backend,
    ).after(checked)
    judged = evaluate(
        model=trained.output,
        train_lmdb=train_lmdb,
        eval_lmdb=eval_lmdb,
        model_name=model_name,
        min_accuracy_fraction=gate_min_accuracy_fraction,
        min_norm_edit_dis=gate_min_norm_edit_dis,
        min_samples=gate_min_samples,
        max_accuracy_drop_fraction=gate_max_accuracy_drop_fraction,
        thresholds=gate_thresholds,
    )
    # The verdict is the step's only parameter, so kfp calls it "Output"; kfp.local understands no
    # other name in a condition.
    with dsl.If(judged.outputs["Output"] == True, name="accepted"):  # noqa: E712 (builds a condition)
        exported = export(
            model=trained.output,
            eval_lmdb=eval_lmdb,
            evaluation=judged.outputs["evaluation"],
            model_name=model_name,
        )
        deployed = deploy(
            bundle=exported.output,
            eval_lmdb=eval_lmdb,
            model_name=model_name,
            triton_urls=triton_urls,
        )
    # Their results depend on time or on what serves, which no cache key knows.
    for task in (trained, judged, deployed):
        task.set_caching_options(enable_caching=False)
    for task in (labels, packed, checked, trained, judged, exported, deployed):
        task.set_display_name(TITLES[task.name])
        place(task)
