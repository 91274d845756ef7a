"""A real browser, driven through pipes by the DevTools protocol: https://chromedevtools.github.io/devtools-protocol."""

import fcntl
import json
import os
import select
import subprocess
import time

_OPTIONS = [
    "--no-sandbox",  # root has none, and the pages are ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
]
_START = 'read=$1 write=$2; shift 2; exec "$@" 3<&"$read" 4>&"$write"'  # the browser's pipes are 3 and 4


class Browser:
    """A browser with a profile of its own in `place`, and one page in it.

    Attributes
    ----------
    complaints
        What the page's script threw, and what the browser refused to do.
    """

    def __init__(self, program, place):
        ends = [_high(end) for end in (*os.pipe(), *os.pipe())]
        theirs_in, self._out, self._in, theirs_out = ends
        command = ["bash", "-c", _START, "bash", str(theirs_in), str(theirs_out), program, *_OPTIONS]
        self._log = (place / "browser.log").open("wb")
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={place / 'profile'}"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "HOME": str(place)},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._number = 0
        self._session = {}
        self._loaded = False
        self.complaints = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url):
        """Load a page."""
        self._loaded = False
        self._call("Page.navigate", url=url)
        end = time.monotonic() + 90
        while not self._loaded:
            self._note(self._message(end))

    def run(self, script):
        """Run JavaScript in the page; its value."""
        done = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def until(self, script, timeout=60):
        """Wait until JavaScript has a value that is true; that value."""
        end = time.monotonic() + timeout
        while not (value := self.run(script)):
            assert time.monotonic() < end, script
            time.sleep(0.02)
        return value

    def close(self):
        """End the browser."""
        try:
            self._session = {}
            self._call("Browser.close")
            self._process.wait(60)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait(5)
            os.close(self._in)
            os.close(self._out)
            self._log.close()

    def _call(self, method, **parameters):
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._out, json.dumps(asked).encode() + b"\0")
        end = time.monotonic() + 90
        while (message := self._message(end)).get("id") != self._number:
            self._note(message)
        assert "error" not in message, message
        return message["result"]

    def _message(self, end):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser says nothing"
            part = os.read(self._in, 1 << 16)
            assert part, "the browser is gone"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def _note(self, message):
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                self.complaints.append(message["params"]["exceptionDetails"])
            case "Log.entryAdded" if message["params"]["entry"]["source"] != "network":  # an answer 401 is one too
                self.complaints.append(message["params"]["entry"])


def _high(end):
    """Move an end of a pipe to where it is in nobody's way."""
    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(end)
    return moved
