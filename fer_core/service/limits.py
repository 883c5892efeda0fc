"""Bounds what all requests together may take: memory for uploads, and requests a minute."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from fer_core.errors import FerError

_LEAST_BYTES = 2**20  # that a request counts as, whatever it uploads
_MAX_CLIENTS = 10_000  # remembered
_BURST_SECONDS = 10.0  # whose requests may come at once


class RefusedError(FerError):
    """Tells a client why its request is refused, with the status code of HTTP for it."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        """Takes the status code and the sentence for the client."""
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class UploadMemory:
    """Counts the bytes of the uploads that are in memory. For one thread."""

    def __init__(self, limit: int) -> None:
        """Starts with none."""
        self._free = limit

    @contextmanager
    def reserve(self) -> Iterator["Reservation"]:
        """Counts the bytes of a request until the block ends."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            self._free += reservation.size

    def take(self, size: int) -> None:
        """Counts so many bytes more.

        Raises:
            RefusedError: too many are in memory already.
        """
        if size > self._free:
            message = "Too many uploads arrive at the same time. Try again in a second."
            raise RefusedError(503, message, {"Retry-After": "1"})
        self._free -= size


class Reservation:
    """Holds how many bytes of a request are counted."""

    def __init__(self, memory: UploadMemory) -> None:
        """Starts with none."""
        self._memory = memory
        self.size = 0

    def cover(self, size: int) -> None:
        """Counts at least so many bytes in all.

        Raises:
            RefusedError: as `UploadMemory.take`.
        """
        more = max(size, _LEAST_BYTES) - self.size
        if more > 0:
            self._memory.take(more)
            self.size += more


class RateLimit:
    """Counts the requests of each client, which may come in bursts. For one thread."""

    def __init__(self, per_minute: int) -> None:
        """Starts without clients; 0 allows any number of requests."""
        self._per_second = per_minute / 60
        self._burst = max(1.0, self._per_second * _BURST_SECONDS)
        # Client → requests that it may still make, and when that was so; the oldest first.
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Counts a request.

        Raises:
            RefusedError: the client has made too many.
        """
        if not self._per_second:
            return
        now = time.monotonic()
        left, then = self._clients.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        self._clients[client] = max(0.0, left - 1) if left >= 1 else left, now
        if len(self._clients) > _MAX_CLIENTS:
            self._clients.popitem(last=False)
        if left < 1:
            seconds = int((1 - left) / self._per_second) + 1
            raise RefusedError(
                429,
                f"There must be at most {60 * self._per_second:.0f} requests a minute. "
                f"Try again in {seconds} s.",
                {"Retry-After": str(seconds)},
            )
