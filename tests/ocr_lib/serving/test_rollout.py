"""Deployments on a real Triton, under requests where it matters."""

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocr_lib.digest import sha256_tree
from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.inference.bundle import BundleError
from ocr_lib.registry.champion import Champion, open_champion, pin_champion
from ocr_lib.registry.production import (
    Production,
    bundles_prefix,
    find_version,
    list_versions,
)
from ocr_lib.serving.rollout import deploy, rollback
from ocr_lib.serving.version_change import DeployError
from ocr_lib.storage import s3
from ocr_lib.storage import store_lease as leases
from ocr_lib.storage.s3 import ConflictError, MissingObjectError
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import PROBES, LeaseLostError, store_lease
from tests.fault_proxy import Rule, faulty_store, held, lost_answer, reset
from tests.ocr_lib.serving.site import WRONG, Site
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.ocr_lib.serving.traffic import score, traffic


@pytest.mark.slow
def test_versions_change_without_a_failed_or_untested_answer(
    site: Site, bundle: Path, other_bundle: Path, third_bundle: Path
) -> None:
    uri = site.store.put_tree(bundle, "registry/rolling/bundle-1")
    first = site.deploy(uri, "rolling")
    assert (first.production.version, first.production.predecessor) == (1, None)
    assert [answer.recognition.text for answer in first.answers] == [
        item.recognition.text for item in site.golden
    ]
    assert site.deploy(uri, "rolling").production == first.production
    one = score(site.url, "rolling")
    with traffic(site.url, "rolling") as seen:
        second = site.deploy(other_bundle, "rolling")
        two = score(site.url, "rolling")
        with pytest.raises(DeployError, match=r"'cab', not 'not cab'.* Version 2 serves on"):
            site.deploy(third_bundle, "rolling", WRONG)
        back = rollback("rolling", store=site.store, endpoints=[site.url])
    assert seen.failures == []
    assert set(seen.scores) == {one, two}
    assert one != two
    assert (second.production.version, second.production.predecessor) == (2, 1)
    assert (back.production.version, back.production.history) == (1, [])
    assert site.production("rolling") == back.production
    assert [record.version for record in list_versions(site.store, "rolling")] == [1, 2]
    assert score(site.url, "rolling") == one
    assert site.loaded("rolling") == site.networks("rolling", 1, 2)  # 2 may still be waited for


@pytest.mark.slow
def test_of_two_deployers_one_wins_and_the_other_says_so(
    any_store: Store, site: Site, bundle: Path, other_bundle: Path, third_bundle: Path
) -> None:
    model = "contested" if any_store.honours_conditions(PROBES) else "contested-by-listing"
    shared = Site(any_store, site.url, site.golden)
    shared.deploy(bundle, model)

    def attempt(bundle: Path) -> Production | ConflictError:
        try:
            return shared.deploy(bundle, model).production
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(attempt, (other_bundle, third_bundle)))
    (winner,) = [end for end in ends if isinstance(end, Production)]
    (loser,) = [end for end in ends if isinstance(end, ConflictError)]
    assert shared.production(model) == winner
    assert f"version {winner.version} was put into service while this deployment" in str(loser)


def champion(site: Site, model: str, folder: Path) -> Champion:
    """Pins what serves for a new run, and opens it as an evaluation does: by its URI alone."""
    pinned = pin_champion(site.store, folder.name, model)
    assert pinned is not None
    assert open_champion(site.store, pinned, folder).read([line_image("abc")])[0].text == "abc"
    return pinned


