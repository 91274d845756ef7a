"""R24: three times what the server does: it goes on doing its most, and refuses the rest at once."""

from msgspec import Struct
from tests.integration.scoring.scenarios.nonces import check, make
from tests.integration.scoring.scenarios.processes import held
from tests.integration.scoring.scenarios.report import Report
from tests.integration.scoring.scenarios.traffic import Load, drive, most


class Overload(Struct, frozen=True, kw_only=True):
    """What was seen. Rates are answers with 200 a second.

    Parameters
    ----------
    refusal
        The time by which 99 of 100 refusals were there, in seconds since their request was sent.
    calm_p99, recovered_p99
        Latency at a third of capacity before, and from `recovery` seconds after the overload on.
    """

    capacity: float
    offered: float
    goodput: float
    refusal: float
    calm_p99: float
    recovered_p99: float
    grown: int
    report: Report


def overload(port: int, pid: int, *, seconds: float, factor: float = 3.0, recovery: float = 1.0) -> Overload:
    """Send `factor` times the capacity for some seconds, and a third of it before and after."""
    load = Load(make=make, check=check, connections=2000)
    few = Load(make=make, check=check, connections=64)
    share = max(1.0, seconds / 6)
    capacity = most(port, few, 64, share)
    calm = drive(port, few, capacity / 3, share)
    before = held(pid).memory
    storm = drive(port, load, factor * capacity, seconds)
    grown = held(pid).memory - before
    drive(port, few, capacity / 3, recovery)
    recovered = drive(port, few, capacity / 3, share)
    done = [record for record in storm.of(200).records if record.ended <= seconds]
    return Overload(
        capacity=capacity,
        offered=storm.rate(),
        goodput=len(done) / seconds,
        refusal=storm.of(503).latency(0.99, since="sent"),
        calm_p99=calm.assert_all_answered().latency(0.99),
        recovered_p99=recovered.assert_all_answered().latency(0.99),
        grown=grown,
        report=storm,
    )


def assert_calm(found: Overload, *, goodput: float, refusal: float, samples: int, offered: float = 2.0) -> None:
    """Claim that the most was done, and that refusals were quick and said when to try again."""
    found.report.assert_min_samples(samples).assert_only(200, 503).assert_right()
    refused = found.report.of(503).assert_min_samples(samples // 4)
    assert all(record.polite for record in refused.records), "a refusal without retry-after"
    assert found.offered >= offered * found.capacity, found
    assert found.goodput >= goodput * found.capacity, found
    assert found.refusal <= refusal, found
    assert found.grown <= 64 * 2**20, found
