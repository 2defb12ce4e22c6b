"""Requests over gRPC to a real Triton: malformed, lying about their size, or guessing at secrets.

The server restricts management with a key, as in production. Each case has the status and the
text of its refusal, or an answer that has to be right.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

import cv2
import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from ocr_lib.serving.connection import ADMIN_HEADER
from ocr_lib.serving.limits import MAX_BATCH, MAX_IMAGE_BYTES, MAX_IMAGES
from ocr_lib.serving.network_key import PARAMETER
from tests.faults.hostile.case import flipped
from tests.ocr_lib.data.hostile_images import png_claim, tiff_bomb
from tests.ocr_lib.serving.tiny_bundle import HEIGHT, line_image

MODEL, NETWORK = "hostile", "hostile_core"
TEXT = "abc"
IMAGE = line_image(TEXT)
DEADLINE_S = 30.0
SILENCE_S = 1.0  # how long a server has to say nothing
SERVICE = "/inference.GRPCInferenceService"
ADMIN = f"triton-grpc-protocol-{ADMIN_HEADER}"
OPTIONS = [  # a client that limits nothing itself
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", 1 << 24),
    ("grpc.absolute_max_metadata_size", 1 << 24),
]
INVALID, ABSENT = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
INTERNAL, RESTRICTED = grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE
Request = service_pb2.ModelInferRequest


class Refusal(NamedTuple):
    """The status and the text that a call ended with."""

    status: grpc.StatusCode
    message: str


class Wire:
    """A client that sends what it is given to `host:port`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._channel = grpc.insecure_channel(url, OPTIONS)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def infer(self, request: Any) -> Any:
        return self.call("ModelInfer", request)

    def call(self, method: str, request: Any, *metadata: tuple[str, str]) -> Any:
        """Returns the answer of a method, or its refusal."""
        return _ended(getattr(self._stub, method), request, DEADLINE_S, metadata)

    def send(
        self, method: str, message: bytes, compression: grpc.Compression | None = None
    ) -> bytes | Refusal:
        """Returns what a method answers to bytes that need not be a message of it."""
        call = self._channel.unary_unary(method)
        return _ended(partial(call, compression=compression), message, DEADLINE_S, ())  # type: ignore[no-any-return]

    def stream(self, requests: Iterable[Any]) -> list[Any]:
        """Returns the answers of a stream in their order, and its refusal if it ended with one."""
        answers: list[Any] = []
        try:
            answers.extend(self._stub.ModelStreamInfer(iter(requests), timeout=DEADLINE_S))
        except grpc.RpcError as error:
            answers.append(Refusal(error.code(), error.details()))
        return answers

    def open_stream(self, requests: Iterable[Any]) -> Any:
        return self._stub.ModelStreamInfer(iter(requests), timeout=DEADLINE_S)

    def connect(self) -> socket.socket:
        host, _, port = self.url.rpartition(":")
        return socket.create_connection((host, int(port)), DEADLINE_S)


def _ended(
    call: Callable[..., Any], request: Any, timeout: float, metadata: tuple[tuple[str, str], ...]
) -> Any:
    try:
        return call(request, timeout=timeout, metadata=metadata)
    except grpc.RpcError as error:
        return Refusal(error.code(), error.details())


@dataclass(frozen=True)
class HostileCall:
    """A call and its right end.

    Attributes:
        send: makes it, and returns its end.
        wrong: says what is wrong with the end, "" where nothing is.
    """

    send: Callable[[Wire], Any]
    wrong: Callable[[Any], str]


def refused(send: Callable[[Wire], Any], status: grpc.StatusCode, names: str) -> HostileCall:
    """A call whose refusal has this status, and names this field."""

    def wrong(end: Any) -> str:
        if not isinstance(end, Refusal):
            return f"answered: {str(end)[:200]}"
        if end.status is not status or names not in end.message:
            return f"{end.status.name}, not {status.name} with {names!r}: {end.message[:200]}"
        return ""

    return HostileCall(send, wrong)


def read(request: Any, *texts: str) -> HostileCall:
    """A request that is odd, but says clearly what to read."""
    return HostileCall(lambda wire: wire.infer(request), partial(_wrong_texts, list(texts)))


