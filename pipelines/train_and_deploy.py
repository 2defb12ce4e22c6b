"""The pipeline: from labelled lines to a served model, in the order in which the data travels."""

import copy
from collections.abc import Iterable
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
from ocr_lib.runspec.options import MAX_PODS
from pipelines.placement import BuildOptions
from pipelines.task_settings import apply_settings
from pipelines.titles import ACCEPTED, REJUDGE_TITLES, SOMETHING_NEW, TITLES

# What the user interface offers, where a text is one of a few; see `literals.py`.
LITERALS = {"train_backend": ("auto", "local", "paddlejob")}
# Cached are the steps whose parameters and data say all. The results of the others depend on time
# or on production, or on the run spec, which a cache knows by its database id alone.
CACHED = {"gen-label", "pack-lmdb", "preflight"}


def build_pipeline(build: BuildOptions | None = None) -> Any:
    """Returns the pipeline, a kfp `GraphComponent`: call it to run it, or compile it.

    Args:
        build: what it is built for; None for node pools and this version's images.
    """
    build = build or BuildOptions()

    @dsl.pipeline(
        name="ocr-train-and-deploy",
        display_name="Text recognition: train and deploy",
        description="Labelled text lines in, a served and verified model out.",
    )
    def train_and_deploy(
        train_data_uri: str = "s3://ocr/sources/train.tar",
        test_data_uri: str = "s3://ocr/sources/test.tar",
        validation_data_uri: str = "",
        config: str = "cpu_line",
        pretrained_uri: str = "",
        train_minutes: float = 60.0,
        train_backend: str = "auto",
        train_workers: int = 1,
        model_name: str = "ocr",
        skip_if_unchanged: bool = False,
        triton_urls: list[str] = ["triton-each:8001"],  # noqa: B006 (kfp reads the default; it is never changed)
        options: dict[str, Any] = {},  # noqa: B006
    ) -> None:
        """Trains a recogniser and puts it into service if it may replace the champion.

        Args:
            train_data_uri: folder, tar or zip of labelled lines to learn from, or a folder of such
                archives, which are packed side by side.
            test_data_uri: the same for the samples that decide whether the model may serve; nothing
                is learnt from them, and they choose no checkpoint.
            validation_data_uri: the same for the samples that choose the checkpoint; empty: about
                5 % of the samples to learn from are split off.
            config: a shipped configuration's name, or an `s3://` URI of a YAML file.
            pretrained_uri: weights to start from (`.pdparams`); empty for none.
            train_minutes: how long to train; 0 leaves it to the configuration.
            train_backend: `local` trains in the step itself, `paddlejob` in pods of its own; `auto`
                takes the latter in a cluster.
            train_workers: how many pods train together, with paddlejob.
            model_name: its name in Triton and in the registry.
            skip_if_unchanged: end here, as a success, where production was made of the same data,
                configuration and settings.
            triton_urls: `host:port` of the gRPC protocol of every server; a name may stand for
                several.
            options: everything else, as {"gate": {"min_samples": 500}}; see docs/pipeline.md.
        """
        run = dsl.PIPELINE_JOB_ID_PLACEHOLDER
        last = clean_up(run=run)
        with dsl.ExitHandler(last, name="run"):
            planned = plan(
                run=run,
                images=dict(build.images),
                train_data_uri=train_data_uri,
                test_data_uri=test_data_uri,
                validation_data_uri=validation_data_uri,
                config=config,
                pretrained_uri=pretrained_uri,
                train_minutes=train_minutes,
                train_backend=train_backend,
                train_workers=train_workers,
                model_name=model_name,
                skip_if_unchanged=skip_if_unchanged,
                triton_urls=triton_urls,
                options=options,
            )
            # kfp.local understands a condition only on an output that is called "Output".
            with dsl.If(planned.outputs["Output"] == True, name=SOMETHING_NEW):  # noqa: E712 (builds a condition)
                packing = pack(planned)
                checked = packing[-1]
                trained = train(
                    spec=planned.outputs["spec"],
                    train_lmdb=checked.outputs["train_lmdb"],
                    validation_lmdb=checked.outputs["validation_lmdb"],
                    run=run,
                )
                judging = judge(run, planned.outputs["spec"], checked, trained.output)
        if build.train_in_step:
            keep_settings(trained)
        settle([planned, *packing, trained, *judging, last], build)

    return train_and_deploy


def pack(planned: dsl.PipelineTask) -> list[dsl.PipelineTask]:
    """Adds the steps from sources to checked data sets; the last one hands these on."""
    with dsl.ParallelFor(
        planned.outputs["partitions"], name="pack", parallelism=MAX_PODS
    ) as partition:
        labels = gen_label(partition=partition)
        packed = pack_lmdb(partition=partition, labels=labels.outputs["labels"])
    checked = preflight(
        shards=dsl.Collected(packed.output), settings=planned.outputs["preflight_settings"]
    )
    return [labels, packed, checked]


def judge(run: str, spec: Any, sets: dsl.PipelineTask, model: Any) -> list[dsl.PipelineTask]:
    """Adds the steps from a trained model to its service.

    Args:
        run: names the pipeline run, for which the champion is pinned.
        spec: the run spec.
        sets: the task that hands on the three data sets, and the partitions of the test set.
        model: the run directory.
    """
    train_lmdb, validation_lmdb = sets.outputs["train_lmdb"], sets.outputs["validation_lmdb"]
    with dsl.ParallelFor(sets.outputs["Output"], name="predict", parallelism=MAX_PODS) as rows:
        predicted = predict(
            partition=rows, spec=spec, model=model, test_lmdb=sets.outputs["test_lmdb"], run=run
        )
    judged = evaluate(
        spec=spec,
        model=model,
        train_lmdb=train_lmdb,
        validation_lmdb=validation_lmdb,
        test_lmdb=sets.outputs["test_lmdb"],
        predictions=dsl.Collected(predicted.output),
        run=run,
    )
    with dsl.If(judged.outputs["Output"] == True, name=ACCEPTED):  # noqa: E712
        exported = export(
            spec=spec,
            model=model,
            train_lmdb=train_lmdb,
            validation_lmdb=validation_lmdb,
            evaluation=judged.outputs["evaluation"],
        )
        deployed = deploy(
            spec=spec,
            bundle=exported.output,
            train_lmdb=train_lmdb,
            validation_lmdb=validation_lmdb,
        )
    return [predicted, judged, exported, deployed]


def settle(tasks: Iterable[dsl.PipelineTask], build: BuildOptions) -> None:
    """Gives each task its title, its place on the cluster and its caching."""
    for task in tasks:
        task.set_display_name({**REJUDGE_TITLES, **TITLES}[task.name])
        apply_settings(task, build)
        if task.name not in CACHED:
            task.set_caching_options(enable_caching=False)


def keep_settings(task: dsl.PipelineTask) -> None:
    """Lets a task that hands on its settings keep them as well."""
    task.component_spec = copy.copy(task.component_spec)  # shared by all pipelines
    task.component_spec.task_config_passthroughs = passthroughs(in_step=True)
