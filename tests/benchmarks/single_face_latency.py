"""Measures the latency of a run's model for one face on one core.

    python -m tests.benchmarks.single_face_latency

Measures from a face crop to its probabilities: resizing, the model, temperature scaling.
"""

import argparse
import os
import statistics
import time

import psutil

WARM, ROUNDS = 20, 300


def main() -> None:
    """Prints the median and the 95th percentile in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", help="id of a run; default: the pretrained model")
    options = parser.parse_args()
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # not on macOS, where only the threads are limited
        process.cpu_affinity([process.cpu_affinity()[0]])
    os.environ["OMP_NUM_THREADS"] = "1"
    import numpy as np

    from fer_core.inference.recognition import Classifier
    from fer_core.runs.listing import list_runs, open_run

    run = open_run(options.run) if options.run else list_runs()[-1]
    classifier = Classifier.load(run)
    face = np.random.default_rng(0).integers(0, 256, (180, 180, 3)).astype("uint8")
    times = []
    for _ in range(WARM + ROUNDS):
        started = time.perf_counter()
        classifier.predict([face])
        times.append(1000 * (time.perf_counter() - started))
    times = sorted(times[WARM:])
    print(  # noqa: T201
        f"{run.id}: {statistics.median(times):.1f} ms a face "
        f"(95 of 100 within {times[int(0.95 * ROUNDS)]:.1f} ms)"
    )


if __name__ == "__main__":
    main()