def unreadable(image: bytes, cause: str) -> HostileCall:
    """An image that fails alone: the image next to it is read."""

    def wrong(end: Any) -> str:
        if isinstance(end, Refusal):
            return str(end)[:300]
        texts, errors = strings(end, "TEXT"), strings(end, "ERROR")
        if texts != ["", TEXT] or errors[1] or cause not in errors[0]:
            return f"{texts} {errors}, without {cause!r}"
        return ""

    request = inference(shape=(2, 1), raw=[elements(image, IMAGE)], outputs=("TEXT", "ERROR"))
    return HostileCall(lambda wire: wire.infer(request), wrong)


def strings(answer: Any, output: str) -> list[str]:
    """Returns the elements of one output of type BYTES."""
    names = [tensor.name for tensor in answer.outputs]
    raw, found = answer.raw_output_contents[names.index(output)], []
    while raw:
        (size,) = struct.unpack_from("<I", raw)
        found.append(raw[4 : 4 + size].decode())
        raw = raw[4 + size :]
    return found


def _wrong_texts(texts: list[str], end: Any) -> str:
    if isinstance(end, Refusal):
        return str(end)[:300]
    found = strings(end, "TEXT")
    return "" if found == texts else f"read {found}, not {texts}"


def elements(*values: bytes) -> bytes:
    """Returns elements of type BYTES as a request carries them."""
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def inference(
    *,
    model: str = MODEL,
    version: str = "",
    name: str = "IMAGE",
    datatype: str = "BYTES",
    shape: Iterable[int] = (1, 1),
    raw: Iterable[bytes] = (elements(IMAGE),),
    outputs: Iterable[str] = ("TEXT",),
    parameters: dict[str, Any] | None = None,
) -> Any:
    """Returns a right request with the parts that are given replaced."""
    request = Request(model_name=model, model_version=version, raw_input_contents=raw)
    request.inputs.add(name=name, datatype=datatype, shape=shape)
    for output in outputs:
        request.outputs.add(name=output)
    for key, value in (parameters or {}).items():
        set_parameter(request.parameters[key], value)
    return request


def set_parameter(parameter: Any, value: Any) -> None:
    kinds = {bool: "bool_param", int: "int64_param", float: "double_param", str: "string_param"}
    if value is None:
        parameter.SetInParent()
    else:
        setattr(parameter, kinds[type(value)], value)


def network(
    *,
    shape: tuple[int, ...] = (1, 3, HEIGHT, 64),
    raw: bytes | None = None,
    datatype: str = "FP32",
    parameters: dict[str, Any] | None = None,
) -> Any:
    """Returns a request to the network behind the model."""
    size = 4 * int(np.prod(shape))
    return inference(
        model=NETWORK,
        name="x1",
        datatype=datatype,
        shape=shape,
        raw=[bytes(size) if raw is None else raw],
        outputs=["probs1"],
        parameters=parameters,
    )


def typed(**contents: list[Any]) -> Any:
    """Returns a request with its image in a typed field in place of raw bytes."""
    request = inference(raw=())
    for field, values in contents.items():
        getattr(request.inputs[0].contents, field).extend(values)
    return request


def with_classes(output: str, count: Any) -> Any:
    request = inference(outputs=[output])
    set_parameter(request.outputs[0].parameters["classification"], count)
    return request


def in_shared_memory(request: Any, *, of: str, **parameters: Any) -> Any:
    """Returns a request whose first input or output is to be in the server's shared memory."""
    if of == "inputs":
        request.ClearField("raw_input_contents")
    for key, value in parameters.items():
        set_parameter(getattr(request, of)[0].parameters[f"shared_memory_{key}"], value)
    return request


def _infer(request: Any) -> Callable[[Wire], Any]:
    return lambda wire: wire.infer(request)


