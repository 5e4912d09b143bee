"""botocore's client for a sandbox, and ways to call it that it does not have by itself."""

import contextlib
import json
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

import program
import witness

# How long its waiters wait between two looks, in place of the seconds of the model: the sandbox's clock is fast.
LOOK_AGAIN = {"Delay": 0.02}
# The waiters that were waited with.
WAITED = set()


def connect(endpoint, access_key=program.ACCESS_KEY, secret=program.SECRET, **config):
    """A client that checks no parameters by itself and, unless told otherwise, tries once."""
    config.setdefault("retries", {"total_max_attempts": 1})
    client = botocore.session.Session().create_client(
        "nimble",
        region_name="us-west-2",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(parameter_validation=False, **config),
    )
    witness.attach(client)
    return client


def call(client, operation, **parameters):
    """Calls an operation by its name in the model."""
    return getattr(client, xform_name(operation))(**parameters)


def refusal(client, operation, **parameters):
    """The error that a call is answered with."""
    try:
        call(client, operation, **parameters)
    except ClientError as error:
        return error
    raise AssertionError(f"{operation} was not refused: {parameters}")


def code(error):
    return error.response["Error"]["Code"]


def context(error, name):
    """What an error says of the resource or parameter that it is about."""
    return error.response.get("context", {}).get(name)


class Draft:
    """A request before it is signed, for what botocore would never send."""

    def __init__(self, request):
        url = urlsplit(request["url"])
        self.query = parse_qsl(url.query, keep_blank_values=True)
        self.headers = request["headers"]
        self.body = json.loads(request["body"] or "{}")
        # Takes the place of the body, where it is not JSON.
        self.text = None

    def apply(self, request):
        url = urlsplit(request["url"])
        query = urlencode(self.query, quote_via=quote)
        request["url"] = urlunsplit(url._replace(query=query))
        if self.text is not None:
            request["body"] = self.text.encode()
        elif self.body or request["body"]:
            request["body"] = json.dumps(self.body).encode()


@contextlib.contextmanager
def redrafted(client, change):
    """Each request is changed by `change(draft)` before it is signed."""

    def before_call(params, **_):
        draft = Draft(params)
        change(draft)
        draft.apply(params)

    client.meta.events.register("before-call.nimble", before_call)
    try:
        yield
    finally:
        client.meta.events.unregister("before-call.nimble", before_call)


def wait(client, waiter, **parameters):
    """Waits with one of botocore's own waiters, for as many looks as the model has it."""
    WAITED.add(waiter)
    client.get_waiter(waiter).wait(WaiterConfig=LOOK_AGAIN, **parameters)


def all_of(client, operation, **parameters):
    """All items of a list, by botocore's own paginator."""
    paginator = client.get_paginator(xform_name(operation))
    (key,) = [expression.expression for expression in paginator.result_keys]
    return paginator.paginate(**parameters).build_full_result().get(key, [])
