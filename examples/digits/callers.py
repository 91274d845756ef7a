"""Callers of a service: so many requests a second, whether or not the earlier ones are answered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from itertools import count
from types import TracebackType
from typing import Self

import httpx
import numpy as np

from modelyard import Service

_LONGEST = 10.0


class Callers:
    """Sends one image a request from a thread, in a ``with`` block, and counts by revision what comes back."""

    def __init__(self, service: Service, images: np.ndarray, rate: float) -> None:
        self._uri = service.scoring_uri
        self._headers = {"authorization": f"Bearer {service.get_keys()[0]}"}
        self._bodies = [{"data": [image.tolist()]} for image in images]
        self._pause = 1 / rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._call()))
        self._counts: Counter[tuple[str, bool]] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def counts(self) -> dict[str, tuple[int, int]]:
        """Give how many requests each revision answered and failed since this was asked last."""
        counts, self._counts = self._counts, Counter()
        revisions = sorted({revision for revision, _ in counts})
        return {revision: (counts[revision, True], counts[revision, False]) for revision in revisions}

    async def _call(self) -> None:
        async with (
            httpx.AsyncClient(headers=self._headers, timeout=_LONGEST, trust_env=False) as client,
            asyncio.TaskGroup() as requests,
        ):
            begun = time.monotonic()
            for number in count(1):
                if self._over.is_set():
                    return
                requests.create_task(self._request(client, self._bodies[number % len(self._bodies)]))
                await asyncio.sleep(begun + number * self._pause - time.monotonic())

    async def _request(self, client: httpx.AsyncClient, body: dict[str, list[list[float]]]) -> None:
        try:
            answer = await client.post(self._uri, json=body)
            revision, is_answered = answer.headers.get("x-modelyard-revision", "none"), answer.is_success
        except httpx.HTTPError:
            revision, is_answered = "none", False
        self._counts[revision, is_answered] += 1
