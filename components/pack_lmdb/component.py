"""Step 3: label lists and their images become LMDB shards with a manifest."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def pack_lmdb(
    labels: Input[Dataset], shards: Output[Dataset], max_bad_fraction: float = 0.01
) -> None:
    """Packs some parts; every image is decoded once, so that a bad one is found here.

    Args:
        labels: pointers to the label lists, one a part.
        shards: pointers to the shards, one a part and role.
        max_bad_fraction: share of unusable samples of a part at which to give up, 0 to 1.
    """
    from components.step_context import step_context

    with step_context("pack_lmdb") as context:
        from components.pack_lmdb.step import pack_parts
        from ocr_lib.storage.artifact_ref import read_refs, write_refs

        write_refs(shards, pack_parts(context, read_refs(labels), max_bad_fraction))
