"""What a served model answers."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from ocr_lib.errors import ServiceError
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.limits import MAX_IMAGE_BYTES, MAX_IMAGES, SHM_BYTES
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.triton_server import TritonServer
from tests.ocr_lib.data.hostile_images import tiff_bomb
from tests.ocr_lib.serving.loaded import MODEL, load
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, line_image


def random_lines(count: int) -> list[bytes]:
    """Noise of many widths, so that every bucket and the squeezing beyond the last is met."""
    rng = np.random.default_rng(7)
    lines = []
    for width in rng.integers(4, 500, count):
        pixels = rng.integers(0, 256, (int(rng.integers(8, 90)), width, 3), np.uint8)
        lines.append(bytes(cv2.imencode(".png", pixels)[1]))
    return lines


def test_texts_and_scores_are_the_exported_models(served: TritonServer, bundle: Path) -> None:
    images = [*random_lines(60), *(line_image(c * 5) for c in CHARACTERS)]
    expected = open_bundle(bundle).read(images)
    with RecognitionClient(served.url, MODEL) as recognizer:
        found = recognizer.read_many(images)
        alone = [recognizer.read(image) for image in images[:10]]
    assert [r.text for r in found] == [r.text for r in expected]
    assert [r.score for r in found] == pytest.approx([r.score for r in expected], abs=1e-6)
    assert alone == found[:10]


def test_a_bad_image_fails_alone(served: TritonServer) -> None:
    good = line_image("abc")
    with RecognitionClient(served.url, MODEL) as recognizer:
        found = recognizer.read_many([good, b"no image", b"", good, good[:60], good])
    assert [r.text for r in found] == ["abc", "", "", "abc", "", "abc"]
    assert [r.error for r in found[::3]] == [None, None]
    reasons = [found[i].error or "" for i in (1, 2, 4)]
    assert [reason[:9] for reason in reasons] == ["not an im", "the image", "a damaged"]


def test_character_scores_come_on_request(served: TritonServer, bundle: Path) -> None:
    images = [line_image("bé中a"), b"no image", line_image("abc" * 20)]
    expected = open_bundle(bundle).read(images)
    with RecognitionClient(served.url, MODEL, char_scores=True) as recognizer:
        found = recognizer.read_many(images)
    assert [len(r.char_scores) for r in found] == [4, 0, len(found[2].text)]
    for theirs, ours in zip(found, expected, strict=True):
        assert theirs.char_scores == pytest.approx(ours.char_scores, abs=1e-5)
    with RecognitionClient(served.url, MODEL) as recognizer:
        assert recognizer.read(images[0]).char_scores == ()


def test_very_wide_lines_are_read_as_by_evaluation(served: TritonServer, bundle: Path) -> None:
    """Whatever the pieces make of them: bundle and server agree."""
    images = [line_image("abc" * n) for n in (20, 40, 90)]
    with RecognitionClient(served.url, MODEL) as recognizer:
        found = recognizer.read_many(images)
    assert [r.text for r in found] == [r.text for r in open_bundle(bundle).read(images)]
    assert len(found[2].text) > 200


def test_an_image_that_is_too_large_fails_alone(served: TritonServer) -> None:
    huge = cv2.imencode(".png", np.zeros((4097, 4097), np.uint8))[1].tobytes()
    heavy = line_image("a") + bytes(8 << 20)
    with RecognitionClient(served.url, MODEL) as recognizer:
        found = recognizer.read_many([huge, line_image("abc"), heavy])
    assert found[1].text == "abc"
    assert found[0].error == "the image claims 4097x4097 pixels, more than 16,777,216 in all"
    assert found[2].error == "the image has more than 8,388,608 bytes"
    tensor = grpc.InferInput("IMAGE", [1, 1], "BYTES")  # which the client does not send
    tensor.set_data_from_numpy(np.array([[heavy]], np.object_))
    with grpc.InferenceServerClient(served.url) as client:
        (error,) = client.infer(MODEL, [tensor]).as_numpy("ERROR").reshape(-1)
    assert error.decode() == found[2].error


def very_wide() -> bytes:
    """A line of some hundred bytes that the network may have to read in 62 tiles."""
    pixels = np.full((2, 4000), 255, np.uint8)
    pixels[:, 2000:2100] = 0
    return bytes(cv2.imencode(".png", pixels)[1])


def test_a_request_over_a_budget_is_refused_by_name_and_others_are_read(
    served: TritonServer, bundle: Path
) -> None:
    """16 images of a hundred bytes would be hundreds of runs of the network."""
    wide = very_wide()
    images = np.array([[wide]] * 16, np.object_)
    tensor = grpc.InferInput("IMAGE", list(images.shape), "BYTES")
    tensor.set_data_from_numpy(images)

    with (
        grpc.InferenceServerClient(served.url) as client,
        RecognitionClient(served.url, MODEL) as recognizer,
        ThreadPoolExecutor(8) as pool,
    ):
        jobs = [pool.submit(recognizer.read, line_image("abc")) for _ in range(20)]
        with pytest.raises(InferenceServerException) as refused:
            client.infer(MODEL, [tensor])
        assert {job.result().text for job in jobs} == {"abc"}
        found = recognizer.read_many([wide, *[line_image("cab")] * 14, wide])
    assert "INVALID_ARGUMENT" in str(refused.value.status())
    assert "OCR_TRITON_MAX_REQUEST_TILES: the request is over its limit of 256 tiles" in str(
        refused.value.message()
    )
    assert [r.text for r in found[1:-1]] == ["cab"] * 14
    expected = open_bundle(bundle).read([wide])[0]
    assert {found[0].text, found[-1].text} == {expected.text}


def refusal(served: TritonServer, images: list[bytes]) -> str:
    """Returns why the server refuses these images in one request."""
    tensor = grpc.InferInput("IMAGE", [len(images), 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[image] for image in images], np.object_))
    with (
        grpc.InferenceServerClient(served.url) as client,
        pytest.raises(InferenceServerException) as refused,
    ):
        client.infer(MODEL, [tensor], client_timeout=60)
    return f"{refused.value.status()} {refused.value.message()}"


def shared_bytes(server: TritonServer) -> int:
    """Returns what the server's models hold of the memory that they share with it."""
    assert server._folder is not None
    regions = Path("/dev/shm").glob(f"{server._folder.name}*")
    return sum(region.stat().st_blocks * 512 for region in regions)


