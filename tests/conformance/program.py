"""The program under test: `lightsout sandbox`, as a process of its own, and the sandbox's own door."""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import urllib.request

# What a start, or an answer at the door, may take before it counts as hanging.
HANGING_SECS = 60

# The one key with which requests are signed, and who its holder is.
ACCESS_KEY = "AKIDCONFORMANCE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PRINCIPAL = "AROACONFORMANCE:botocore"


class Program:
    """A sandbox that runs, on a port of its own, until it is closed. It takes signed requests only."""

    def __init__(self, *arguments):
        command = [
            binary(),
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--access-key",
            f"{ACCESS_KEY}={PRINCIPAL}",
            *arguments,
        ]
        self._said = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, "LIGHTSOUT_SANDBOX_SECRET": SECRET},
        )
        ready, _, _ = select.select([self._process.stdout], [], [], HANGING_SECS)
        # The first line is the address, as soon as it can be called.
        self.endpoint = self._process.stdout.readline().strip() if ready else ""
        if not self.endpoint:
            self.close()
            self._said.seek(0)
            raise RuntimeError(f"{' '.join(command)} does not serve: {self._said.read()}")

    def close(self):
        self._process.terminate()
        self._process.wait(HANGING_SECS)
        self._process.stdout.close()

    @contextlib.contextmanager
    def faults(self, plan):
        """The rules of a fault plan are in force."""
        added = self._ask("POST", "/_sandbox/faults", plan)["added"]
        try:
            yield
        finally:
            for rule in added:
                self._ask("DELETE", f"/_sandbox/faults/{rule}")

    @contextlib.contextmanager
    def watched(self):
        """A list that holds, at the end, what the log says of the requests made meanwhile."""
        self._ask("DELETE", "/_sandbox/requests")
        requests = []
        yield requests
        requests.extend(self._ask("GET", "/_sandbox/requests?last=1000")["requests"])

    def _ask(self, method, path, body=None):
        data = None if body is None else body.encode()
        request = urllib.request.Request(self.endpoint + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=HANGING_SECS) as answer:
            return json.load(answer)


def binary():
    path = os.environ.get("LIGHTSOUT", "")
    if not os.access(path, os.X_OK):
        raise SystemExit(
            f"LIGHTSOUT names the program to test: {path!r} is none; build it, and use target/debug/lightsout"
        )
    return path
