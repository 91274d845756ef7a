"""What Envoy counts becomes a part of a reading."""

from modelyard_deploy.router.admin import Bucket
from modelyard_deploy.router.readings import revision_statistics


def test_what_envoy_counts_becomes_a_reading() -> None:
    numbers = {"upstream_rq_2xx": "7", "upstream_rq_5xx": "2", "upstream_rq_retry": "1", "upstream_rq_active": "3"}
    buckets = [Bucket(lower_bound=0, width=0, count=5), Bucket(lower_bound=120, width=10, count=4)]

    read = revision_statistics("1", numbers, buckets)

    assert (read.total, read.failed, read.retries, read.active) == (9, 2, 1, 3)
    assert read.latencies.counts == {0.001: 5, 0.13: 4}