def types_and_shapes() -> Iterator[tuple[str, HostileCall]]:
    for datatype in ("FP32", "UINT8", "INT64", "", "NONSENSE", "bytes"):
        call = _infer(inference(datatype=datatype))
        yield f"type-{datatype or 'empty'}", refused(call, INVALID, "'IMAGE' data-type is")
    for shape in ((1,), (1, 1, 1), (1, 2), (1, 0), (1, 2**62), (2**62, 2**62), (1,) * 100_000):
        name = "x".join(map(str, shape[:3]))
        call = _infer(inference(shape=shape))
        yield f"shape-{name}", refused(call, INVALID, "unexpected shape for input 'IMAGE'")
    for shape, names in {
        (): "'IMAGE' has no shape",
        (1, -1): "All input dimensions should be specified for input 'IMAGE'",
        (-1, 1): "string elements for inference input 'IMAGE'",
        (2**63 - 1, 1): "string elements for inference input 'IMAGE'",
        (2, 1): "expected 2 string elements for inference input 'IMAGE'",
        (MAX_IMAGES, 1): f"expected {MAX_IMAGES} string elements for inference input 'IMAGE'",
    }.items():
        name = "x".join(map(str, shape)) or "none"
        yield f"shape-{name}", refused(_infer(inference(shape=shape)), INVALID, names)
    for count in (MAX_IMAGES + 1, 64, 10_000):
        many = inference(shape=(count, 1), raw=[elements(*[IMAGE] * count)])
        yield (
            f"images-{count}",
            refused(_infer(many), INVALID, f"batch-size must be <= {MAX_IMAGES} for '{MODEL}'"),
        )
    # Triton keeps 32 bits of the number of images; it never reads more than fit a request.
    for count in (0, 2**32, -(2**63)):
        many = inference(shape=(count, 1), raw=[elements(*[IMAGE] * 40)])
        call = _infer(many)
        yield f"images-40-as-{count}", refused(call, INVALID, "number of string elements 2 for")
    most = 2**32 + MAX_IMAGES
    many = inference(shape=(most, 1), raw=[elements(*[IMAGE] * 40)])
    call = _infer(many)
    yield (
        f"images-40-as-{most}",
        refused(call, INVALID, f"number of string elements {MAX_IMAGES + 1} for"),
    )
    many = inference(shape=(MAX_IMAGES, 1), raw=[elements(*[IMAGE] * MAX_IMAGES)])
    yield "images-most", read(many, *[TEXT] * MAX_IMAGES)


def contents() -> Iterator[tuple[str, HostileCall]]:
    whole = elements(IMAGE)
    incomplete = "incomplete string data for inference input 'IMAGE'"
    length = "incomplete string length indicator for inference input 'IMAGE'"
    for name, raw, names in (
        ("none", (), "unable to find data for input tensor 'IMAGE'"),
        ("empty", [b""], "expected 1 string elements for inference input 'IMAGE'"),
        ("three-bytes", [b"\1\2\3"], length),
        ("longer-behind", [whole + b"x"], length),
        ("one-more", [whole * 2], "unexpected number of string elements 2"),
        ("zeros-behind", [whole + bytes(4)], "unexpected number of string elements 2"),
        ("cut", [whole[:-1]], incomplete),
        ("length-1000000", [struct.pack("<I", 10**6) + IMAGE], incomplete),
        ("length-2-31", [struct.pack("<I", 2**31) + IMAGE], incomplete),
        ("length-most", [b"\xff" * 4 + IMAGE], incomplete),
    ):
        yield f"raw-{name}", refused(_infer(inference(raw=raw)), INVALID, names)
    yield "raw-two", read(inference(raw=[whole, whole]), TEXT)
    yield "typed-right", read(typed(bytes_contents=[IMAGE]), TEXT)
    for name, request, names in (
        ("two", typed(bytes_contents=[IMAGE] * 2), "unexpected number of string elements 2"),
        ("int", typed(int_contents=[1]), "tensor 'IMAGE' for model 'hostile' of type 'INT32'"),
        ("fp32", typed(fp32_contents=[1.0]), "tensor 'IMAGE' for model 'hostile' of type 'FP32'"),
    ):
        yield f"typed-{name}", refused(_infer(request), INVALID, names)
    both = typed(bytes_contents=[IMAGE])
    both.raw_input_contents.append(whole)
    names = "contents field must not be specified when using raw_input_contents for 'IMAGE'"
    yield "typed-and-raw", refused(_infer(both), INVALID, names)


