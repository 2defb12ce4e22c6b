"""Step 2: label lists and their images become LMDB shards with a manifest."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def pack_lmdb(
    train_labels: Input[Dataset],
    eval_labels: Input[Dataset],
    train_lmdb: Output[Dataset],
    eval_lmdb: Output[Dataset],
    max_bad_fraction: float = 0.01,
) -> None:
    """Packs both data sets; every image is decoded once, so that a bad one is found here.

    Args:
        train_labels: pointer to the label list of the lines to learn from.
        eval_labels: pointer to the label list of the lines that decide.
        train_lmdb: pointer to the shards.
        eval_lmdb: pointer to the shards.
        max_bad_fraction: share of unusable samples at which to give up, 0 to 1.
    """
    from components.pack_lmdb.step import pack_lmdb
    from components.shared.pointer import read_pointer, write_pointer
    from components.shared.step import step

    with step("pack_lmdb") as work:
        train = pack_lmdb(read_pointer(train_labels), work, max_bad_fraction=max_bad_fraction)
        held_out = pack_lmdb(read_pointer(eval_labels), work, max_bad_fraction=max_bad_fraction)
        write_pointer(train_lmdb, train)
        write_pointer(eval_lmdb, held_out)
