"""Random requests to models of random signatures, and whether each answer is what the oracle says."""

import json
import math
import random
import socket

import numpy as np
from tests.integration.scoring.scenarios import bodies, oracle
from tests.integration.scoring.scenarios.wire import Answer, post, take

MAX_ROWS = 7
STATUS = {"too-many-rows": 413}


class Chance(random.Random):
    """Chance; `just` is the size, within one request, of what has no fixed size."""

    just = 2


def models(save, count, seed):
    """Make models of random signatures, each with a sample, so that its requests are joined."""
    made = {}
    for number in range(count):
        chance = Chance(f"{seed} {number}")
        signed = bodies.signature(chance)
        sample = None
        while sample is None or "_out" not in str(sample["answer"]):
            request = bodies.document(chance, signed, 2)
            said = oracle.verdict(signed, json.dumps(request).encode(), MAX_ROWS)
            sample = {"request": request, "answer": said.outputs}
        made[f"m{number}"] = (bodies.model(save, signed), signed, sample if number % 4 else None)
    return made


def judge(port, made, count, seed):
    """Send `count` requests, many at once on one connection; give what was wrong, and how many were right requests."""
    chance, wrong, right = Chance(seed), [], 0
    for _ in range(count // 50):
        name = chance.choice(list(made))
        signed = made[name][1]
        sent = []
        for _ in range(50):
            chance.just = chance.choice([1, 2, 2, 3])
            sent.append(bodies.body(chance, signed, MAX_ROWS))
        for body, answer in zip(sent, exchange(port, name, sent), strict=True):
            said = oracle.verdict(signed, body, MAX_ROWS)
            right += said.outputs is not None
            if (why := mistake(signed, said, answer)) is not None:
                wrong.append((name, signed, body, why))
    return wrong, right


def exchange(port, name, sent):
    """Send bodies without waiting in between; as many answers."""
    data = b"".join(post(body, f"/score/{name}") for body in sent)
    buffer, answers = bytearray(), []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(data)
        while len(answers) < len(sent):
            while (answer := take(buffer)) is not None:
                answers.append(answer)
            part = client.recv(1 << 18) if len(answers) < len(sent) else b"."
            assert part, f"closed after {len(answers)} of {len(sent)}: {sent[len(answers)]!r}"
            buffer += part
    return answers


def mistake(signed, said, answer: Answer):
    """Say what is wrong with an answer; None where nothing is."""
    got = json.loads(answer.body, parse_constant=_no_number)
    if said.outputs is not None:
        same = answer.status == 200 and set(got) == set(said.outputs)
        kinds = {f"{one['name']}_out": one["type"] for one in signed["inputs"]}
        same = same and all(equal(kinds[name], values, got[name]) for name, values in said.outputs.items())
        return None if same else f"{answer.status} {answer.body[:300]!r}, wanted {str(said.outputs)[:300]}"
    for fault in said.faults:
        place = {"row": fault.row, "column": fault.column}
        named = all(got.get(name) == value for name, value in place.items() if value is not None)
        if named and got.get("code") == fault.code and answer.status == STATUS.get(fault.code, 400):
            return None
    return f"{answer.status} {answer.body[:300]!r}, wanted one of {list(said.faults)[:5]}"


def _no_number(name):
    raise AssertionError(f"{name} is not JSON")


def equal(kind, wanted, got):
    """Compare values as the output's type holds them."""
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(got) != len(wanted):
            return False
        return all(equal(kind, *pair) for pair in zip(wanted, got, strict=True))
    if wanted is None or not kind.startswith("float"):
        return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)
    return isinstance(got, int | float) and float(np.dtype(kind).type(got)) == wanted and math.isfinite(got)
