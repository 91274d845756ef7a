"""Load a server from one core: a fixed number of connections, closed loop or a schedule fixed in advance.

Latencies count from the time at which a request was meant to be sent, so that a stalled server cannot hide. Every
answer must have the status 200; the first and each `sample`-th are kept whole, for whoever started this to compare.
"""

import base64
import gc
import json
import random
import re
import select
import socket
import sys
import time
from array import array
from collections import deque
from pathlib import Path

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
TRIES = 3
LEAST_SAMPLES, MOST_SAMPLES = 10, 20_000
GRACE = 10
"""Seconds to wait for the last answers."""


class Connection:
    """A connection, and the request that is under way on it; it is opened when it is first needed."""

    def __init__(self):
        self.socket = None
        self.number = -1
        self.intended = self.freed = 0.0
        self.received = b""
        self.tries = 0

    def end(self):
        """Forget the request that was under way."""
        self.number, self.received, self.freed = -1, b"", time.perf_counter()


class Client:
    """Sends, receives, and remembers how long it took."""

    def __init__(self, given):
        folder = Path(given["requests"])
        self.requests = [(folder / f"request-{number}").read_bytes() for number in range(given["count"])]
        self.address = ("127.0.0.1", given["port"])
        self.sample, self.seconds, self.most = given["sample"], given["seconds"], given["most"]
        self.latencies, self.samples = array("d"), []
        self.sent = self.failed = 0
        self.connections = [Connection() for _ in range(given["connections"])]
        self.idle = deque(self.connections)
        self.by_number = {}
        self.poll = select.epoll()

    def begin(self, intended):
        one = self.idle.popleft()
        one.number = self.sent % len(self.requests)
        one.intended = intended
        one.tries = 0
        self.sent += 1
        self.ask(one)

    def ask(self, one):
        if one.socket is None:
            self.connect(one)
        whole = self.requests[one.number]
        try:
            if one.socket.send(whole) != len(whole):
                raise SystemExit("a request does not fit the socket's buffer")
        except ConnectionError:
            self.lost(one)

    def finish(self, events):
        clock = time.perf_counter
        for number, _ in events:
            one = self.by_number[number]
            try:
                data = one.socket.recv(262144)
            except ConnectionError:
                data = b""
            if not data:
                self.lost(one)
                continue
            if one.received:
                data = one.received + data
            end = data.find(b"\r\n\r\n")
            if end < 0 or (size := body_size(data, end)) is None or len(data) < end + 4 + size:
                one.received = data
                continue
            self.latencies.append(clock() - one.intended)
            self.answered(one, data, end)
            if CLOSE.search(data, 0, end + 2):
                self.disconnect(one)
            one.end()
            self.idle.append(one)

    def answered(self, one, data, end):
        if not data.startswith(b"HTTP/1.1 200"):
            self.failed += 1
        few = len(self.samples) < LEAST_SAMPLES
        if few or (len(self.latencies) % self.sample == 0 and len(self.samples) < MOST_SAMPLES):
            self.samples.append((one.number, plain(data[end + 4 :])))

    def connect(self, one):
        one.socket = socket.create_connection(self.address)
        one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.by_number[one.socket.fileno()] = one
        self.poll.register(one.socket.fileno(), select.EPOLLIN)

    def disconnect(self, one):
        self.poll.unregister(one.socket.fileno())
        del self.by_number[one.socket.fileno()]
        one.socket.close()
        one.socket = None

    def lost(self, one):
        """Ask again on a new connection after the server has closed one without a word, a few times."""
        self.disconnect(one)
        if one.number < 0:
            return
        one.tries += 1
        if one.received or one.tries > TRIES:
            self.failed += 1
            one.end()
            self.idle.append(one)
        else:
            self.ask(one)

    def closed(self):
        """Send on every connection as soon as its answer is there."""
        clock, start = time.perf_counter, time.perf_counter()
        while (now := clock()) - start < self.seconds and self.sent < self.most:
            while self.idle:
                self.begin(now)
            self.finish(self.poll.poll(0.1))
        took = clock() - start
        done = len(self.latencies)
        self.drain()
        return {"answers": done, "seconds": took}

    def open(self, schedule):
        """Send at the times of a schedule, or as soon after as a connection is free."""
        clock, start, late = time.perf_counter, time.perf_counter() + 0.01, array("d")
        for planned in schedule:
            due = start + planned
            while (now := clock()) < due or not self.idle:
                self.finish(self.poll.poll(0 if due - now < 0.002 else 0.001))
                if now - due > GRACE:
                    break
            if not self.idle:
                self.failed += 1
            else:
                late.append(now - max(due, self.idle[0].freed))
                self.begin(due)
        took = clock() - start
        self.drain()
        late = sorted(late)
        return {"answers": len(self.latencies), "seconds": took, "late": late[int(len(late) * 0.99)] if late else 0.0}

    def drain(self):
        end = time.perf_counter() + GRACE
        while len(self.idle) < len(self.connections) and time.perf_counter() < end:
            self.finish(self.poll.poll(0.1))
        self.failed += len(self.connections) - len(self.idle)


def body_size(data, end):
    """Give the length of a body; None while its last chunk is not there."""
    match = LENGTH.search(data, 0, end)
    if match is not None:
        return int(match[1])
    return len(data) - end - 4 if data.endswith(b"\r\n0\r\n\r\n") else None


def plain(body):
    """Give a body without its chunks' sizes."""
    if not body.endswith(b"\r\n0\r\n\r\n"):
        return body
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(parts)


def times(rate, seconds, *, steady, seed):
    """Give the times at which to send, in seconds from the start: evenly spaced, or as a Poisson process has them."""
    chance, due = random.Random(seed), 0.0
    while due < seconds:
        yield due
        due += 1 / rate if steady else chance.expovariate(rate)


def quantile(ordered, share):
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


given = json.loads(sys.argv[1])
client = Client(given)
gc.disable()
if given["rate"]:
    schedule = list(times(given["rate"], given["seconds"], steady=given["steady"], seed=given["seed"]))
    figures = client.open(schedule)
else:
    figures = client.closed()
ordered = sorted(client.latencies)
shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "most": 1.0}
figures |= {name: quantile(ordered, share) for name, share in shares.items()}
samples = [(number, base64.b64encode(body).decode()) for number, body in client.samples]
print(json.dumps(figures | {"failed": client.failed, "busy": time.process_time(), "samples": samples}), flush=True)
