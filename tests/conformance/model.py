"""The service's model, as botocore ships it, and what follows from it: which members there are, and what may stand
in them."""

import re

import botocore.session
from botocore.model import ListShape, MapShape, StructureShape

SERVICE = botocore.session.get_session().get_service_model("nimble")

# The operations that the sandbox serves.
OPERATIONS = """
    CreateLaunchProfile CreateStreamingSession CreateStreamingSessionStream DeleteLaunchProfile
    DeleteLaunchProfileMember DeleteStreamingSession DeleteStudioMember GetLaunchProfile GetLaunchProfileDetails
    GetLaunchProfileMember GetStreamingImage GetStreamingSession GetStreamingSessionBackup GetStreamingSessionStream
    GetStudio GetStudioComponent GetStudioMember ListLaunchProfileMembers ListLaunchProfiles ListStreamingImages
    ListStreamingSessionBackups ListStreamingSessions ListStudioComponents ListStudioMembers ListStudios
    ListTagsForResource PutLaunchProfileMembers PutStudioMembers StartStreamingSession StopStreamingSession
    TagResource UntagResource UpdateLaunchProfile UpdateLaunchProfileMember
""".split()

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def operation(name):
    return SERVICE.operation_model(name)


def members(shape, found=None):
    """Every member of a shape and of the shapes in it, as `Shape.member`."""
    found = set() if found is None else found
    for inner in _inner(shape):
        members(inner, found)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            key = f"{shape.name}.{name}"
            if key not in found:
                found.add(key)
                members(member, found)
    return found


def _inner(shape):
    if isinstance(shape, ListShape):
        return [shape.member]
    if isinstance(shape, MapShape):
        return [shape.key, shape.value]
    return []


def present(shape, value):
    """The members of a shape that are there in a value, as `Shape.member`."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield f"{shape.name}.{name}"
                yield from present(member, value[name])
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for item in value:
            yield from present(shape.member, item)


def mistakes(shape, value, path=""):
    """What is wrong with a value by the model, each with its place."""
    return list(_CHECKS[shape.type_name](shape, value, path or shape.name))


def _structure(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path} is {value!r}: it must be an object"
        return
    for name in value:
        if name not in shape.members:
            yield f"{path}.{name} is not in the model"
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name} is missing"
    if shape.metadata.get("union") and len(value) != 1:
        yield f"{path} is a union and has {sorted(value)}"
    for name, member in shape.members.items():
        if name in value:
            yield from mistakes(member, value[name], f"{path}.{name}")


def _list(shape, value, path):
    if not isinstance(value, list):
        yield f"{path} is {value!r}: it must be a list"
        return
    yield from _bounds(shape, len(value), path)
    for index, item in enumerate(value):
        yield from mistakes(shape.member, item, f"{path}[{index}]")


def _map(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path} is {value!r}: it must be an object"
        return
    for key, item in value.items():
        yield from mistakes(shape.key, key, f"{path} key {key!r}")
        yield from mistakes(shape.value, item, f"{path}.{key}")


def _string(shape, value, path):
    if not isinstance(value, str):
        yield f"{path} is {value!r}: it must be text"
        return
    yield from _bounds(shape, len(value), path)
    if shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}, which is not in {shape.name}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.search(pattern, value):
        yield f"{path} is {value!r}, which is not like {pattern}"


def _integer(shape, value, path):
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"{path} is {value!r}: it must be a whole number"
        return
    yield from _bounds(shape, value, path)


def _timestamp(shape, value, path):
    if not isinstance(value, str) or not TIMESTAMP.fullmatch(value):
        yield f"{path} is {value!r}: it must be an instant by ISO 8601"


def _bounds(shape, measure, path):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and measure < least:
        yield f"{path} has {measure}, fewer than {least}"
    if most is not None and measure > most:
        yield f"{path} has {measure}, more than {most}"


_CHECKS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "timestamp": _timestamp,
}
