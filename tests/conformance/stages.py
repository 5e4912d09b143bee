"""The sandboxes that the tests share, each with a client. They are started when they are first asked for."""

import functools
import pathlib
from types import SimpleNamespace

import calling
import program

# So many times as fast as the machine's is the clock of the shipped world: what takes seconds there is over soon.
SPEED = "60"
# The studio of the shipped world, and the one that stands still.
SHIPPED = "us-west-2:stid-EXAMPLE11111"
STEADY = "us-west-2:stid-STEADY"

_RUNNING = []


@functools.cache
def shipped():
    """The studio that the program ships, under a fast clock."""
    return _start("--speed", SPEED)


@functools.cache
def steady():
    """The studio of `steady.toml`, where whatever is in progress stays so."""
    return _start("--world", str(pathlib.Path(__file__).with_name("steady.toml")))


def close():
    while _RUNNING:
        _RUNNING.pop().close()


def _start(*arguments):
    running = program.Program(*arguments)
    _RUNNING.append(running)
    return SimpleNamespace(program=running, client=calling.connect(running.endpoint))
