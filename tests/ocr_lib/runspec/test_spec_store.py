from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.runspec.spec_store import (
    MAX_BYTES,
    find_spec,
    load_spec,
    open_spec,
    pin_spec,
    save_spec,
)
from ocr_lib.storage.s3 import DigestError, MissingObjectError
from ocr_lib.storage.store import Store
from tests.ocr_lib.runspec.specs import spec

OTHER = replace(spec(), model_name="other")


def test_a_spec_is_stored_under_its_digest(store: Store) -> None:
    pointer = save_spec(store, spec())
    assert pointer.uri == store.uri(f"specs/{spec().digest}.json")
    assert pointer.digest == spec().digest
    assert save_spec(store, spec()) == pointer
    assert load_spec(store, pointer.digest) == spec()


def test_the_first_spec_of_a_run_stays_its_spec(store: Store) -> None:
    assert find_spec(store, "adopted") is None
    assert pin_spec(store, "adopted", spec()) == spec()
    assert pin_spec(store, "adopted", OTHER) == spec()
    assert find_spec(store, "adopted") == spec()
    assert pin_spec(store, "another", OTHER) == OTHER


def test_plans_of_one_run_at_a_time_all_adopt_one_spec(store: Store) -> None:
    specs = [replace(spec(), model_name=f"model-{number}") for number in range(4)]
    pin_spec(store, "contended", specs[0])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda item: pin_spec(store, "contended", item), specs))
    assert found == [specs[0]] * 4


@pytest.mark.parametrize("content", [b"{}", b"not JSON"])
def test_a_replaced_spec_is_refused_and_planning_again_restores_it(
    store: Store, content: bytes
) -> None:
    pointer = save_spec(store, OTHER)
    store.put_bytes(f"specs/{pointer.digest}.json", content)
    with pytest.raises(DigestError, match=r"damaged or replaced\. Run the plan step again"):
        load_spec(store, pointer.digest)
    assert save_spec(store, OTHER) == pointer
    assert load_spec(store, pointer.digest) == OTHER


def test_no_more_is_read_than_a_spec_can_be(store: Store) -> None:
    digest = "0" * 64
    store.put_bytes(f"specs/{digest}.json", b" " * (MAX_BYTES + 1))
    with pytest.raises(DigestError, match=f"more than {MAX_BYTES} bytes"):
        load_spec(store, digest)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"spec": 3}'])
def test_a_damaged_pointer_is_named(store: Store, content: bytes) -> None:
    store.put_bytes("specs/runs/damaged.json", content)
    with pytest.raises(DigestError, match=r"specs/runs/damaged\.json: not "):
        find_spec(store, "damaged")


def test_a_spec_is_opened_by_its_run_or_its_digest(store: Store) -> None:
    pin_spec(store, "opened", spec())
    assert open_spec(store, "opened") == open_spec(store, spec().digest) == spec()
    for name in ("nosuch", "f" * 64):
        with pytest.raises(ConfigError, match=f"{name}: no run spec of that name"):
            open_spec(store, name)
    with pytest.raises(ConfigError, match="cannot name a run"):
        open_spec(store, "../registry")


def test_a_digest_of_another_form_is_not_looked_up(store: Store) -> None:
    with pytest.raises(ConfigError, match="is not a SHA-256"):
        load_spec(store, "../runs/x")
    with pytest.raises(MissingObjectError):
        load_spec(store, "e" * 64)
