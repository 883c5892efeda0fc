"""Measures how many images the service answers in a second: one client, and 32 at a time.

    python -m tests.benchmarks.service_throughput --photo photo.jpg

The service has one core. Each round asks one by one and then with 32 clients, with faces to find
in the photo, and with a face that is cropped already.
"""

import argparse
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil

from fer_core.datasets.synthetic.random_faces import random_face
from fer_core.vision import encode
from tests.service.serving import Service, serving

CLIENTS = 32
ROUNDS = 3


def main() -> None:
    """Prints images per second and the service's CPU milliseconds for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, required=True, help="with faces to find")
    parser.add_argument("--images", type=int, default=320, help="asked for in each measurement")
    options = parser.parse_args()
    import numpy as np

    cropped = encode(random_face("happy", np.random.default_rng(0)))
    cases = {
        "photo": (options.photo.read_bytes(), ""),
        "cropped face": (cropped, "?picture_is_face=true"),
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        with serving(log, OMP_NUM_THREADS="1") as service:
            server = psutil.Process(service.process.pid)
            server.cpu_affinity([os.cpu_count() - 1])
            for name, (image, query) in cases.items():
                _measure(service, server, name, image, query, options.images)


def _measure(
    service: Service, server: psutil.Process, name: str, image: bytes, query: str, count: int
) -> None:
    rates: dict[int, list[tuple[float, float]]] = {1: [], CLIENTS: []}
    for number in range(ROUNDS + 1):
        for clients, found in rates.items():
            before, started = sum(server.cpu_times()[:2]), time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                shares = [count // clients] * clients
                list(pool.map(lambda share: _ask(service, image, query, share), shares))
            seconds = time.perf_counter() - started
            if number:  # the first round warms up
                used = sum(server.cpu_times()[:2]) - before
                found.append((count / seconds, 1000 * used / count))
    for clients, found in rates.items():
        rate, milliseconds = map(statistics.median, zip(*found, strict=True))
        print(  # noqa: T201
            f"{name}, {clients} at a time: {rate:.1f} images a second, "
            f"{milliseconds:.1f} CPU ms each"
        )


def _ask(service: Service, image: bytes, query: str, count: int) -> None:
    """Asks for the same image many times on one connection."""
    with closing(service.connect()) as connection:
        for _ in range(count):
            headers = {"Content-Type": "image/png"}
            connection.request("POST", f"/predict{query}", image, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text


if __name__ == "__main__":
    main()
