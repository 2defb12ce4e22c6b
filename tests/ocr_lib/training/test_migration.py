"""Another dictionary for a trained network."""

from pathlib import Path

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_lib.config.loader import load_config
from ocr_lib.models import build_model
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.sequence import attention_ids, nrtr_ids, sar_ids
from ocr_lib.training import checkpoint, train
from ocr_lib.training.checkpoint import NAME_TABLE, Checkpoint
from ocr_lib.training.migration import Migration, class_axes, dictionary_beside, migrate
from tests.ocr_lib.training.line_data import make_lines, small_config

OLD, NEW = Charset(tuple("0123456789abc")), Charset(tuple("9c7X0"))
PLAIN = {"name": "PlainConv", "height": 32, "widths": [8, 8, 8, 8], "out_channels": 16}
ARCHITECTURES = {
    "ctc": {"Backbone": PLAIN, "Neck": None, "Head": {"name": "CTCHead"}},
    "ctc, two layers": {"Backbone": PLAIN, "Head": {"name": "CTCHead", "mid_channels": 6}},
}
dictionaries = st.lists(st.sampled_from("abcdefgh éß中 "), min_size=1, max_size=8, unique=True).map(
    lambda entries: Charset(tuple(entries))
)


@given(dictionaries, dictionaries)
@settings(max_examples=60)
def test_shared_characters_keep_their_logits(old: Charset, new: Charset) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 6))
    weight = rng.normal(size=(6, old.num_classes))
    bias = rng.normal(size=old.num_classes)
    migration = Migration(old, new)
    axes = list(class_axes(_head(old.num_classes)))
    moved = [migration.move(a, axis) for a, axis in zip((weight, bias), axes, strict=True)]
    before, after = features @ weight + bias, features @ moved[0] + moved[1]
    assert after.shape == (5, new.num_classes)
    np.testing.assert_allclose(after[:, 0], before[:, 0])
    for entry in migration.shared:
        ids = [d.characters.index(entry) + 1 for d in (old, new)]
        np.testing.assert_allclose(after[:, ids[1]], before[:, ids[0]])
    for entry in migration.added:
        new_id = new.characters.index(entry) + 1
        np.testing.assert_allclose(after[:, new_id], before[:, 1:].mean(axis=1))
    assert len(migration.shared) + len(migration.added) == len(new.characters)
    assert len(migration.shared) + len(migration.dropped) == len(old.characters)


def _head(classes: int):
    from ocr_lib.models.heads.ctc import CTCHead

    return CTCHead(CTCHead.Config(), 6, classes)


def test_the_last_of_two_equal_entries_counts() -> None:
    migration = Migration(Charset(("a", " ", "a")), Charset(("a",)))
    assert migration.positions().tolist() == [2]


@pytest.mark.parametrize(
    ("config", "token_ids", "parameter"),
    [
        ("en_PP-OCRv3_rec", sar_ids, "head.sar_head.decoder.embedding.weight"),
        ("en_PP-OCRv4_rec", nrtr_ids, "head.gtc_head.embedding.embedding.weight"),
        ("rec_r34_vd_tps_bilstm_att", attention_ids, None),
    ],
)
def test_every_head_has_its_axes(config: str, token_ids, parameter: str | None) -> None:
    """The axes are all those whose size depends on the dictionary, and their layout is right."""
    architecture = load_config(config).architecture
    old, new = (build_model(architecture, d.num_classes) for d in (OLD, NEW))
    shapes = {n: tuple(v.shape) for n, v in new.state_dict().items()}
    changed = {n for n, v in old.state_dict().items() if tuple(v.shape) != shapes[n]}
    axes = {axis.parameter: axis for axis in class_axes(new)}
    assert set(axes) == changed
    moved = migrate(_checkpoint(old), new, Migration(OLD, NEW)).params
    assert {n: moved[n].shape for n in changed} == {n: shapes[n] for n in changed}
    if parameter:
        id_schemes = token_ids(OLD.num_classes), token_ids(NEW.num_classes)
        rows = old.state_dict()[parameter].numpy(), moved[parameter]
        for entry in Migration(OLD, NEW).shared:
            ids = [
                d.encode(entry)[0] + c.shift for d, c in zip((OLD, NEW), id_schemes, strict=True)
            ]
            np.testing.assert_array_equal(rows[1][ids[1]], rows[0][ids[0]])
        for special in ("start", "end", "pad"):
            ids = [getattr(c, special) for c in id_schemes]
            np.testing.assert_array_equal(rows[1][ids[1]], rows[0][ids[0]])


def _checkpoint(model) -> Checkpoint:
    return Checkpoint({n: v.numpy() for n, v in model.state_dict().items()}, {}, {})


def test_accumulators_move_with_their_rows() -> None:
    paddle.seed(1)
    old, new = _head(OLD.num_classes), _head(NEW.num_classes)
    optimizer = paddle.optimizer.Adam(parameters=old.parameters())
    (old(paddle.randn([2, 3, 6])) ** 2).mean().backward()
    optimizer.step()
    state = {k: v.numpy() for k, v in optimizer.state_dict().items() if hasattr(v, "numpy")}
    table = {n: v.name for n, v in old.state_dict().items()}
    params = {**_checkpoint(old).params, NAME_TABLE: table}
    moved = migrate(Checkpoint(params, state, {}), new, Migration(OLD, NEW))
    key = f"{table['fc.weight']}_moment1_0"
    assert moved.optimizer[key].shape == (6, NEW.num_classes)
    np.testing.assert_array_equal(moved.optimizer[key][:, 1], state[key][:, 10])  # "9"
    power = f"{table['fc.weight']}_beta1_pow_acc_0"
    np.testing.assert_array_equal(moved.optimizer[power], state[power])


def test_a_run_begins_with_weights_of_another_dictionary(tmp_path: Path) -> None:
    data = make_lines(tmp_path / "data", 60, seed=1)
    first = small_config(data, data, tmp_path / "first", **{"Global.epoch_num": 1})
    train(first, quiet=True)
    assert dictionary_beside(tmp_path / "first/latest").characters[0] == "0"
    keys = {"Global.character_dict_path": "labels", "Global.epoch_num": 1}
    for key in ("pretrained_model", "checkpoints"):
        run = tmp_path / key
        source = {f"Global.{key}": tmp_path / "first/latest"}
        length = {"Global.epoch_num": 2} if key == "checkpoints" else {}
        train(small_config(data, data, run, **{**keys, **source, **length}), quiet=True)
        log = (run / "train.log").read_text("utf-8")
        assert "10 kept (0 1 2 3 4 5 6 7 8 9), 0 new, 85 dropped" in log
        assert (run / "dictionary.txt").read_text("utf-8") == "\n".join("0123456789") + "\n"
        assert checkpoint.load(run / "latest").params["head.fc.weight"].shape[1] == 11
        assert load_config(run / "config.yml").global_.character_dict_path == str(
            run / "dictionary.txt"
        )
