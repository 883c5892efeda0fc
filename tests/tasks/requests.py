"""Requests as the queue leaves them, with nobody to take them."""

import time
from dataclasses import asdict
from pathlib import Path

from fer_core.storage.files import write_json
from fer_core.tasks import kinds
from fer_core.tasks.requests import Request


def write_request(
    directory: Path, kind: str = kinds.TRAIN, *, submitted: float | None = None, **arguments: object
) -> None:
    """Writes what `queue.submit` writes, without starting a supervisor."""
    directory.mkdir(parents=True, exist_ok=True)
    now = time.time() if submitted is None else submitted
    request = Request(kind, arguments, now, str(directory)).sealed()
    write_json(directory / "request.json", asdict(request))
