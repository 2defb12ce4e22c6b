"""A run spec with something in every block."""

from ocr_lib.config.loader import load_config
from ocr_lib.runspec.options import RunOptions
from ocr_lib.runspec.spec import PinnedConfig, PinnedFile, PinnedSource, RunSpec


def source(name: str) -> PinnedSource:
    return PinnedSource(uri=f"s3://ocr/{name}", digest="ab" * 32, of="listing", bytes=7)


def config(*overrides: str, dictionary: str = "cd" * 32) -> PinnedConfig:
    key, uri = "Global.character_dict_path", "s3://ocr/configs/mine.txt"
    file = PinnedFile(
        key=key,
        uri=uri,
        digest="ef" * 32,
        bytes=4,
        path="mine.txt",
        contents={"mine.txt": dictionary},
    )
    yaml = load_config("cpu_line", [f"{key}={uri}", *overrides]).to_yaml()
    return PinnedConfig(uri="cpu_line", yaml=yaml, files=(file,))


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
