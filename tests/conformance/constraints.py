"""The constraints of the model, as requests that break one of them, or only just do not."""

import copy
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, StructureShape

# What takes the place of a value that is left out.
ABSENT = object()

# For each pattern of the model's inputs, text of a length that fits it, and texts that do not.
_PATTERNS = {
    r"^[a-zA-Z0-9-_]*$": (
        lambda length: "a-_9"[: length % 4] + "Z" * (length - length % 4),
        ["a b", "ä", "a/b", "a.b"],
    ),
    r"^2021\-03\-31$": (lambda length: "2021-03-31" if length == 10 else None, ["2021-03-3", "2020-08-01", ""]),
    r"^(\$HOME|/)[/]?([A-Za-z0-9-_]+/)*([A-Za-z0-9_-]+)$": (
        lambda length: "/" + "a" * (length - 1) if length > 1 else None,
        ["uploads", "/", "/a/", "/a//b", "///a", "$HOME", "/a b", "C:\\a"],
    ),
    r"^((\%HOMEPATH\%)|[a-zA-Z]:)[\\/](?:[a-zA-Z0-9_-]+[\\/])*[a-zA-Z0-9_-]+$": (
        lambda length: "C:\\" + "a" * (length - 3) if length > 3 else None,
        ["uploads", "C:", "C:\\", "C:\\a\\", "CC:\\a", "%HOMEPATH%", "\\a", "$HOME/a"],
    ),
}


@dataclass(frozen=True)
class Case:
    """A value in one place of a request, and whether the model allows it."""

    path: tuple
    what: str
    value: Any
    allowed: bool
    # The place that a refusal names.
    place: str

    def put(self, request):
        """Puts the value into a request that is valid without it."""
        holder = request
        for step in self.path[:-1]:
            holder = holder[step]
        if self.value is ABSENT:
            del holder[self.path[-1]]
        else:
            holder[self.path[-1]] = self.value


def of_body(shape, value, path=()):
    """Cases for a structure of the body, of which `value` is a valid one with every member."""
    yield Case((*path, "colour"), "a member that is not in the model", "red", False, _place((*path, "colour")))
    for name, member in shape.members.items():
        if not member.serialization.get("location"):
            here = (*path, name)
            required = name in shape.required_members
            yield Case(here, "absent", ABSENT, not required, _place(here))
            yield Case(here, "null", None, not required, _place(here))
            yield from _of_value(member, value[name], here)


def of_query(shape, name):
    """Cases for a parameter of a query: what cannot be told apart as text is left out."""
    kind = int if shape.type_name == "integer" else str
    for case in _of_value(shape, None, (name,)):
        values = case.value if isinstance(case.value, list) else [case.value]
        is_list = isinstance(case.value, list)
        if values and is_list == isinstance(shape, ListShape) and all(type(value) is kind for value in values):
            yield case
    if kind is int:
        yield from (Case((name,), f"{text!r}", text, False, name) for text in ("", "many", "1.5", "0x10"))


def _of_value(shape, value, path):
    yield from (Case(path, f"{wrong!r}", wrong, False, _place(path)) for wrong in _of_another_type(shape))
    if isinstance(shape, StructureShape):
        yield from of_body(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _of_list(shape, value, path)
    elif isinstance(shape, MapShape):
        yield Case((*path, "key"), "a number", 1, False, _place((*path, "key")))
    elif shape.type_name == "integer":
        yield from _of_integer(shape, path)
    else:
        yield from _of_text(shape, path)


def _of_another_type(shape):
    wrong = {"structure": ["text", [], 1], "list": ["text", {}], "map": ["text", []], "string": [1, True, [], {}]}
    return copy.deepcopy(wrong.get(shape.type_name, ["3000", True, 3000.5, []]))


def _of_list(shape, value, path):
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    item = value[0] if value else _valid_text(shape.member)
    yield Case(path, f"{least} items", [item] * least, True, _place(path))
    if least:
        yield Case(path, f"{least - 1} items", [item] * (least - 1), False, _place(path))
    if most:
        yield Case(path, f"{most} items", [item] * most, True, _place(path))
        yield Case(path, f"{most + 1} items", [item] * (most + 1), False, _place(path))
    if value is None:
        yield from (
            Case(path, f"an item that is {case.what}", [case.value], case.allowed, _place((*path, 0)))
            for case in _of_value(shape.member, None, ())
        )
    else:
        yield Case((*path, 0), "null", None, False, _place((*path, 0)))
        yield from _of_value(shape.member, value[0], (*path, 0))


def _of_integer(shape, path):
    least, most = shape.metadata["min"], shape.metadata["max"]
    for number in (least, most, least - 1, most + 1):
        yield Case(path, f"{number}", number, least <= number <= most, _place(path))


def _of_text(shape, path):
    if shape.enum:
        yield from (Case(path, name, name, True, _place(path)) for name in shape.enum)
        yield from (
            Case(path, f"{name!r}", name, False, _place(path))
            for name in ("NO_SUCH_NAME", shape.enum[0].swapcase(), "")
        )
        return
    for text in _PATTERNS[shape.metadata["pattern"]][1] if "pattern" in shape.metadata else []:
        yield Case(path, f"{text!r}, which is not like the pattern", text, False, _place(path))
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    for length, allowed in ((least, True), (most, True), (least - 1, False), (most and most + 1, False)):
        text = None if length is None or length < 0 else _text(shape, length)
        if text is None and not allowed and length is not None and length >= 0:
            # No text of this length fits the pattern either.
            text = "a" * length
        if text is not None:
            yield Case(path, f"{length} characters", text, allowed, _place(path))


def _valid_text(shape):
    return shape.enum[0] if shape.enum else _text(shape, 10)


def _text(shape, length):
    """Text of a length that fits the shape's pattern, where there can be one."""
    pattern = shape.metadata.get("pattern")
    return _PATTERNS[pattern][0](length) if pattern else "ä" * length


def _place(path):
    place = ""
    for step in path:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else step
    return place