def tensors() -> Iterator[tuple[str, HostileCall]]:
    without = inference()
    del without.inputs[:]
    yield "no-input", refused(_infer(without), INVALID, "missing required input(s) ['IMAGE']")
    for extra, names in {
        "OTHER": "Got input(s) ['OTHER','IMAGE']",
        "IMAGE": "input 'IMAGE' already exists in request",
    }.items():
        request = inference(raw=[elements(IMAGE)] * 2)
        request.inputs.add(name=extra, datatype="BYTES", shape=[1, 1])
        yield f"input-more-{extra}", refused(_infer(request), INVALID, names)
    for name in ("image", "", "../IMAGE", "X" * (1 << 20)):
        call = _infer(inference(name=name))
        shown = f"unexpected inference input '{name[:100]}"
        yield f"input-named-{name[:8] or 'empty'}", refused(call, INVALID, shown)
    for name in ("NOPE", "", "IMAGE", "X" * (1 << 20)):
        call = _infer(inference(outputs=[name]))
        shown = f"unexpected inference output '{name[:100]}"
        yield f"output-named-{name[:8] or 'empty'}", refused(call, INVALID, shown)
    yield "output-10000-times", read(inference(outputs=["TEXT"] * 10_000), TEXT)
    for count, names in {-1: "expected >= 0", "x": "expected int64_param"}.items():
        call = _infer(with_classes("TEXT", count))
        yield f"classification-{count}", refused(call, INVALID, names)
    unsupported = "class result not available for output due to unsupported type 'BYTES'"
    for output in ("TEXT", "ERROR", "CHAR_SCORES"):
        call = _infer(with_classes(output, 1))
        yield f"classes-of-{output}", refused(call, INVALID, unsupported)
    yield "classes-of-SCORE", HostileCall(_infer(with_classes("SCORE", 2**31)), _one_class)


def _one_class(end: Any) -> str:
    """Says what is wrong with the classes of a score: there is one, numbered 0."""
    found = [] if isinstance(end, Refusal) else strings(end, "SCORE")
    return "" if len(found) == 1 and found[0].endswith(":0") else str(end)[:300]


def parameters() -> Iterator[tuple[str, HostileCall]]:
    for key, value, names in (
        ("priority", -1, "invalid value for 'priority'"),
        ("priority", "high", "invalid value type for 'priority'"),
        ("timeout", "never", "invalid value type for 'timeout'"),
        ("sequence_start", "yes", "invalid value type for 'sequence_start'"),
        ("sequence_end", 1, "invalid value type for 'sequence_end'"),
        ("triton_secret", "x", "parameter keys starting with 'triton_' are reserved"),
        ("triton_enable_empty_final_response", "x", "'triton_enable_empty_final_response'"),
        ("nothing", None, "invalid value type for 'nothing'"),
    ):
        call = _infer(inference(parameters={key: value}))
        yield f"parameter-{key}-{value}", refused(call, INVALID, names)
    for key, value in (
        *(("priority", 99), ("priority", 2**63 - 1), ("timeout", -1), ("timeout", 2**63 - 1)),
        *(("sequence_id", -1), ("sequence_id", "x"), ("sequence_start", True), ("", "x")),
        *((PARAMETER, "0" * 64), ("ocr_unknown", 1.5), ("k" * 100_000, "x"), ("v", "x" * 10**7)),
    ):
        shown = f"{key[:20]}-{str(value)[:20]}"
        yield f"ignored-{shown}", read(inference(parameters={key: value}), TEXT)
    many = inference(parameters={f"p{number}": "x" for number in range(10_000)})
    yield "ignored-10000", read(many, TEXT)
    region, needed = "Unable to find shared memory region: 'other'", "'shared_memory_byte_size'"
    for of in ("inputs", "outputs"):
        named = {"region": "other", "byte_size": 100}
        absent = in_shared_memory(inference(), of=of, **named)
        yield f"region-of-{of}", refused(_infer(absent), ABSENT, region)
        half = in_shared_memory(inference(), of=of, region="other")
        yield f"region-without-size-of-{of}", refused(_infer(half), INVALID, needed)


