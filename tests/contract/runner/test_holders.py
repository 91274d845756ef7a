"""Several holders of one lease, each with a clock of its own, held against a model."""

import uuid
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.contract.conftest import fresh

from modelyard.backend.backend import Backend
from modelyard.runner.errors import LeaseLostError
from modelyard.runner.holder import Holder, Lease
from modelyard.runner.lease import lease_key
from modelyard.runner.leases import fence

TTL = 10
COUNT = 3
WHO = st.integers(0, COUNT - 1)


class Holders(RuleBasedStateMachine):
    """What holders may see and do: `owner` and `token` are the truth, `looks` what each may have seen since when."""

    backend: Backend
    share_a_clock = False

    def __init__(self) -> None:
        super().__init__()
        self.key = lease_key("job", uuid.uuid4().hex)
        self.clocks = [0] * COUNT
        self.holders = [self._holder(number) for number in range(COUNT)]
        self.leases: list[Lease | None] = [None] * COUNT
        self.owner: int | None = None
        self.token = self.beat = 0
        self.looks: list[dict[tuple[int, int], int]] = [{} for _ in range(COUNT)]

    def _holder(self, number: int) -> Holder:
        which = 0 if self.share_a_clock else number
        return Holder(self.backend.leases, f"holder {number}", ttl=TTL, clock=lambda: self.clocks[which])

    def _now(self, who: int) -> int:
        return self.clocks[0 if self.share_a_clock else who]

    @rule(who=WHO, seconds=st.integers(0, 13))
    def time_goes_by(self, who: int, seconds: int) -> None:
        self.clocks[0 if self.share_a_clock else who] += seconds

    @rule(who=WHO)
    def contend(self, who: int) -> None:
        taken = self.holders[who].acquire(self.key)
        if taken is None:
            self.looks[who].setdefault((self.token, self.beat), self._now(who))
            return
        stood_still = self._now(who) - self.looks[who].get((self.token, self.beat), self._now(who))
        assert self.owner is None or stood_still >= TTL
        assert taken.token == self.token + 1
        self.leases[who], self.owner, self.token, self.beat = taken, who, taken.token, 0

    @rule(who=WHO)
    def persist(self, who: int) -> None:
        for _ in range(3):
            self.contend(who)
            if self.owner == who:
                return
            self.time_goes_by(who, TTL)
        self.contend(who)
        assert self.owner == who

    @rule(who=WHO)
    def renew(self, who: int) -> None:
        own = self.leases[who]
        counts = self.owner == who and own is not None and not own.is_lost
        self.holders[who].renew()
        self.beat += counts

    @rule(who=WHO)
    def release(self, who: int) -> None:
        own, self.leases[who] = self.leases[who], None
        if own is not None:
            self.holders[who].release(own)
            self.owner = None if own.token == self.token else self.owner

    @rule(who=WHO)
    def write(self, who: int) -> None:
        own = self.leases[who]
        if own is not None:
            assert self._may_write(own.token) == (own.token == self.token and self.owner is not None)

    @rule(token=st.integers(0, 20))
    def write_with_any_token(self, token: int) -> None:
        assert self._may_write(token) == (token == self.token and self.owner is not None)

    @invariant()
    def one_at_most_believes_that_it_holds(self) -> None:
        if self.share_a_clock:
            assert sum(own is not None and not own.is_lost for own in self.leases) <= 1

    def _may_write(self, token: int) -> bool:
        database = self.backend.leases._store.database
        try:
            with database.write():
                fence(database, self.key, token)
        except LeaseLostError:
            return False
        return True


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with fresh(request.param, request, tmp_path_factory.mktemp("holders")) as opens:
        backend = opens()
        yield backend
        backend.close()


@pytest.mark.parametrize("shared", [False, True], ids=["clocks of their own", "one clock"])
def test_holders_do_as_the_model_says(standing: Backend, shared: bool) -> None:
    class Tried(Holders):
        backend = standing
        share_a_clock = shared

    settings = hypothesis.settings(max_examples=30, stateful_step_count=40)
    run_state_machine_as_test(Tried, settings=settings)