@pytest.mark.slow
def test_more_images_than_a_request_may_hold_take_no_shared_memory(served: TritonServer) -> None:
    """64 images of 7.9 MB: half a GB."""
    before = shared_bytes(served)
    message = refusal(served, [bytes(7_900_000)] * 64)
    assert "INVALID_ARGUMENT" in message
    assert f"batch-size must be <= {MAX_IMAGES}" in message
    assert shared_bytes(served) <= before  # less where another model has just ended


@pytest.mark.slow
def test_the_largest_requests_keep_to_the_shared_memory_that_is_there(
    served: TritonServer,
) -> None:
    images = [bytes(MAX_IMAGE_BYTES - 100)] * MAX_IMAGES
    with ThreadPoolExecutor(4) as pool:
        messages = list(pool.map(lambda _: refusal(served, images), range(4)))
    assert all("OCR_TRITON_MAX_REQUEST_BYTES: the request is over" in m for m in messages)
    assert shared_bytes(served) < SHM_BYTES
    with RecognitionClient(served.url, MODEL) as recognizer:
        assert recognizer.read(line_image("abc")).text == "abc"


def test_a_client_sends_less_at_once_where_a_request_would_be_refused(
    served: TritonServer,
) -> None:
    wide = very_wide()
    with RecognitionClient(served.url, MODEL) as recognizer:
        found = recognizer.read_many([wide] * 16)
    assert [r.error for r in found] == [None] * 16


def test_a_format_of_unknown_size_fails_alone_and_takes_no_memory(served: TritonServer) -> None:
    """A picture of 81 million pixels in a kilobyte; decoded, it takes half a GiB."""
    assert served.pid is not None
    before = peak_kib(served.pid)
    with RecognitionClient(served.url, MODEL) as recognizer:
        found = recognizer.read_many([tiff_bomb(), line_image("abc"), b"P5\n6000 4000\n255\n"])
    assert found[1].text == "abc"
    accepted = "is not accepted: convert the image to JPEG, PNG, BMP or WebP"
    assert [found[0].error, found[2].error] == [f"TIFF {accepted}", f"PNM {accepted}"]
    after = peak_kib(served.pid)
    assert served.pid in after
    assert after.keys() <= before.keys()  # none started; a former version's may have ended
    assert max(after[pid] - before[pid] for pid in after) < 60 << 10


