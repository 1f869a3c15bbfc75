"""A digest of a code object, and the names through which it reaches other code.

What Python would do is hashed: instructions with their constants and names in place. What it would not notice is left
out: line numbers, file names, docstrings, formatting, and annotations of functions that are not decorated.
"""

from __future__ import annotations

import opcode
import sys
from marshal import dumps
from types import CodeType
from typing import NamedTuple

from solvent.fingerprint.structure import digest

_PLAIN, _CONST, _NAME, _LOCAL, _FREE, _FORWARD, _BACKWARD = range(7)
_OPS = opcode.opmap
_EXTENDED = _OPS["EXTENDED_ARG"]
_CACHE = _OPS.get("CACHE", 0)
_SKIPPED = frozenset({_CACHE, _OPS["NOP"], _EXTENDED})


def _named(*names: str) -> frozenset[int]:
    return frozenset(_OPS[name] for name in names if name in _OPS)


_GLOBALS = _named("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_ATTRIBUTES = _named("LOAD_ATTR", "LOAD_METHOD")
_STORES = _named("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_LOCAL_LOADS = frozenset(
    code
    for name, code in _OPS.items()
    if name.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"))
)
_LOAD_CONST = _OPS["LOAD_CONST"]
_SMALL_INT = _OPS.get("LOAD_SMALL_INT", -1)
_CONSTANTS = frozenset({_LOAD_CONST, _SMALL_INT})
_IMPORT_NAME, _IMPORT_FROM, _STORE_NAME = _OPS["IMPORT_NAME"], _OPS["IMPORT_FROM"], _OPS["STORE_NAME"]
_MAKE_FUNCTION, _BUILD_TUPLE = _OPS["MAKE_FUNCTION"], _OPS["BUILD_TUPLE"]
_SET_ATTRIBUTE = _OPS.get("SET_FUNCTION_ATTRIBUTE", -1)
_BETWEEN_IMPORT_AND_STORE = _named("SWAP", "POP_TOP", "ROT_TWO")

_SHIFTS = {_OPS["LOAD_GLOBAL"]: 1}
if sys.version_info >= (3, 12):
    _SHIFTS |= {_OPS["LOAD_ATTR"]: 1, _OPS["LOAD_SUPER_ATTR"]: 2}

# What an annotation may be made of: instruction -> how many values it takes; each gives one.
_ANNOTATION_OPS: dict[int, int] = {
    **dict.fromkeys(_GLOBALS | _LOCAL_LOADS | _CONSTANTS, 0),
    **dict.fromkeys(_named("LOAD_ATTR"), 1),
    **dict.fromkeys(_named("BINARY_SUBSCR", "BINARY_OP"), 2),
}
_UNSEEN_CLASS_NAMES = frozenset({"__doc__", "__qualname__", "__firstlineno__", "__static_attributes__"})
_SEEN_FLAGS = 0x3FF  # without the flags of __future__ and of docstrings


def _kinds() -> list[int]:
    kinds = [_PLAIN] * 256
    for name, code in _OPS.items():
        if code > 255:  # of the compiler's own, never in a code object
            continue
        if code in opcode.hasconst:
            kinds[code] = _CONST
        elif code in opcode.hasname:
            kinds[code] = _NAME
        elif code in opcode.hasjrel:
            kinds[code] = _BACKWARD if "BACKWARD" in name else _FORWARD
        elif code in opcode.haslocal:
            kinds[code] = _LOCAL
        elif code in opcode.hasfree:
            kinds[code] = _FREE
    return kinds


def _pairs() -> dict[int, tuple[int, int]]:
    """Return the instructions that do the work of two, which of them meet depends on the lines they are on."""
    found = {}
    for name, code in _OPS.items():
        plain = name.replace("_BORROW", "")
        if code < 256 and plain in ("LOAD_FAST_LOAD_FAST", "STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST"):
            first, second = plain.split("_FAST")[:2]
            found[code] = (_OPS[f"{first}_FAST"], _OPS[f"{second[1:]}_FAST"])
    return found


def _same() -> list[int]:
    """Return for each instruction the one that stands for it: jumps in both directions are one."""
    same = list(range(256))
    for name, code in _OPS.items():
        plain = name.replace("_NO_INTERRUPT", "").replace("BACKWARD", "FORWARD").replace("FAST_BORROW", "FAST")
        if code < 256:
            same[code] = _OPS.get(plain, code)
    return same


_KINDS, _PAIRS, _SAME = _kinds(), _pairs(), _same()
_JUMP = _OPS["JUMP_FORWARD"]


def _opposites() -> dict[int, int]:
    found = {}
    for name, code in _OPS.items():
        for yes, no in (("IF_TRUE", "IF_FALSE"), ("IF_NOT_NONE", "IF_NONE")):
            if name.startswith("POP_JUMP") and name.endswith((yes, no)) and _SAME[code] == code:
                stem = name.removesuffix(yes).removesuffix(no)
                found[_OPS[stem + yes]], found[_OPS[stem + no]] = _OPS[stem + no], _OPS[stem + yes]
    return found


def _keeping() -> dict[int, tuple[int, int]]:
    """Return for each jump that may keep its value (3.11): the one that never does, and the kept jump's opposite."""
    if "JUMP_IF_TRUE_OR_POP" not in _OPS:
        return {}
    true, false = _OPS["JUMP_IF_TRUE_OR_POP"], _OPS["JUMP_IF_FALSE_OR_POP"]
    return {
        true: (_OPS["POP_JUMP_FORWARD_IF_TRUE"], false),
        false: (_OPS["POP_JUMP_FORWARD_IF_FALSE"], true),
    }


_OPPOSITES, _KEEPING = _opposites(), _keeping()


class Reference(NamedTuple):
    """A name that code loads, the attributes it takes of it at once, and the text constant that follows, if any.

    `root` is "global" or "local"; a local is mentioned only if it may hold an import or comes from outside.
    """

    root: str
    name: str
    attributes: tuple[str, ...] = ()
    text: str | None = None


class Import(NamedTuple):
    """An import inside code: the module's name, how many dots it began with, and the names taken from it.

    `variable` holds the module, or `None`; `whole` says that the variable is the last module of a dotted name.
    """

    module: str
    level: int
    names: tuple[str, ...]


class Alias(NamedTuple):
    """What a local variable holds after an import: a module, or `attribute` of it."""

    module: str
    level: int
    attribute: str | None
    dotted: bool


class Scan:
    """A code object seen once: its digest, what it loads and imports, and the code nested in it."""

    __slots__ = ("aliases", "children", "code", "digest", "imports", "names", "references")

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.children: list[Scan] = []
        self.imports: list[Import] = []
        self.aliases: dict[str, set[Alias]] = {}
        self.references: list[Reference] = []
        self.names = frozenset(code.co_names)
        self.digest = ""


_scans: dict[int, Scan] = {}


def scan_code(code: CodeType) -> Scan:
    """Return what there is to know about a code object; each is looked at once in a process."""
    scan = _scans.get(id(code))
    if scan is None:
        scan = _Scanner(code).scan()
        _scans[id(code)] = scan  # holds the code object, so its id stays taken
    return scan


def digest_code(code: CodeType) -> str:
    """Return the digest of what a code object does, nested code included."""
    return scan_code(code).digest


def constant_token(value: object) -> str:
    """Return text that is equal for equal constants of one type only, whatever the order in a frozenset."""
    kind = type(value)
    if (
        kind is str
        or kind is bytes
        or kind is float
        or kind is complex
        or kind is bool
        or value is None
        or value is ...
    ):
        return f"{kind.__name__}:{value!r}"
    if kind is int:
        return f"int:{value:x}"
    if kind is tuple:
        return f"tuple:{[constant_token(each) for each in value]!r}"  # type: ignore[attr-defined]
    if kind is frozenset:
        return f"frozenset:{sorted(constant_token(each) for each in value)!r}"  # type: ignore[attr-defined]
    if kind is CodeType:
        return f"code:{digest_code(value)}"  # type: ignore[arg-type]
    return f"{kind.__name__}:{value!r}"


class _Scanner:
    """Reads one code object: decode, drop what changes nothing, number constants and names by first use, hash."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.ops: list[int] = []
        self.args: list[int] = []
        self.places: list[int] = []
        self.targets: dict[int, int] = {}
        self.found = Scan(code)

    def scan(self) -> Scan:
        self._decode()
        self._drop()
        stream = self._number()
        code, found = self.code, self.found
        for constant in code.co_consts:
            if type(constant) is CodeType and constant in self.kept_code:
                found.children.append(scan_code(constant))
        found.digest = digest(
            "code",
            dumps(stream, 2),
            repr(self.constants),
            repr(self.names),
            repr((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _SEEN_FLAGS)),
            repr((code.co_varnames, code.co_cellvars, code.co_freevars)),
            repr(self._handlers()),
        )
        found.references = sorted(set(found.references), key=repr)
        return found

    def _decode(self) -> None:
        raw = self.code.co_code
        ops, args, places, kinds = self.ops, self.args, self.places, _KINDS
        extended = 0
        for at in range(0, len(raw), 2):
            op = raw[at]
            places.append(len(ops))
            if op in _SKIPPED:
                extended = (extended | raw[at + 1]) << 8 if op == _EXTENDED else extended
                continue
            arg = extended | raw[at + 1]
            extended = 0
            if kinds[op] >= _FORWARD:
                after = at // 2 + 1
                while after * 2 < len(raw) and raw[after * 2] == _CACHE:
                    after += 1
                self.targets[len(ops)] = after - arg if kinds[op] == _BACKWARD else after + arg
            elif op in _PAIRS:
                ops.append(_PAIRS[op][0])
                args.append(arg >> 4)
                op, arg = _PAIRS[op][1], arg & 15
            ops.append(_SAME[op])
            args.append(arg)
        places.append(len(ops))
        self.targets = {at: places[target] for at, target in self.targets.items()}

    def _thread(self) -> set[int]:
        """Let each jump go where it ends up, and return the jumps that are not needed then.

        The compiler does so itself only where the lines of the instructions agree.
        """
        ops, targets = self.ops, self.targets
        for at in targets:
            for _ in range(8):
                target = targets[at]
                if target >= len(ops):
                    break
                if ops[target] == _JUMP and target != at:
                    targets[at] = targets[target]
                elif ops[at] not in _KEEPING or not self._join(at, target):
                    break
        aimed = set(targets.values())
        needless = set()
        for at in sorted(targets):
            over = at + 1
            if ops[at] in _OPPOSITES and targets[at] == at + 2 and over not in aimed and ops[over] == _JUMP:
                ops[at] = _OPPOSITES[ops[at]]
                targets[at] = targets[over]
                needless.add(over)
        return needless

    def _join(self, at: int, target: int) -> bool:
        """Join a jump that keeps its value to the jump on that value which it leads to; say whether it could."""
        dropping, opposite = _KEEPING[self.ops[at]]
        found = self.ops[target]
        if found == self.ops[at]:
            self.targets[at] = self.targets[target]
        elif found == dropping:
            self.ops[at], self.targets[at] = dropping, self.targets[target]
        elif found in (opposite, _OPPOSITES[dropping]):
            self.ops[at], self.targets[at] = dropping, target + 1
        else:
            return False
        return True

    def _drop(self) -> None:
        """Take out instructions that change nothing: what only names or documents a class, annotations of functions."""
        dropped = self._thread() if self.targets else set()
        for at, op in enumerate(self.ops):
            if op == _STORE_NAME and at and self.ops[at - 1] in _CONSTANTS:
                if self.code.co_names[self.args[at]] in _UNSEEN_CLASS_NAMES:
                    dropped |= {at - 1, at}
            elif op == _MAKE_FUNCTION:
                dropped |= self._annotations(at)
        if not dropped:
            return
        moved: list[int] = []
        kept: list[int] = []
        for at in range(len(self.ops)):
            moved.append(len(kept))
            if at not in dropped:
                kept.append(at)
        moved.append(len(kept))
        self.targets = {moved[at]: moved[target] for at, target in self.targets.items() if at not in dropped}
        self.places = [moved[place] for place in self.places]
        self.ops, self.args = [self.ops[at] for at in kept], [self.args[at] for at in kept]

    def _annotations(self, at: int) -> set[int]:
        """Return where the annotations of the function made at `at` are built, unless something may read them."""
        after, dropped = at + 1, set()
        closure, annotated = self.args[at] & 8, self.args[at] & 4
        while after < len(self.ops) and self.ops[after] == _SET_ATTRIBUTE:
            closure |= self.args[after] & 8
            if self.args[after] & 4:
                annotated = 4
                dropped.add(after)
            after += 1
        if not annotated or after >= len(self.ops) or self.ops[after] not in _STORES:
            return set()
        end = at - 2
        if closure:
            end -= self.args[end] + 1
        start = self._start_of_value(end)
        if start is None:
            return set()
        if _SET_ATTRIBUTE < 0:
            self.args[at] &= ~4
        return dropped | set(range(start, end + 1))

    def _start_of_value(self, at: int) -> int | None:
        wanted = 1
        while at >= 0:
            op = self.ops[at]
            takes = self.args[at] if op == _BUILD_TUPLE else _ANNOTATION_OPS.get(op)
            if takes is None:
                return None
            wanted += takes - 1
            if not wanted:
                return at
            at -= 1
        return None

    def _number(self) -> list[int]:
        """Return the instructions with constants and names numbered by first use, noting what is loaded on the way."""
        code, ops, args, kinds = self.code, self.ops, self.args, _KINDS
        self.constants: list[str] = []
        self.names: list[str] = []
        self.kept_code: set[CodeType] = set()
        constants: dict[int, int] = {}
        names: dict[int, int] = {}
        stream: list[int] = []
        self._note_imports()
        watched = {*self.found.aliases, *code.co_freevars}
        for at, op in enumerate(ops):
            arg, kind = args[at], kinds[op]
            if kind == _CONST:
                number = constants.get(arg)
                if number is None:
                    number = constants[arg] = len(constants)
                    value = code.co_consts[arg]
                    self.constants.append(constant_token(value))
                    if type(value) is CodeType:
                        self.kept_code.add(value)
                arg = number
            elif kind == _NAME:
                shift = _SHIFTS.get(op, 0)
                index = arg >> shift
                number = names.get(index)
                if number is None:
                    number = names[index] = len(names)
                    self.names.append(code.co_names[index])
                if op in _GLOBALS:
                    self._note("global", code.co_names[index], at)
                arg = number << shift | arg & ((1 << shift) - 1)
            elif at in self.targets:
                arg = self.targets[at] - at
            elif watched and kind >= _LOCAL:
                for name in self._locals(at):
                    if name in watched and op in _LOCAL_LOADS:
                        self._note("local", name, at)
            stream.append(op)
            stream.append(arg)
        return stream

    def _note(self, root: str, name: str, at: int) -> None:
        attributes = []
        at += 1
        while at < len(self.ops) and self.ops[at] in _ATTRIBUTES:
            attributes.append(self._name(at))
            at += 1
        text = self.code.co_consts[self.args[at]] if at < len(self.ops) and self.ops[at] == _LOAD_CONST else None
        self.found.references.append(Reference(root, name, tuple(attributes), text if type(text) is str else None))

    def _name(self, at: int) -> str:
        name: str = self.code.co_names[self.args[at] >> _SHIFTS.get(self.ops[at], 0)]
        return name

    def _locals(self, at: int) -> tuple[str, ...]:
        arg, code = self.args[at], self.code
        every = (
            code.co_varnames
            + tuple(name for name in code.co_cellvars if name not in code.co_varnames)
            + code.co_freevars
        )
        return every[arg : arg + 1]

    def _note_imports(self) -> None:
        if _IMPORT_NAME not in self.ops:
            return
        for at, op in enumerate(self.ops):
            if op == _IMPORT_NAME:
                self._note_import(at)

    def _note_import(self, at: int) -> None:
        module = self._name(at)
        level = self.args[at - 2] if self.ops[at - 2] == _SMALL_INT else self.code.co_consts[self.args[at - 2]]
        taken = self.code.co_consts[self.args[at - 1]] or ()
        self.found.imports.append(Import(module, level, tuple(taken)))
        at += 1
        attribute = None
        dotted = False
        while at < len(self.ops):
            op = self.ops[at]
            if op == _IMPORT_FROM:
                attribute = self._name(at) if taken else None
                dotted = not taken
            elif op in _STORES:
                name = self._name(at) if _KINDS[op] == _NAME else self._locals(at)[0]
                self.found.aliases.setdefault(name, set()).add(Alias(module, level, attribute, dotted))
                if not taken:
                    return
            elif op not in _BETWEEN_IMPORT_AND_STORE:
                return
            at += 1

    def _handlers(self) -> list[list[int]]:
        """Return the exception table with places of instructions instead of offsets in bytes."""
        table, numbers = iter(self.code.co_exceptiontable), []
        for byte in table:
            number = byte & 63
            while byte & 64:
                byte = next(table)
                number = number << 6 | byte & 63
            numbers.append(number)
        handlers: list[list[int]] = []
        for start, length, target, depth in zip(*[iter(numbers)] * 4, strict=True):
            found = [self.places[start], self.places[start + length], self.places[target], depth]
            if handlers and handlers[-1][1:] == [found[0], *found[2:]]:
                handlers[-1][1] = found[1]
            elif found[0] != found[1]:
                handlers.append(found)
        return handlers
