"""The steps of a rollout: start, check, shift traffic stage by stage, and promote or return.

Each step finds out from the rows where the rollout is. What a step does to the router is confirmed before it is
written down, and replicas end only when it is written down that they serve no more: so whoever goes on after a killed
runner finds either the old revision serving or the new one, and never neither.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from msgspec.structs import replace

from modelyard.errors import ModelyardError
from modelyard.runner.errors import LeaseLostError
from modelyard.sdk.service.checks import answers_samples, passes_gate
from modelyard.sdk.service.held import Held
from modelyard.sdk.service.observation import Observation
from modelyard.sdk.service.replicas import Replicas
from modelyard.sdk.service.traffic import Traffic
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.judging import Verdict
from modelyard.services.policy import Stage
from modelyard.services.rollout import Failure, Rollout, RolloutState
from modelyard.services.service import Revision

LOOK = 0.25
"""Seconds between two looks at a stage."""
_KEPT = 20
"""How many judgements a rollout keeps."""


class Advancing:
    """Carries out the next step of the rollout that is under way."""

    def __init__(self, held: Held, replicas: Replicas, traffic: Traffic, observation: Observation) -> None:
        self._held = held
        self._replicas = replicas
        self._traffic = traffic
        self._observation = observation

    def step(self) -> float:
        """Carry out the next step; return the seconds until the one after it."""
        rollout = self._rollout
        if rollout.asked == "abort":
            self.end("aborted", Failure(phase="traffic", message="aborted by hand"))
            return 0.0
        try:
            return self._step(rollout)
        except LeaseLostError:
            raise
        except (ModelyardError, OSError) as error:
            if self._rollout.stage >= 0 and self._observation.bears(error):
                return LOOK
            self.end("returned", failure_of(error))
            return 0.0

    def end(self, state: RolloutState, failure: Failure, **evidence: Any) -> None:
        """Have the revision before serve alone, and give the new one up."""
        held, rollout = self._held, self._rollout
        self._observation.close()
        base = held.standing.serving
        weights = {base: 100} if base is not None else {}
        if not weights:
            self._traffic.remove()
        elif rollout.stage >= 0 and state != "superseded":
            self._traffic.apply(weights)
        now = dt.datetime.now(dt.UTC)
        reason = failure.message[:2000]
        old = held.look.revision(rollout.revision)
        facts = {"rollout": rollout.number, "revision": rollout.revision, "phase": failure.phase, "traffic": weights}
        action = {"returned": "return", "aborted": "abort", "superseded": "supersede"}[state]
        held.advance(
            standing=held.stand(traffic=weights),
            rollout=replace(rollout, state=state, reason=reason, failure=failure, changed=now),
            revisions=[replace(old, state="failed" if state == "returned" else "replaced", reason=reason, changed=now)],
            entries=[held.entry(action, {**facts, "evidence": evidence}, why=reason[:250].replace("\n", " "))],
        )

    @property
    def _rollout(self) -> Rollout:
        rollout = self._held.rollout
        if rollout is None:
            raise RuntimeError("a step of a rollout needs one that is under way")
        return rollout

    @property
    def _revision(self) -> Revision:
        return self._held.look.revision(self._rollout.revision)

    def _step(self, rollout: Rollout) -> float:
        if rollout.state == "queued":
            serving = self._held.standing.serving
            self._note(state="promoted" if serving == rollout.revision else "starting", base=serving)
        elif rollout.state == "starting":
            if self._replicas.renew(rollout.revision, self._held.info.settings.replicas):
                self._note(state="checking")
        elif rollout.state == "checking":
            self._check(rollout)
        else:
            return self._soak(rollout)
        return 0.0

    def _check(self, rollout: Rollout) -> None:
        if not self._replicas.renew(rollout.revision, self._held.info.settings.replicas):
            return
        failure, evidence = answers_samples(self._held, self._revision), dict[str, Any]()
        if failure is None and rollout.policy.gate is not None:
            failure, evidence = passes_gate(self._held, self._revision, rollout.policy.gate)
        if failure is not None:
            self.end("returned", failure, **evidence)
        elif self._has_stages(rollout):
            self._enter(0)
        else:
            self._promote()

    def _has_stages(self, rollout: Rollout) -> bool:
        """Say whether there is anything to judge: an old revision to compare with, and time to do it."""
        return rollout.base is not None and rollout.policy.stages != (Stage(weight=100),)

    def _enter(self, index: int) -> None:
        rollout = self._rollout
        if index == len(rollout.policy.stages):
            self._promote()
            return
        stage = rollout.policy.stages[index]
        now = dt.datetime.now(dt.UTC)
        weights = self._weights(stage)
        url = self._traffic.apply(weights, self._observation.copies(self._held, self._traffic, stage))
        state: RolloutState = "waiting" if rollout.policy.manual else "shifting"
        facts = {"rollout": rollout.number, "from": self._held.standing.traffic, "to": weights, "mirror": stage.mirror}
        self._held.advance(
            standing=self._held.stand(traffic=weights, url=url),
            rollout=replace(rollout, stage=index, entered=now, state=state, changed=now),
            answered=rollout.asked,
            entries=[self._held.entry("shift", facts)],
        )
        self._observation.begin(self._rollout, self._traffic)

    def _weights(self, stage: Stage) -> dict[int, int]:
        rollout = self._rollout
        if rollout.base is None:
            raise RuntimeError("a rollout with stages has a revision to compare with")
        shared = {rollout.base: 100 - stage.weight, rollout.revision: stage.weight}
        return {number: weight for number, weight in shared.items() if weight or number == rollout.base}

    def _soak(self, rollout: Rollout) -> float:
        stage = rollout.policy.stages[rollout.stage]
        if not self._observation.is_of(rollout):  # a runner before this one began it
            self._traffic.apply(self._weights(stage), self._observation.copies(self._held, self._traffic, stage))
            self._observation.begin(rollout, self._traffic)
        if rollout.asked == "promote":
            if rollout.policy.manual:
                self._enter(rollout.stage + 1)
            else:
                self._promote()
            return 0.0
        verdict = self._observation.judge(rollout, self._traffic)
        if verdict.outcome == "failed":
            self.end("returned", Failure(phase="traffic", message=verdict.reason), **verdict.evidence)
            return 0.0
        if rollout.policy.manual or not self._is_over(rollout, stage, verdict):
            return LOOK
        if verdict.outcome == "undecided" and stage.soak and rollout.policy.few == "return":
            message = f"too few answers to judge it by: {verdict.reason}"
            hint = "Ask for fewer samples (--samples), give it more --patience, or have it --few 'go on'."
            self.end("returned", Failure(phase="traffic", message=message, hint=hint), **verdict.evidence)
            return 0.0
        self._keep(rollout, verdict)
        self._enter(rollout.stage + 1)
        return 0.0

    def _is_over(self, rollout: Rollout, stage: Stage, verdict: Verdict) -> bool:
        elapsed = time.monotonic() - self._observation.since
        patience = rollout.policy.patience if verdict.outcome == "undecided" and stage.soak else 0.0
        return elapsed >= stage.soak + patience

    def _keep(self, rollout: Rollout, verdict: Verdict) -> None:
        told = {"stage": rollout.stage, "reason": verdict.reason, **verdict.evidence}
        self._note(evidence=(*rollout.evidence, told)[-_KEPT:])

    def _promote(self) -> None:
        """Have the new revision serve alone; the old one ends when this is written down."""
        held, rollout, now = self._held, self._rollout, dt.datetime.now(dt.UTC)
        self._observation.close()
        weights = {rollout.revision: 100}
        url = self._traffic.apply(weights)
        revisions = [replace(self._revision, state="running", changed=now)]
        standby = dict(held.standing.standby)
        standby.pop(rollout.revision, None)
        if rollout.base is not None:
            old = held.look.revision(rollout.base)
            revisions.append(replace(old, state="replaced", changed=now))
            if rollout.policy.standby:
                standby[old.number] = now + dt.timedelta(seconds=rollout.policy.standby)
        facts = {"rollout": rollout.number, "from": held.standing.traffic, "to": weights}
        facts |= {"image": self._revision.image, "digest": self._revision.digest, "evidence": rollout.evidence}
        held.advance(
            standing=held.stand(serving=rollout.revision, traffic=weights, url=url, standby=standby, problem=""),
            rollout=replace(rollout, state="promoted", changed=now),
            revisions=revisions,
            entries=[held.entry("promote", facts)],
        )

    def _note(self, **changes: Any) -> None:
        now = dt.datetime.now(dt.UTC)
        self._held.advance(rollout=replace(self._rollout, changed=now, **changes))


def failure_of(error: Exception) -> Failure:
    """Write down an error that ended a rollout."""
    if isinstance(error, DeploymentFailedError):
        return Failure(phase=error.phase, message=error.message, trace=error.trace, hint=error.hint)
    return Failure(phase=getattr(error, "code", "start"), message=str(error))
