import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.config.loader import load_config
from ocr_lib.config.overrides import apply
from ocr_lib.config.strict_yaml import dump
from ocr_lib.errors import ConfigError


def changed(values: dict, *overrides: str) -> dict:
    for override in overrides:
        apply(values, override, {})
    return values


def test_values_are_yaml():
    values = changed({}, "A.b=3", "A.c=[1, x]", "A.d={e: 1e-3}", "A.f=", "A.g=true", "A.h='1'")
    assert values == {
        "A": {"b": 3, "c": [1, "x"], "d": {"e": 0.001}, "f": None, "g": True, "h": "1"}
    }


def test_an_equals_sign_in_the_value_belongs_to_it():
    assert changed({}, "A.b=x=y=z", "A.c=s3://h/?a=1") == {"A": {"b": "x=y=z", "c": "s3://h/?a=1"}}


def test_the_last_one_counts():
    assert changed({"A": {"b": 1}}, "A.b=2", "A.b=3") == {"A": {"b": 3}}


def test_lists_are_entered_by_index_and_by_name():
    values = {"T": [{"D": {"x": 1}}, {"R": None}]}
    assert changed(values, "T.0.D.x=2", "T.R.p=0.1", "T.R.q=5") == {
        "T": [{"D": {"x": 2}}, {"R": {"p": 0.1, "q": 5}}]
    }
    assert changed(values, "T.R=") == {"T": [{"D": {"x": 2}}, {"R": None}]}
    assert changed({"S": [1, 2]}, "S.1=7") == {"S": [1, 7]}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("A.b", "-o A.b: is not Key.sub=value. Write -o Key.sub=value"),
        ("=3", "-o =3: is not Key.sub=value"),
        ("A..b=3", "is not Key.sub=value"),
        ("A.b.c=3", "-o A.b: is 1, which has no c in it"),
        ("T.2.D=3", "-o T: has no entry 2. Known: D, R."),
        ("T.Rec=3", "-o T: has no entry Rec. Known: D, R."),
        ("A.b=[1", "-o A.b:1: is not valid YAML"),
        ("A.b=!!python/object:os.system x", "-o A.b:1: the tag"),
    ],
)
def test_what_is_refused(override, message):
    with pytest.raises(ConfigError) as caught:
        changed({"A": {"b": 1}, "T": [{"D": None}, {"R": None}]}, override)
    assert message in str(caught.value)


def test_a_bad_override_is_named_as_one(minimal):
    with pytest.raises(ConfigError, match=r"^-o: Global.epoch_nums: is not a known key"):
        load_config(minimal, ["Global.epoch_nums=3"])
    with pytest.raises(ConfigError, match=r"^-o: Optimizer.lr.name: is 'Cos', which"):
        load_config(minimal, ["Optimizer.lr={name: Cos, learning_rate: 1}"])


def test_one_copy_of_an_aliased_block_changes_alone():
    config = load_config(
        "ch_PP-OCRv2_rec_distillation", ["Architecture.Models.Teacher.pretrained=./teacher"]
    )
    models = config.architecture["Models"]
    assert models["Teacher"]["pretrained"] == "./teacher"
    assert models["Student"]["pretrained"] is None


@given(st.one_of(st.integers(), st.text(), st.lists(st.integers()), st.booleans(), st.none()))
def test_any_plain_value_can_be_set(value):
    assert changed({}, f"A.b={dump(value)}") == {"A": {"b": value}}
