"""What Envoy counts of a cluster, as a part of a reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelyard.services.statistics import Latencies, RevisionStatistics
from modelyard_deploy.router.admin import Bucket

_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


def revision_statistics(life: str, numbers: Mapping[str, str], buckets: Sequence[Bucket]) -> RevisionStatistics:
    """Make a revision's part of what Envoy counts of its cluster, by the last parts of the names."""

    def count(name: str) -> int:
        return int(numbers.get(name, 0))

    return RevisionStatistics(
        life=life,
        answers={name: count(f"upstream_rq_{name}") for name in _CLASSES},
        retries=count("upstream_rq_retry"),
        refused=count("upstream_rq_pending_overflow"),
        active=count("upstream_rq_active"),
        healthy=count("membership_healthy"),
        replicas=count("membership_total"),
        latencies=Latencies(counts=_counts(buckets)),
    )


def _counts(buckets: Sequence[Bucket]) -> dict[float, int]:
    """Take milliseconds, of which Envoy cuts the fraction off, to seconds that no answer in the bucket exceeded."""
    return {(one.lower_bound + max(one.width, 1)) / 1000: one.count for one in buckets}
