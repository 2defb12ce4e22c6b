"""A run spec with something in every block."""

from ocr_lib.config.loader import load_config
from ocr_lib.runspec.options import RunOptions
from ocr_lib.runspec.spec import PinnedConfig, PinnedSource, RunSpec


def source(name: str) -> PinnedSource:
    return PinnedSource(uri=f"s3://ocr/{name}", digest="ab" * 32, of="listing", bytes=7)


def config(*overrides: str) -> PinnedConfig:
    return PinnedConfig(uri="cpu_line", yaml=load_config("cpu_line", overrides).to_yaml())


def spec() -> RunSpec:
    return RunSpec(
        code_version="1.2.3",
        images={"train": "registry/ocr-train@sha256:00"},
        model_name="receipts",
        config=config(),
        train_data=(source("sources/a.tar"), source("sources/b.tar")),
        test_data=(source("sources/test.tar"),),
        pretrained=source("pretrained/w.pdparams"),
        train_backend="paddlejob",
        train_workers=4,
        triton_urls=("triton-each:8001",),
        options=RunOptions(config_overrides=("Global.epoch_num=3",)),
    )
