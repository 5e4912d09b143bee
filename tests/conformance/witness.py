"""Stands between botocore and the wire: reads each request and each answer as they are there, holds them to the
model, and notes which members of it were exercised. A request counts when it is accepted."""

import json
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.model import ListShape

import model

# What a caller may be told although no operation's model lists it: the protocol's own errors, by their status codes.
COMMON_ERRORS = {
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
    "NotImplementedException": 501,
}


class Exercised:
    """What of the model was exercised: operations, and members as `Shape.member`."""

    def __init__(self):
        self.operations = set()
        self.sent = set()
        self.seen = set()


EXERCISED = Exercised()


def attach(client):
    """Watches whatever the client does."""
    sent = {}

    def before_send(request, **_):
        sent["request"] = request

    def before_parse(operation_model, response_dict, **_):
        _judge(operation_model, sent["request"], response_dict)

    client.meta.events.register("before-send.nimble", before_send)
    client.meta.events.register("before-parse.nimble", before_parse)


def _judge(operation, request, answer):
    status, body = answer["status_code"], answer["body"]
    _expect(answer["headers"].get("x-amzn-requestid"), operation, "an answer without a request id")
    if status >= 400:
        _judge_error(operation, status, answer["headers"], body)
        return
    _expect(status == operation.http["responseCode"], operation, f"status {status}")
    # botocore takes what is no JSON for an answer without members, so that it has to be read here.
    output = {} if status == 204 else json.loads(body)
    _expect(status != 204 or not body, operation, f"status 204 with a body: {body!r}")
    _expect_none(model.mistakes(operation.output_shape, output), operation, "the answer")
    sent = read_request(operation, request)
    _expect_none(model.mistakes(operation.input_shape, sent), operation, "what was accepted")
    EXERCISED.operations.add(operation.name)
    EXERCISED.sent.update(model.present(operation.input_shape, sent))
    EXERCISED.seen.update(model.present(operation.output_shape, output))


def _judge_error(operation, status, headers, body):
    if "json" not in headers.get("content-type", ""):
        return
    name = headers.get("x-amzn-errortype")
    shapes = {shape.name: shape for shape in operation.error_shapes}
    if name in COMMON_ERRORS:
        _expect(status == COMMON_ERRORS[name], operation, f"{name} with status {status}")
        return
    _expect(name in shapes, operation, f"an error that it does not have: {name}")
    shape = shapes[name]
    modelled = shape.metadata["error"]["httpStatusCode"]
    _expect(status == modelled, operation, f"{name} with status {status} in place of {modelled}")
    output = json.loads(body)
    _expect_none(model.mistakes(shape, output), operation, name)
    EXERCISED.seen.update(model.present(shape, output))


def read_request(operation, request):
    """A request's members, from the bytes on the wire."""
    url = urlsplit(request.url)
    labels = re.findall(r"{(\w+)}", operation.http["requestUri"])
    template = re.sub(r"{\w+}", "([^/]+)", operation.http["requestUri"])
    found = re.fullmatch(template, url.path)
    _expect(found, operation, f"{url.path} does not follow {operation.http['requestUri']}")
    sent = dict(zip(labels, map(unquote, found.groups())))
    for name, value in parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)):
        shape = operation.input_shape.members.get(name)
        if isinstance(shape, ListShape):
            sent.setdefault(name, []).append(value)
        else:
            sent[name] = int(value) if shape and shape.type_name == "integer" else value
    for name, shape in operation.input_shape.members.items():
        if shape.serialization.get("location") == "header":
            value = request.headers.get(shape.serialization["name"])
            if value is not None:
                sent[name] = value.decode() if isinstance(value, bytes) else value
    if request.body:
        sent.update(json.loads(request.body))
    return sent


def _expect(condition, operation, what):
    if not condition:
        raise AssertionError(f"{operation.name}: {what}")


def _expect_none(mistakes, operation, what):
    _expect(not mistakes, operation, f"{what} breaks the model: {'; '.join(mistakes)}")
