"""Policies that decide within seconds."""

from typing import Any

from msgspec.structs import replace

from modelyard.services.policy import Policy

CALM = {"slower": 50.0}
"""For rollouts of what is as good: machines that run tests stand still now and then."""


def quick(policy: Policy, **changes: Any) -> Policy:
    """Have a policy decide by few answers, and keep nothing running afterwards."""
    return replace(policy, **{"samples": 40, "patience": 60.0, "standby": 0.0, **CALM, **changes})
