"""Processes many images in parallel threads."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

CHUNK = 128  # images per unit of work
_AHEAD = 4  # chunks per thread that may be done or waiting: bounds memory

Result = TypeVar("Result")


def in_chunks(
    work: Callable[[range], Result], count: int, size: int | None = None
) -> Iterator[Result]:
    """Yields the results of `work` for consecutive ranges of positions covering `count`, in order.

    Each range has `size` positions, by default `CHUNK`. An exception in one of them, or leaving
    the loop, cancels the rest.
    """
    size = size or CHUNK
    threads = os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for start in range(0, count, size):
            if len(waiting) >= _AHEAD * threads:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, range(start, min(start + size, count))))
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
