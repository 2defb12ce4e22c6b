from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.config.strict_yaml import MAX_BYTES, dump, parse
from ocr_lib.errors import ConfigError


def read(text: str) -> object:
    return parse(text, "c.yml")[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("-2E5", -200000.0),
        (".5e1", 5.0),
        ("1.0e-05", 1e-5),
        ("'1e-3'", "1e-3"),
        ("1e", "1e"),
        ("e3", "e3"),
        ("2024-01-31", "2024-01-31"),
        ("true", True),
        ("=", "="),
        ("", None),
        ("~", None),
        ("[1, [2, 3]]", [1, [2, 3]]),
    ],
)
def test_scalars_are_what_people_mean(text, value):
    assert read(text) == value


def test_places_name_the_line_of_each_key():
    _, locations = parse("a:\n  b: 1\n  c:\n  - x\n  - d: 2\n", "c.yml")
    assert locations[("a",)] == "c.yml:1"
    assert locations[("a", "b")] == "c.yml:2"
    assert locations[("a", "c", 0)] == "c.yml:4"
    assert locations[("a", "c", 1, "d")] == "c.yml:5"


def test_anchors_aliases_and_merge_keys_work_and_share_nothing():
    value = read("a: &x {n: 1, m: 2}\nb: *x\nc: {<<: *x, n: 3}\n")
    assert value == {"a": {"n": 1, "m": 2}, "b": {"n": 1, "m": 2}, "c": {"n": 3, "m": 2}}
    value["b"]["n"] = 9
    assert value["a"]["n"] == 1


def test_an_alias_of_a_block_with_merge_keys_is_no_double_key():
    assert read("a: &x {n: 1}\nb: &y {<<: *x, n: 2}\nc: *y\n")["c"] == {"n": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "c.yml:3: the key a stands twice in one block, first at c.yml:1"),
        ("x: {a: 1, a: 2}\n", "c.yml:1: the key a stands twice"),
        ("a: 1\n\tb: 2\n", "c.yml:2: is not valid YAML"),
        ("a: [1\n", "c.yml:2: is not valid YAML"),
        ("a: *nowhere\n", "c.yml:1: is not valid YAML: found undefined alias"),
        ("1: a\n", "c.yml:1: the key '1' is not a text"),
        ("on: a\n", "c.yml:1: the key 'on' is not a text"),
        ("a: 1\n---\nb: 2\n", "is not valid YAML"),
        ("a: \x00\n", "c.yml: is not valid YAML"),
        ("a: &x [*x]\n", "nests or repeats too much"),
        ("a: &x {b: *x}\n", "nests or repeats too much"),
        ("[" * 5000, "c.yml:1: nests or repeats too much"),
        ("a:\n  b: {<<: 3}\n", "c.yml:2: << merges something that is no block of keys"),
        ("a: &x {<<: [*x, *x]}\n", "nests or repeats too much"),
        ("x: 1\n[a, b]: 1\n", "c.yml:2: a key is no text"),
        ("a: !!python/object/apply:os.system ['true']\n", "c.yml:1: the tag "),
        ("a: !!python/name:os.system\n", "c.yml:1: the tag "),
        ("a: 1\nb: !!python/tuple [1]\n", "c.yml:2: the tag "),
        ("a: !!binary aGk=\n", "c.yml:1: the tag "),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert message in str(caught.value)


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(ConfigError, match="repeats too much"):
        read("\n".join(lines))


MERGED_LISTS = "\n".join(
    ["a0: &a0 {k: 1}"]
    + [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 8)}]}}" for i in range(1, 40)]
)
MERGED_CHAIN = "\n".join(
    ["a0: &a0 {k: 1}"] + [f"a{i}: &a{i} {{<<: *a{i - 1}, k{i}: 1}}" for i in range(1, 40)]
)


@pytest.mark.parametrize("text", [MERGED_LISTS, MERGED_CHAIN])
def test_merged_blocks_are_resolved_once_each(text):
    assert read(text)["a39"]["k"] == 1


BIG_BLOCK = "a: &a {" + ", ".join(f"k{i}: 1" for i in range(999)) + "}\n"


@pytest.mark.parametrize(
    "text",
    [BIG_BLOCK + "\n".join(f"b{i}: {{<<: *a}}" for i in range(60)), "[" + "1, " * 60_000 + "]"],
    ids=["many merges", "many values"],
)
def test_more_than_a_configuration_has_is_refused(text):
    with pytest.raises(ConfigError, match=r"c.yml:\d+: nests or repeats too much"):
        read(text)


def test_a_key_of_aliases_is_not_written_out():
    lines = ["a0: &a0 [1, 1]"]
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    with pytest.raises(ConfigError, match=r"c.yml:40: a key is no text"):
        read("\n".join([*lines, "? *a39\n: 1"]))


@pytest.mark.parametrize("text", ["1" * 300_000, "1" + ":1" * 200_000, "1" + ":1" * 300 + ".0"])
def test_no_time_is_spent_on_long_numbers(text):
    assert read(f"a: {text}") == {"a": text}
    with pytest.raises(ConfigError, match=r"c.yml:1: is a number of"):
        read(f"a: !!float '{text}'")


def test_a_file_that_is_no_configuration_is_refused_by_size():
    with pytest.raises(ConfigError, match="larger than"):
        read("a" * (MAX_BYTES + 1))


scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
keys = st.text(min_size=1)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_dumped_is_read_back(value):
    text = dump(value)
    assert read(text) == value
    assert dump(read(text)) == text


@given(st.text())
def test_any_text_is_a_value_or_a_config_error(text):
    with suppress(ConfigError):
        read(text)


def test_equal_values_give_equal_bytes_though_one_is_shared():
    shared = {"x": [1, 2]}
    assert dump({"a": shared, "b": shared}) == dump({"a": {"x": [1, 2]}, "b": {"x": [1, 2]}})
