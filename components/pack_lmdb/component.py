"""Step 3: label lists and their images become LMDB shards with a manifest."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def pack_lmdb(partition: dict[str, Any], labels: Input[Dataset], shards: Output[Dataset]) -> None:
    """Packs some parts; every image is decoded once, so that a bad one is found here.

    Args:
        partition: what this round packs, as the plan wrote it.
        labels: references to the label lists, one a part.
        shards: references to the shards, one a part and role.
    """
    from components.step_context import step_context

    with step_context("pack_lmdb") as context:
        from components.pack_lmdb.step import PackRequest, pack_lmdb
        from ocr_lib.runspec.partition import DataPartition
        from ocr_lib.storage.artifact_ref import read_refs, write_refs

        max_bad_fraction = DataPartition.from_dict(partition).max_bad_fraction
        request = PackRequest(labels=tuple(read_refs(labels)), max_bad_fraction=max_bad_fraction)
        write_refs(shards, pack_lmdb(context, request))
