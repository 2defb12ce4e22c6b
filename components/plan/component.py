"""Step 1: what there is to learn, whether any of it is new, and how to share the work."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.dsl import Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def plan(
    train_data_uri: str,
    test_data_uri: str,
    report: Output[Markdown],
    config: str,
    model_name: str,
    train_data_sha256: str = "",
    test_data_sha256: str = "",
    validation_data_uri: str = "",
    split_options: dict[str, Any] = {},  # noqa: B006
    dataset_name: str = "lines",
    config_overrides: list[str] = [],  # noqa: B006 (kfp reads the default; it is never changed)
    pretrained_uri: str = "",
    train_minutes: float = 0.0,
    label_format: str = "auto",
    max_bad_fraction: float = 0.01,
    skip_if_unchanged: bool = False,
    pack_max_pods: int = 16,
    pack_gib_per_pod: float = 8.0,
) -> NamedTuple("Plan", [("Output", bool), ("groups", list[dict]), ("inputs", str)]):  # type: ignore[valid-type]
    """Compares what the run is to be made of with what serves; reads none of the data.

    Args:
        train_data_uri: folder, tar or zip of the samples to learn from, or a folder of archives.
        test_data_uri: the same for the samples that decide.
        report: what there is, and what of it is new.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        model_name: whose production the model would take over.
        train_data_sha256: digest of the source, verified; empty where none is known.
        test_data_sha256: the same for the test set.
        validation_data_uri: as the others; empty: split off the samples to learn from.
        split_options: share, seed and document_pattern of that split.
        dataset_name: names the data set in the object store.
        config_overrides: `Key.sub=value` each.
        pretrained_uri: weights to start from; empty for none.
        train_minutes: how long to train.
        label_format: as the labels are converted.
        max_bad_fraction: of the lines that may be left out.
        skip_if_unchanged: whether a run of what the serving model was made of ends here.
        pack_max_pods: largest number of pods that pack at a time.
        pack_gib_per_pod: GiB of data that are worth a pod of its own.

    Returns:
        Whether to go on, the parts of the data by pod, and what the model will be made of.
    """
    from components.step_context import step_context

    with step_context("plan") as context:
        import json

        from components.plan import step as planning
        from ocr_lib.atomic import write_text
        from ocr_lib.data.roles import SplitRule

        question = planning.RunInputs(
            train_data=(train_data_uri, train_data_sha256),
            test_data=(test_data_uri, test_data_sha256),
            validation_data=validation_data_uri,
            split=SplitRule.from_dict(split_options),
            dataset_name=dataset_name,
            config=config,
            config_overrides=config_overrides,
            pretrained_uri=pretrained_uri,
            settings=(train_minutes, label_format, max_bad_fraction),
        )
        found = planning.plan(context, question, model_name, pack_max_pods, pack_gib_per_pod)
        go = not skip_if_unchanged or found.serving is None or bool(found.changed)
        write_text(report.path, found.markdown(go))
        return go, found.to_groups(), json.dumps(found.inputs)