def models() -> Iterator[tuple[str, HostileCall]]:
    for name in ("none", "", "../../etc/passwd", "HOSTILE", "hostile/1", "x" * 100_000, "中"):
        call, shown = _infer(inference(model=name)), f"unknown model: '{name[:100]}"
        yield f"model-{name[:16] or 'empty'}", refused(call, ABSENT, shown)
    for version in ("99", "0"):
        call = _infer(inference(version=version))
        yield f"version-{version}", refused(call, ABSENT, f"'{MODEL}' version {version} is not")
    for version in ("x", "-1", "9" * 30):
        call = _infer(inference(version=version))
        yield f"version-{version}", refused(call, INVALID, f"'{version}'")


def networks() -> Iterator[tuple[str, HostileCall]]:
    """Calls of the network behind the model, which takes none but the model's."""
    refusal = "a network takes no calls from clients. Ask the model in front of it."
    yield "network", refused(_infer(network()), INVALID, refusal)
    guesses: dict[str, Any] = {
        "empty": "",
        "zeros": "0" * 64,
        "long": "x" * 10**6,
        "true": True,
        "zero": 0,
        "fraction": 1.5,
        "null": "null",
        "nul": "\0" * 64,
        "json": '"}, {"',
        "accent": "é",
    }
    for name, guess in guesses.items():
        call = _infer(network(parameters={PARAMETER: guess}))
        yield f"network-key-{name}", refused(call, INVALID, refusal)
    mismatch = "input byte size mismatch for input 'x1'"
    for name, request, names in (
        ("many", network(shape=(MAX_BATCH + 1, 3, HEIGHT, 64)), f"must be <= {MAX_BATCH}"),
        ("height", network(shape=(1, 3, HEIGHT - 1, 64)), "unexpected shape for input 'x1'"),
        ("open-width", network(shape=(1, 3, HEIGHT, -1), raw=b""), "input 'x1'"),
        ("huge-width", network(shape=(1, 3, HEIGHT, 2**40), raw=bytes(100)), mismatch),
        ("none", network(shape=(0, 3, HEIGHT, 64)), mismatch),
        ("short", network(raw=bytes(100)), mismatch),
        ("type", network(datatype="FP64"), "'x1' data-type is 'FP64'"),
        ("wide", network(shape=(1, 3, HEIGHT, 1 << 16)), refusal),
    ):
        yield f"network-{name}", refused(_infer(request), INVALID, names)
    region = in_shared_memory(network(), of="inputs", region="other", byte_size=24576)
    yield "network-region", refused(_infer(region), ABSENT, "shared memory region: 'other'")
    classes = network()
    set_parameter(classes.outputs[0].parameters["classification"], 1)
    yield "network-classes", refused(_infer(classes), INVALID, refusal)


def management() -> Iterator[tuple[str, HostileCall]]:
    """What changes the server, or shows what others do, without the management key."""
    file = {"file:1/model.py": service_pb2.ModelRepositoryParameter(bytes_param=b"raise 1")}
    calls = {
        "RepositoryIndex": service_pb2.RepositoryIndexRequest(),
        "RepositoryModelLoad": service_pb2.RepositoryModelLoadRequest(
            model_name="x", parameters=file
        ),
        "RepositoryModelUnload": service_pb2.RepositoryModelUnloadRequest(model_name=MODEL),
        "ModelConfig": service_pb2.ModelConfigRequest(name=MODEL),
        "ModelStatistics": service_pb2.ModelStatisticsRequest(),
        "SystemSharedMemoryStatus": service_pb2.SystemSharedMemoryStatusRequest(),
        "SystemSharedMemoryRegister": service_pb2.SystemSharedMemoryRegisterRequest(
            name="other", key="/other", byte_size=100
        ),
        "SystemSharedMemoryUnregister": service_pb2.SystemSharedMemoryUnregisterRequest(),
        "CudaSharedMemoryStatus": service_pb2.CudaSharedMemoryStatusRequest(),
        "CudaSharedMemoryRegister": service_pb2.CudaSharedMemoryRegisterRequest(
            name="other", raw_handle=b"x", byte_size=100
        ),
        "CudaSharedMemoryUnregister": service_pb2.CudaSharedMemoryUnregisterRequest(),
        "TraceSetting": service_pb2.TraceSettingRequest(),
        "LogSettings": service_pb2.LogSettingsRequest(),
    }
    names = f"This protocol is restricted, expecting header '{ADMIN}'"

    def calling(method: str, *metadata: tuple[str, str]) -> Callable[[Wire], Any]:
        return lambda wire: wire.call(method, calls[method], *metadata)

    for method in calls:
        yield f"{method}-without-key", refused(calling(method), RESTRICTED, names)
    for name, header in {
        "empty": (ADMIN, ""),
        "other": (ADMIN, "0" * 24),
        "long": (ADMIN, "x" * 8000),
        "other-header": (ADMIN_HEADER, "0" * 24),
    }.items():
        call = calling("RepositoryModelUnload", header)
        yield f"unload-with-{name}-key", refused(call, RESTRICTED, names)


