"""Work on many images, spread over threads."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

CHUNK = 128  # images that one thread takes at a time
_AHEAD = 4  # chunks a thread that may be done or waiting before the oldest is used: bounds memory

Result = TypeVar("Result")


def in_chunks(
    work: Callable[[range], Result], count: int, size: int | None = None
) -> Iterator[Result]:
    """What `work` gives for consecutive ranges of positions that cover `count`, in order.

    Each range is of `size` positions, by default `CHUNK`. An error in one, or leaving the loop,
    ends the rest.
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