def test_a_bundle_from_elsewhere_can_be_a_champion(
    site: Site, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder, and from a prefix that no step of a pipeline may read."""
    folder = tmp_path / "build" / "bundle"
    shutil.copytree(bundle, folder)
    registered = f"{bundles_prefix('elsewhere')}{sha256_tree(bundle)}"
    monkeypatch.chdir(tmp_path)
    (folder / "notes.txt").write_text("not the bundle's")
    with pytest.raises(BundleError, match=r"^build/bundle/notes\.txt: bundle\.json does not name"):
        site.deploy("build/bundle", "elsewhere")
    assert site.objects("elsewhere") == []
    (folder / "notes.txt").unlink()
    production = site.deploy("build/bundle", "elsewhere").production
    assert production.bundle == site.store.uri(registered)
    shutil.rmtree(folder)
    assert champion(site, "elsewhere", tmp_path / "one").bundle == production.bundle
    (record,) = list_versions(site.store, "elsewhere")
    assert record.bundle == production.bundle

    private = site.store.put_tree(bundle, "elsewhere/1")
    assert site.deploy(private, "elsewhere").production == production
    assert site.deploy(f"{production.bundle}/", "elsewhere").production == production


def test_deploying_again_mends_a_version_that_names_a_folder(
    site: Site, bundle: Path, tmp_path: Path
) -> None:
    """As an earlier release left it: neither record nor pointer leads to the bundle."""
    before = site.deploy(bundle, "mended").production
    for name in ("production.json", "versions/1.json"):
        key = f"registry/mended/{name}"
        site.store.put_json(key, {**site.store.get_json(key), "bundle": "build/bundle"})
    with pytest.raises(MissingObjectError):
        champion(site, "mended", tmp_path / "broken")
    assert site.deploy(before.bundle, "mended").production == before == site.production("mended")
    assert champion(site, "mended", tmp_path / "healed").bundle == before.bundle


@pytest.mark.slow
@pytest.mark.parametrize("copy", ["a folder that is gone", "a folder that is there", "deleted"])
def test_a_rollback_leads_to_a_bundle_in_the_registry(
    site: Site, bundle: Path, other_bundle: Path, tmp_path: Path, copy: str
) -> None:
    """Version 1 is as 0.1 left it: its record names a folder. Later runs need its bundle."""
    model = f"returns-{len(copy)}"
    uri = site.deploy(bundle, model).production.bundle
    site.deploy(other_bundle, model)
    for item in site.store.list(uri):
        site.store.remove(item.key)
    key = f"registry/{model}/versions/1.json"
    recorded = {"a folder that is gone": "build/bundle", "a folder that is there": str(bundle)}
    site.store.put_json(key, {**site.store.get_json(key), "bundle": recorded.get(copy, uri)})
    before = site.objects(model)
    with pytest.raises(DeployError, match="does not answer"):
        rollback(model, store=site.store, endpoints=["127.0.0.1:9"])
    if copy != "deleted":  # what a record names may come back
        assert site.objects(model) == before
    production = rollback(model, store=site.store, endpoints=[site.url]).production
    assert production.version == 1
    pinned = champion(site, model, tmp_path / f"pinned-{model}")
    assert pinned.bundle.startswith(site.store.uri(bundles_prefix(model)))
    assert find_version(site.store, model, 1).bundle == pinned.bundle == production.bundle


def test_a_deployment_whose_last_answer_is_lost_is_done(site: Site, bundle: Path) -> None:
    lost = Rule(lost_answer(), "PUT", "registry/unheard/production.json")
    with faulty_store(site.store, lost) as store:
        deployment = Site(store, site.url, site.golden).deploy(bundle, "unheard")
    assert lost.statuses == [200]
    assert site.production("unheard") == deployment.production
    assert [record.version for record in list_versions(site.store, "unheard")] == [1]
    assert score(site.url, "unheard")


@pytest.mark.slow
def test_a_deployment_during_a_rollback_replaces_nothing_it_did_not_see(
    conditional_store: Store,
    site: Site,
    bundle: Path,
    other_bundle: Path,
    third_bundle: Path,
) -> None:
    model, store = "crossed", conditional_store
    before = Site(store, site.url, site.golden)
    before.deploy(bundle, model)
    before.deploy(other_bundle, model)
    writes = Rule(held(), "PUT", f"registry/{model}/production.json", skip=1)
    waits = Rule(held(), "GET", f"leases/deploy-{model}/holder.json")
    with (
        faulty_store(store, writes) as rolling,
        faulty_store(store, waits) as deploying,
        ThreadPoolExecutor(2) as pool,
    ):
        back = pool.submit(rollback, model, store=rolling, endpoints=[site.url])
        assert writes.reached.wait(60)
        late = Site(deploying, site.url, site.golden)
        deployed = pool.submit(late.deploy, third_bundle, model)
        assert waits.reached.wait(60)  # it has seen version 2
        for fault in (writes, waits):
            fault.release.set()
        assert back.result(120).production.version == 1
        with pytest.raises(ConflictError, match="version 1 was put into service while this"):
            deployed.result(120)
    production = before.production(model)
    assert production is not None
    assert (production.version, production.history) == (1, [])
    assert [record.version for record in list_versions(store, model)] == [1, 2]


def test_a_deployer_whose_lease_ended_records_no_version(
    conditional_store: Store, site: Site, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HOLD_S", 3.0)
    model = "unrecorded"
    stalls = Rule(held(), "PUT", f"registry/{model}/bundles/*/tree-manifest.json")
    unrenewed = Rule(reset(), "PUT", f"leases/deploy-{model}/*", times=0)
    with (
        faulty_store(conditional_store, stalls, unrenewed, timeout_s=60) as stalled,
        ThreadPoolExecutor(1) as pool,
    ):
        late = pool.submit(Site(stalled, site.url, site.golden).deploy, bundle, model)
        assert stalls.reached.wait(60)
        unrenewed.times = 999
        with store_lease(conditional_store, f"deploy-{model}"):
            stalls.release.set()
            with pytest.raises(LeaseLostError, match="not renewed for"):
                late.result(120)
        unrenewed.times = unrenewed.injected
    assert not conditional_store.list(f"registry/{model}/versions/")


@pytest.mark.slow
def test_a_stalled_deployer_removes_nothing_of_its_successor(
    conditional_store: Store, site: Site, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ends while it uploads; the same bundle is in production when its upload fails."""
    monkeypatch.setattr(leases, "HOLD_S", 3.0)
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    model = "overtaken"
    stalls = Rule(held(), "PUT", f"triton/{model}/1/bundle.json")
    fails = Rule(reset(), "PUT", f"registry/{model}/golden/1/tree-manifest.json", times=4)
    unrenewed = Rule(reset(), "PUT", f"leases/deploy-{model}/*", times=0)
    with (
        faulty_store(conditional_store, stalls, fails, unrenewed, timeout_s=60) as stalled,
        ThreadPoolExecutor(1) as pool,
    ):
        late = pool.submit(Site(stalled, site.url, site.golden).deploy, bundle, model)
        assert stalls.reached.wait(60)
        unrenewed.times = 999
        successor = Site(conditional_store, site.url, site.golden)
        production = successor.deploy(bundle, model).production
        before = successor.objects(model)
        stalls.release.set()
        with pytest.raises(ServiceError, match="does not answer"):
            late.result(120)
        unrenewed.times = unrenewed.injected
    assert successor.production(model) == production
    assert successor.objects(model) == before
    assert [record.version for record in list_versions(conditional_store, model)] == [1]


def test_a_failed_deployment_leaves_a_bundle_that_was_there(site: Site, bundle: Path) -> None:
    uri = site.store.put_tree(bundle, f"{bundles_prefix('exported')}{sha256_tree(bundle)}")
    before = site.objects("exported")
    with pytest.raises(DeployError, match="Nothing serves yet"):
        site.deploy(bundle, "exported", WRONG)
    assert site.objects("exported") == before
    assert site.deploy(bundle, "exported").production.bundle == uri


def test_who_does_not_want_to_wait_is_told_who_deploys(site: Site, bundle: Path) -> None:
    with (
        store_lease(site.store, "deploy-busy"),
        pytest.raises(ConflictError, match="deploy-busy: held"),
    ):
        deploy(
            str(bundle),
            "busy",
            site.golden,
            store=site.store,
            endpoints=[site.url],
            wait_s=0,
        )


@pytest.mark.parametrize("name", ["", "1st", "a/b", "a b", "x_core", "x_release3_0123abcd", "é"])
def test_a_name_that_cannot_be_a_models_is_refused(site: Site, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a model's name"):
        site.deploy("nowhere", name)


def test_golden_images_and_servers_are_needed(site: Site, bundle: Path) -> None:
    with pytest.raises(ConfigError, match="golden images"):
        deploy(str(bundle), "m", [], store=site.store, endpoints=[site.url])
    with pytest.raises(ConfigError, match="Triton endpoints"):
        deploy(str(bundle), "m", site.golden, store=site.store, endpoints=[])


def test_a_store_that_is_down_is_named(
    site: Site, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("OCR_S3_ENDPOINT", f"http://127.0.0.1:{port}")
    site.store = Store.from_env(timeout_s=1)
    with pytest.raises(ServiceError, match=f"127.0.0.1:{port}.*does not answer"):
        site.deploy(bundle, "m")