def images() -> Iterator[tuple[str, HostileCall]]:
    black = bytes(cv2.imencode(".png", np.zeros((4097, 4097), np.uint8))[1])
    for name, image, cause in (
        ("empty", b"", "the image is empty"),
        ("text", b"no image", "not an im"),
        ("cut", IMAGE[:60], "a damaged"),
        ("claims-1000000", png_claim(10**6, 10**6), "the image claims 1000000x1000000 pixels"),
        ("claims-most", png_claim(2**31 - 1, 2**31 - 1), "the image claims 2147483647x2147483647"),
        ("decodes-to-16-million", black, "the image claims 4097x4097 pixels"),
        ("tiff-bomb", tiff_bomb(), "TIFF is not accepted"),
        ("bytes", IMAGE + bytes(MAX_IMAGE_BYTES), "the image has more than 8,388,608 bytes"),
    ):
        yield f"image-{name}", unreadable(image, cause)
    heavy = inference(raw=[elements(bytes(36_000_000))], outputs=["ERROR"])
    yield "image-36-million-bytes-12-times", HostileCall(partial(_again, heavy), lambda end: end)
    wide = bytes(cv2.imencode(".png", np.zeros((2, 4000), np.uint8))[1])
    for limit, values in {
        "BYTES": [bytes(MAX_IMAGE_BYTES - 100)] * 9,
        "PIXELS": [png_claim(4096, 4096)] * MAX_IMAGES,
        "TILES": [wide] * MAX_IMAGES,
    }.items():
        request = inference(shape=(len(values), 1), raw=[elements(*values)])
        call, names = _infer(request), f"OCR_TRITON_MAX_REQUEST_{limit}: the request is over"
        yield f"images-over-{limit.lower()}", refused(call, INVALID, names)


def _again(request: Any, wire: Wire) -> str:
    for _ in range(12):
        answer = wire.infer(request)
        found = answer if isinstance(answer, Refusal) else strings(answer, "ERROR")
        if found != ["the image has more than 8,388,608 bytes"]:
            return str(found)
    return ""


def streams() -> Iterator[tuple[str, HostileCall]]:
    bad, right = inference(datatype="FP32"), inference()

    def answers(*expected: str) -> Callable[[Any], str]:
        """Each is the text that is read, or a part of the refusal."""

        def wrong(end: list[Any]) -> str:
            found = [_streamed(answer) for answer in end]
            fits = len(found) == len(expected) and all(
                part in text for part, text in zip(expected, found, strict=True)
            )
            return "" if fits else str(found)[:300]

        return wrong

    refusal = "a network takes no calls from clients"
    for name, requests, expected in (
        ("right", [right] * 3, [TEXT] * 3),
        ("one-bad", [bad, right, bad], ["'IMAGE' data-type is", TEXT, "'IMAGE' data-type is"]),
        ("1000-bad", [inference(model="none")] * 1000, ["unknown model: 'none'"] * 1000),
        ("nothing", [], []),
        ("network", [network()] * 3, [refusal] * 3),
    ):
        yield (
            f"stream-{name}",
            HostileCall(lambda wire, sent=requests: wire.stream(sent), answers(*expected)),
        )
    yield "stream-200-at-once", HostileCall(_many_streams, lambda end: end)
    yield "stream-abandoned", HostileCall(_abandoned_streams, lambda end: end)