def peak_kib(group: int) -> dict[int, int]:
    """Returns the largest memory of each process of a server and its models: process id → KiB."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            if os.getpgid(int(status.parent.name)) == group:
                peak = re.search(r"VmHWM:\s+(\d+)", status.read_text())
                found[int(status.parent.name)] = int(peak[1]) if peak else 0
    return found


@pytest.mark.slow
def test_requests_that_a_stopping_server_cannot_answer_may_be_sent_again(
    bundle: Path, tmp_path: Path
) -> None:
    """Those in flight fail in the call of the network, others before; no status says a fault."""
    images = np.array([[line_image("abc")]] * MAX_IMAGES, np.object_)
    ended = threading.Event()

    def ask(url: str) -> set[str]:
        tensor, found = grpc.InferInput("IMAGE", list(images.shape), "BYTES"), set()
        tensor.set_data_from_numpy(images)
        with grpc.InferenceServerClient(url) as client:
            while not ended.is_set():
                try:
                    client.infer(MODEL, [tensor], client_timeout=60)
                    found.add("answered")
                except InferenceServerException as error:
                    found.add(str(error.status()).removeprefix("StatusCode."))
        return found

    (tmp_path / "models").mkdir()
    with TritonServer(str(tmp_path / "models"), log=tmp_path / "log") as server:
        with TritonAdmin(server.url) as admin:
            load(admin, build_model_version(bundle, MODEL, 1), f"{MODEL}_core", MODEL)
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(ask, server.url) for _ in range(8)]
            with RecognitionClient(server.url, MODEL, timeout_s=60) as recognizer:
                assert recognizer.read(line_image("cab")).text == "cab"
            server.stop()
            ended.set()
            statuses = set().union(*(job.result() for job in jobs))
    assert "answered" in statuses
    assert statuses & {"UNAVAILABLE", "NOT_FOUND"}
    assert statuses <= {"answered", "UNAVAILABLE", "NOT_FOUND", "CANCELLED"}


@pytest.mark.slow
def test_a_full_queue_says_so_at_once(served: TritonServer, bundle: Path) -> None:
    """Beyond `max_queue_size` requests are refused, not kept waiting; those accepted are read."""
    built = build_model_version(bundle, "crowded", 1)
    text, core = built.configs["crowded"], built.configs["crowded_core"]
    for config in (text, core):
        config["instance_group"][0]["count"] = 1
        config["dynamic_batching"]["default_queue_policy"]["max_queue_size"] = 2
    images = np.array([[line_image("abc")]] * 16, np.object_)

    def ask(_: int) -> str:
        tensor = grpc.InferInput("IMAGE", list(images.shape), "BYTES")
        tensor.set_data_from_numpy(images)
        try:
            answer = client.infer("crowded", [tensor], client_timeout=60)
        except InferenceServerException as error:
            return f"{error.status()} {error.message()}"
        return ",".join(text.decode() for text in set(answer.as_numpy("TEXT").reshape(-1)))

    with TritonAdmin(served.url) as admin, grpc.InferenceServerClient(served.url) as client:
        load(admin, built, "crowded_core", "crowded")
        with ThreadPoolExecutor(40) as pool:
            answers = set(pool.map(ask, range(80)))
        with RecognitionClient(served.url, "crowded", timeout_s=30) as recognizer:
            assert recognizer.read(line_image("cab")).text == "cab"
        for name in ("crowded", "crowded_core"):
            admin.unload(name)
    assert "abc" in answers
    (full,) = answers - {"abc"}
    assert "UNAVAILABLE" in full
    assert "maximum queue size" in full


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"bundle.json": b"{}"}, "bundle"),
        ({"dictionary.txt": b"a\nb\nc\nd\ne\n"}, "not the characters"),
        ({"bundle.json": None}, "not the one deployed"),
    ],
)
def test_a_tampered_version_does_not_load(
    served: TritonServer, bundle: Path, files: dict[str, bytes | None], message: str
) -> None:
    built = build_model_version(bundle, "tampered", 1)
    contents = {f"1/{name}": content for name, content in built.files["tampered"].items()}
    for name, content in files.items():
        contents[f"1/{name}"] = contents[f"1/{name}"] + b" " if content is None else content
    with TritonAdmin(served.url) as admin:
        with pytest.raises(ServiceError, match=message):
            admin.load("tampered", built.configs["tampered"], contents)
        assert not admin.ready("tampered", 1)


def test_without_its_network_it_says_so_and_recovers(served: TritonServer, bundle: Path) -> None:
    """Also where several requests share the failure."""
    built, core = build_model_version(bundle, "lonely", 1), "lonely_core"
    with TritonAdmin(served.url) as admin, RecognitionClient(served.url, "lonely") as recognizer:
        load(admin, built, core, "lonely")
        admin.unload(core)
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(recognizer.read, line_image("abc")) for _ in range(40)]
            for job in jobs:
                with pytest.raises(ServiceError, match="lonely_core version 1"):
                    job.result()
        load(admin, built, core)
        assert recognizer.read(line_image("abc")).text == "abc"
        for name in ("lonely", core):
            admin.unload(name)
