"""The pipeline: from labelled lines to a served model, in the order in which the data travels."""

import copy
from typing import Any

from kfp import dsl

from components.clean_up.component import clean_up
from components.deploy.component import deploy
from components.evaluate.component import evaluate
from components.export.component import export
from components.gen_label.component import gen_label
from components.pack_lmdb.component import pack_lmdb
from components.plan.component import plan
from components.predict.component import predict
from components.preflight.component import preflight
from components.train.component import train
from components.train.task_config import passthroughs
from pipelines.placement import BuildOptions
from pipelines.task_settings import apply_settings
from pipelines.titles import ACCEPTED, SOMETHING_NEW, TITLES

MAX_PARALLEL_PODS = 64  # of a loop; `pack_max_pods` and `evaluate_max_pods` keep below it

# What the user interface offers, where a text is one of a few; see `literals.py`.
LITERALS = {
    "label_format": ("auto", "rec", "det", "list"),
    "train_backend": ("local", "paddlejob"),
}


def build_pipeline(options: BuildOptions | None = None) -> Any:
    """Returns the pipeline, a kfp `GraphComponent`: call it to run it, or compile it.

    Args:
        options: what it is built for; None for node pools and this version's images.
    """
    options = options or BuildOptions()

    @dsl.pipeline(
        name="ocr-train-and-deploy",
        display_name="Text recognition: train and deploy",
        description="Labelled text lines in, a served and verified model out.",
    )
    def train_and_deploy(
        train_data_uri: str = "s3://ocr/sources/train.tar",
        test_data_uri: str = "s3://ocr/sources/test.tar",
        validation_data_uri: str = "",
        train_data_sha256: str = "",
        test_data_sha256: str = "",
        split_options: dict[str, Any] = {},  # noqa: B006 (kfp reads the default; it is never changed)
        skip_if_unchanged: bool = False,
        dataset_name: str = "lines",
        label_format: str = "auto",
        max_bad_fraction: float = 0.01,
        pack_max_pods: int = 16,
        pack_gib_per_pod: float = 8.0,
        config: str = "cpu_line",
        config_overrides: list[str] = [],  # noqa: B006
        pretrained_uri: str = "",
        train_minutes: float = 60.0,
        train_backend: str = "paddlejob",
        train_workers: int = 1,
        train_job_options: dict[str, Any] = {},  # noqa: B006
        model_name: str = "ocr",
        evaluate_max_pods: int = 1,
        gate_min_accuracy_fraction: float = 0.5,
        gate_min_norm_edit_dis: float = 0.8,
        gate_min_samples: int = 100,
        gate_max_accuracy_drop_fraction: float = 0.01,
        gate_thresholds: dict[str, Any] = {},  # noqa: B006
        triton_urls: list[str] = ["triton-each:8001"],  # noqa: B006
    ) -> None:
        """Trains a recogniser and puts it into service if it may replace the champion.

        Args:
            train_data_uri: folder, tar or zip of labelled lines to learn from, or a folder of such
                archives, which are packed side by side.
            test_data_uri: the same for the samples that decide whether the model may serve; nothing
                is learnt from them, and they choose no checkpoint.
            validation_data_uri: the same for the samples that choose the checkpoint; empty: about
                5 % of the samples to learn from are split off.
            train_data_sha256: digest of the source, verified; without it the source is known by the
                tags that the object store gives it.
            test_data_sha256: the same for the test set.
            split_options: how they are split off: share, seed, document_pattern (a regular
                expression for what in a path names the document).
            skip_if_unchanged: end here, as a success, where the serving model was made of the same
                data, configuration and settings.
            dataset_name: names the data set in the object store.
            label_format: rec and det (ICDAR), list (PaddleOCR), or auto: found out from the file.
            max_bad_fraction: share of unusable lines at which to give up, 0 to 1.
            pack_max_pods: largest number of pods that convert and pack at a time.
            pack_gib_per_pod: GiB of archives that are worth a pod of its own.
            config: a shipped configuration's name, or an `s3://` URI of a YAML file.
            config_overrides: `Key.sub=value` each.
            pretrained_uri: weights to start from (`.pdparams`); empty for none.
            train_minutes: how long to train; 0 leaves it to the configuration.
            train_backend: `local` trains in the step itself, `paddlejob` in pods of its own.
            train_workers: how many pods train together, with paddlejob.
            train_job_options: queue, deadlines and retries of the job, as {"kueue_queue": "gpu"}.
            model_name: its name in Triton and in the registry.
            evaluate_max_pods: largest number of pods that predict the test set at a time.
            gate_min_accuracy_fraction: smallest share of lines read exactly, 0 to 1.
            gate_min_norm_edit_dis: smallest normalised edit similarity, 0 to 1.
            gate_min_samples: smallest number of evaluated lines on which a verdict means something.
            gate_max_accuracy_drop_fraction: how far below the serving model's accuracy the new one
                may be, 0 to 1.
            gate_thresholds: any other threshold of `ocr gate` by name, as {"max_slice_drop": 0.1}.
            triton_urls: `host:port` of the gRPC protocol of every server; a name may stand for
                several.
        """
        run = dsl.PIPELINE_JOB_ID_PLACEHOLDER
        tidied = clean_up(run=run, train_backend=train_backend)
        with dsl.ExitHandler(tidied, name="run"):
            planned = plan(
                train_data_uri=train_data_uri,
                test_data_uri=test_data_uri,
                validation_data_uri=validation_data_uri,
                train_data_sha256=train_data_sha256,
                test_data_sha256=test_data_sha256,
                split_options=split_options,
                dataset_name=dataset_name,
                config=config,
                config_overrides=config_overrides,
                pretrained_uri=pretrained_uri,
                train_minutes=train_minutes,
                label_format=label_format,
                max_bad_fraction=max_bad_fraction,
                model_name=model_name,
                skip_if_unchanged=skip_if_unchanged,
                pack_max_pods=pack_max_pods,
                pack_gib_per_pod=pack_gib_per_pod,
            )
            # kfp.local understands a condition only on an output that is called "Output".
            with dsl.If(planned.outputs["Output"] == True, name=SOMETHING_NEW):  # noqa: E712 (builds a condition)
                with dsl.ParallelFor(
                    planned.outputs["groups"], name="pack", parallelism=MAX_PARALLEL_PODS
                ) as group:
                    labels = gen_label(
                        group=group, label_format=label_format, max_bad_fraction=max_bad_fraction
                    )
                    packed = pack_lmdb(
                        labels=labels.outputs["labels"], max_bad_fraction=max_bad_fraction
                    )
                checked = preflight(
                    shards=dsl.Collected(packed.output),
                    config=config,
                    config_overrides=config_overrides,
                    max_bad_fraction=max_bad_fraction,
                    evaluate_max_pods=evaluate_max_pods,
                    max_accuracy_drop_fraction=gate_max_accuracy_drop_fraction,
                    thresholds=gate_thresholds,
                )
                train_lmdb = checked.outputs["train_lmdb"]
                validation_lmdb = checked.outputs["validation_lmdb"]
                test_lmdb = checked.outputs["test_lmdb"]
                trained = train(
                    train_lmdb=train_lmdb,
                    validation_lmdb=validation_lmdb,
                    run=run,
                    config=config,
                    config_overrides=config_overrides,
                    train_minutes=train_minutes,
                    pretrained_uri=pretrained_uri,
                    train_backend=train_backend,
                    train_workers=train_workers,
                    train_job_options=train_job_options,
                    train_image=options.images["train"],
                )
                with dsl.ParallelFor(
                    checked.outputs["Output"], name="predict", parallelism=MAX_PARALLEL_PODS
                ) as partition:
                    predicted = predict(
                        partition=partition,
                        model=trained.output,
                        test_lmdb=test_lmdb,
                        model_name=model_name,
                        run=run,
                    )
                judged = evaluate(
                    model=trained.output,
                    train_lmdb=train_lmdb,
                    validation_lmdb=validation_lmdb,
                    test_lmdb=test_lmdb,
                    predictions=dsl.Collected(predicted.output),
                    run=run,
                    min_accuracy_fraction=gate_min_accuracy_fraction,
                    min_norm_edit_dis=gate_min_norm_edit_dis,
                    min_samples=gate_min_samples,
                    max_accuracy_drop_fraction=gate_max_accuracy_drop_fraction,
                    thresholds=gate_thresholds,
                )
                with dsl.If(judged.outputs["Output"] == True, name=ACCEPTED):  # noqa: E712
                    exported = export(
                        model=trained.output,
                        train_lmdb=train_lmdb,
                        validation_lmdb=validation_lmdb,
                        evaluation=judged.outputs["evaluation"],
                        model_name=model_name,
                        inputs=planned.outputs["inputs"],
                    )
                    deployed = deploy(
                        bundle=exported.output,
                        train_lmdb=train_lmdb,
                        validation_lmdb=validation_lmdb,
                        model_name=model_name,
                        triton_urls=triton_urls,
                    )
        # Their results depend on time or on what serves, which no cache key knows.
        for task in (planned, trained, predicted, judged, deployed, tidied):
            task.set_caching_options(enable_caching=False)
        if options.train_in_step:
            keep_settings(trained)
        for task in (
            *(planned, labels, packed, checked, trained, predicted, judged, exported, deployed),
            tidied,
        ):
            task.set_display_name(TITLES[task.name])
            apply_settings(task, options)

    return train_and_deploy


def keep_settings(task: dsl.PipelineTask) -> None:
    """Lets a task that hands on its settings keep them as well."""
    task.component_spec = copy.copy(task.component_spec)  # shared by all pipelines
    task.component_spec.task_config_passthroughs = passthroughs(in_step=True)