def _streamed(answer: Any) -> str:
    if isinstance(answer, Refusal):
        return str(answer)
    return answer.error_message or "".join(strings(answer.infer_response, "TEXT"))


def _many_streams(wire: Wire) -> str:
    """Each stays open after its first answer until all have theirs."""
    ended = threading.Event()

    def requests() -> Iterator[Any]:
        yield inference()
        ended.wait(DEADLINE_S)

    streams = [wire.open_stream(requests()) for _ in range(200)]
    found = {_streamed(next(stream)) for stream in streams}
    ended.set()
    rest = [answer for stream in streams for answer in stream]
    return "" if found == {TEXT} and not rest else f"{found} {rest[:1]}"


def _abandoned_streams(wire: Wire) -> str:
    """Each is cancelled while its requests are being answered."""
    for _ in range(50):
        stream = wire.open_stream(repeat(inference(), 20))
        first = _streamed(next(stream))
        stream.cancel()
        if first != TEXT:
            return first
    return ""


def messages() -> Iterator[tuple[str, HostileCall]]:
    """Bytes that are no message, or one of another method."""
    right = inference().SerializeToString()
    infer, unparsed = f"{SERVICE}/ModelInfer", "Unable to parse request"

    def sending(method: str, message: bytes, *compression: Any) -> Callable[[Wire], Any]:
        return lambda wire: wire.send(method, message, *compression)

    for name, message in {
        "cut": right[: len(right) // 2],
        "ones": b"\xff" * 100,
        "nested": b"\x0a\x80" * 1000,
        "length-most": b"\x0a\xff\xff\xff\xff\x0f",
        "groups": b"\x0b" * 10_000,
        "not-utf-8": Request(model_name="x").SerializeToString().replace(b"x", b"\xff"),
    }.items():
        yield f"message-{name}", refused(sending(infer, message), INTERNAL, unparsed)
    yield "message-empty", refused(sending(infer, b""), ABSENT, "unknown model: ''")
    unknown_field = sending(infer, right + b"\xfa\x7f\x03abc")
    yield "message-unknown-field", HostileCall(unknown_field, lambda end: _parsed(end, TEXT))
    for method in (f"{SERVICE}/Nope", "/other.Service/ModelInfer", f"/{'x' * 5000}"):
        call = sending(method, b"")
        yield f"method-{method[-12:]}", refused(call, grpc.StatusCode.UNIMPLEMENTED, "")
    bomb = inference(raw=[elements(bytes(70 << 20))]).SerializeToString()
    call = sending(infer, bomb, grpc.Compression.Gzip)
    yield "message-bomb", refused(call, INVALID, "OCR_TRITON_MAX_REQUEST_BYTES: the request is")
    for name, message in flipped(right, "grpc", 40):
        yield f"message-{name}", HostileCall(sending(infer, message), _parsed)


def _parsed(end: Any, text: str | None = None) -> str:
    """Says what is wrong with the end of a call whose message may still be one."""
    if isinstance(end, Refusal):
        return "" if end.status in (INVALID, ABSENT, INTERNAL) and text is None else str(end)
    answer = service_pb2.ModelInferResponse.FromString(end)
    return "" if text is None else _wrong_texts([text], answer)


# HTTP/2 (RFC 9113), by hand.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, payload: bytes = b"", flags: int = 0, stream: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_block(**more: str) -> bytes:
    """Returns the headers of a call of ModelInfer, each as a literal."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": f"{SERVICE}/ModelInfer",
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
        **more,
    }
    return b"".join(
        bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in headers.items()
    )


def opened(stream: int = 1) -> bytes:
    return frame(HEADERS, header_block(), END_HEADERS, stream)


START = PREFACE + frame(SETTINGS)


def reaction(content: bytes, until: tuple[str, ...]) -> Callable[[Wire], str]:
    """Sends bytes, and returns the first reaction among those that are named, or `silent`.

    Reactions are `closed`, `goaway`, `reset`, and `ended`: a stream got its status.
    """

    def send(wire: Wire) -> str:
        with wire.connect() as connection:
            connection.settimeout(SILENCE_S if "silent" in until else DEADLINE_S)
            try:
                connection.sendall(content)
                for name in _reactions(connection):
                    if name in until:
                        return name
            except TimeoutError:
                return "silent"
            except OSError:
                return "closed"
        return "closed"

    return send


def _reactions(connection: socket.socket) -> Iterator[str]:
    names = {RESET: "reset", GOAWAY: "goaway"}
    received = b""
    while chunk := connection.recv(1 << 16):
        received += chunk
        while len(received) >= 9 + (size := int.from_bytes(received[:3], "big")):
            kind, flags = received[3], received[4]
            received = received[9 + size :]
            if kind == HEADERS and flags & END_STREAM:
                yield "ended"
            elif kind in names:
                yield names[kind]


def connections() -> Iterator[tuple[str, HostileCall]]:
    """Bytes that are no HTTP/2, or break its rules."""
    closing, ending = ("closed", "goaway"), ("closed", "goaway", "reset", "ended")
    flood = b"".join(opened(n) + frame(RESET, bytes(3) + b"\x08", 0, n) for n in range(1, 4001, 2))
    endless = frame(HEADERS, header_block(), 0, 1)
    endless += frame(CONTINUATION, b"\0\1x\x7f" + b"y" * 127, 0, 1) * 50_000
    sent: dict[str, tuple[bytes, tuple[str, ...]]] = {
        "random": (np.random.default_rng(3).bytes(4096), closing),
        "http-1": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", closing),
        "tls-hello": (bytes.fromhex("160301020001000001fc0303") + bytes(500), closing),
        "frame-too-long": (START + b"\xff\xff\xff\0\0\0\0\0\1" + bytes(100_000), closing),
        "unknown-frames": (START + frame(0xFA, bytes(100)) * 1000, ("silent",)),
        "settings-of-odd-size": (START + frame(SETTINGS, bytes(5)), closing),
        "data-of-no-stream": (START + frame(DATA, bytes(100), 0, 99), ("silent", *ending)),
        "window-overflow": (START + frame(WINDOW, b"\x7f\xff\xff\xff") * 2, ("silent", *closing)),
        "pings": (START + frame(PING, bytes(8)) * 5000, closing),
        "bad-header-block": (START + frame(HEADERS, b"\xff" * 50, END_HEADERS, 1), ending),
        "headers-without-end": (START + endless, ("silent", *ending)),
        "stream-resets": (START + flood, ("silent", *closing)),
        # what is claimed takes no memory before it comes
        "message-of-4-gib": (
            START + opened() + frame(DATA, b"\0" + b"\xff" * 4, 0, 1),
            ("silent", *ending),
        ),
        "message-with-unknown-coding": (
            START + opened() + frame(DATA, b"\1" + bytes(3) + b"\4" + bytes(4), END_STREAM, 1),
            ending,
        ),
        "message-cut": (
            START + opened() + frame(DATA, b"\0\0\0\1\0" + bytes(10), END_STREAM, 1),
            ending,
        ),
    }
    for name, (content, until) in sent.items():
        yield f"http2-{name}", HostileCall(reaction(content, until), _among(until))
    yield "slow-clients", HostileCall(_slow_clients, lambda end: end)


def _among(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    return lambda end: "" if end in allowed else f"{end}, not one of {allowed}"


def _slow_clients(wire: Wire) -> str:
    """While 200 clients have begun a message of 1 MiB and send no more, another is answered."""
    begun = START + opened() + frame(DATA, b"\0\0\x10\0\0" + bytes(10), 0, 1)
    held = [wire.connect() for _ in range(200)]
    try:
        for connection in held:
            connection.sendall(begun)
        return _wrong_texts([TEXT], wire.infer(inference()))
    finally:
        for connection in held:
            connection.close()


def cases() -> dict[str, HostileCall]:
    groups = (
        *(types_and_shapes, contents, tensors, parameters, models, networks, management),
        *(images, streams, messages, connections),
    )
    return dict(case for group in groups for case in group())
