"""The machine that a pickle is a program for, with the opcodes that data need and no others.

Source: the opcodes are documented in Python's `pickletools`, which decodes them here.
"""

import pickletools
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any, cast

from ocr_lib.training.pickle_names import FUNCTIONS, DType, EmptyArray, Global, array, key

PROTOCOLS = (2, 3, 4)  # of paddle.save
MAX_OPCODES = 1_000_000
MAX_INT_BITS = 1024
MAX_LINE = 1000  # bytes; a line holds a module or a class


class BoundedFile:
    """A file of which never more is asked for than it holds: a length in it is only a claim.

    Args:
        file: open for reading, at its begin.
        size: bytes in it.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        """Reads this many bytes; none at the end."""
        if size > max(1, self._left):
            raise ValueError(f"it names {size:,} bytes where {self._left:,} are left")
        content = self._file.read(size)
        self._left -= len(content)
        return content

    def readline(self) -> bytes:
        """Reads up to the end of a line, or of what a line may have."""
        line = self._file.readline(MAX_LINE)
        self._left -= len(line)
        return line


def read_pickle(file: BoundedFile) -> Any:
    """Returns the value that a pickle describes; nothing is imported, nothing of it is called.

    It may hold what is no data (a `Global`, a value inside itself): the caller looks.

    Raises:
        ValueError: it is damaged, or has an opcode or a name that data do not need.
    """
    machine = _Machine()
    opcodes = pickletools.genops(cast(IO[bytes], file))
    for number, (opcode, argument, _) in enumerate(opcodes):
        if number == 0 and (opcode.name != "PROTO" or argument not in PROTOCOLS):
            raise ValueError(f"not a pickle of protocol {', '.join(map(str, PROTOCOLS))}")
        if number == MAX_OPCODES:
            raise ValueError(f"it has more than {MAX_OPCODES:,} opcodes")
        if opcode.name in _VALUES:
            machine.push(argument)
        elif opcode.name in _OPCODES:
            _OPCODES[opcode.name](machine, argument)
        elif opcode.name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"it has the opcode {opcode.name}")
    return machine.result()


class _Machine:
    """Stack, marks and memo."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stack under each mark
        self._memo: dict[int, Any] = {}
        self._places: dict[EmptyArray, list[int]] = {}  # where the memo has it

    def result(self) -> Any:
        value = self._pop()
        if self._stack or self._below:
            raise ValueError("values are left over")
        return value

    def push(self, value: Any) -> None:
        if type(value) is int and value.bit_length() > MAX_INT_BITS:
            raise ValueError(f"a number has {value.bit_length():,} bits")
        self._stack.append(value)

    def mark(self, _: Any) -> None:
        self._below.append(self._stack)
        self._stack = []

    def tuple_of(self, length: int) -> None:
        items = [self._pop() for _ in range(length)]
        self._stack.append(tuple(reversed(items)))

    def tuple_to_mark(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._stack.append(tuple(items))

    def append(self, _: Any) -> None:
        item = self._pop()
        self._top(list).append(item)

    def appends(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._top(list).extend(items)

    def set_item(self, _: Any) -> None:
        value, name = self._pop(), self._pop()
        self._top(dict, OrderedDict)[key(name)] = value

    def set_items(self, _: Any) -> None:
        items = self._pop_to_mark()
        if len(items) % 2:
            raise ValueError("a key is without a value")
        names = map(key, items[::2])
        self._top(dict, OrderedDict).update(zip(names, items[1::2], strict=True))

    def add_items(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._top(set).update(map(key, items))

    def put(self, place: int | None) -> None:
        value = self._top()
        place = len(self._memo) if place is None else place
        self._memo[place] = value
        if type(value) is EmptyArray:
            self._places.setdefault(value, []).append(place)

    def get(self, place: int) -> None:
        if place not in self._memo:
            raise ValueError(f"value {place} is used before it is there")
        self._stack.append(self._memo[place])

    def name(self, argument: str) -> None:
        self._stack.append(Global(argument.replace(" ", ".")))

    def name_on_stack(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise ValueError("a name is not a text")
        self._stack.append(Global(f"{module}.{name}"))

    def reduce(self, _: Any) -> None:
        arguments, function = self._pop(), self._pop()
        if type(function) is not Global or type(arguments) is not tuple:
            raise ValueError("it calls a value")
        if function.name not in FUNCTIONS:
            raise ValueError(f"it asks for {function.name}")
        self._stack.append(FUNCTIONS[function.name](arguments))

    def build(self, _: Any) -> None:
        state, target = self._pop(), self._top(EmptyArray, DType)
        if type(state) is not tuple:
            raise ValueError("a state is not a tuple")
        if type(target) is DType:
            target.build(state)
            return
        self._stack[-1] = built = array(state)
        for place in self._places.pop(target, ()):
            self._memo[place] = built

    def _pop(self) -> Any:
        self._top()
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        if not self._below:
            raise ValueError("a mark is missing")
        items, self._stack = self._stack, self._below.pop()
        return items

    def _top(self, *kinds: type) -> Any:
        if not self._stack:
            raise ValueError("a value is missing")
        if kinds and type(self._stack[-1]) not in kinds:
            raise ValueError(f"a {type(self._stack[-1]).__name__} is to be filled")
        return self._stack[-1]


# Opcodes whose argument is the value.
_VALUES = frozenset(
    {
        *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
        *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
        *("SHORT_BINSTRING", "BINSTRING"),  # Python 2's
    }
)
_OPCODES: dict[str, Callable[[_Machine, Any], None]] = {
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_SET": lambda machine, _: machine.push(set()),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "TUPLE": _Machine.tuple_to_mark,
    "MARK": _Machine.mark,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "ADDITEMS": _Machine.add_items,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_on_stack,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}
