"""Measures the speed and memory of a batch of photos, in this process.

    python -m tests.benchmarks.batch_speed [--photos 1000] [--run residual-cnn]

Writes JPEG files of 1280×720 pixels with one face each. Prints photos per second and per second of
the processor, both with decoding and writing the results, and the growth of the process's memory
after the first tenth. On a busy machine only the processor's seconds mean something.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageOps
from skimage import data


def main() -> None:
    """Parses the command line and runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--run", default="residual-cnn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FER_HOME"] = str(Path(folder) / "home")
        photos = Path(folder) / "photos"
        write_photos(photos, options.photos)
        measure(photos, options.photos, options.run)


def write_photos(folder: Path, count: int) -> None:
    """Writes photos that all differ: the face moves, and every second one is mirrored."""
    folder.mkdir()
    face = Image.fromarray(data.astronaut()).resize((720, 720))
    for number in range(count):
        photo = Image.new("RGB", (1280, 720), (number % 256, 128, 128))
        photo.paste(ImageOps.mirror(face) if number % 2 else face, (number % 560, 0))
        photo.save(folder / f"{number:05}.jpg", quality=90)


def measure(folder: Path, count: int, run_id: str) -> None:
    """Runs the batch as a worker does, and prints what it took."""
    from fer_core import runs
    from fer_core.batches.batch import BatchSettings, submit_folder
    from fer_core.tasks import queue, supervisor, worker

    queue.ensure_supervisor = lambda: None  # this process does the work
    batch = submit_folder(runs.open_run(run_id), folder, BatchSettings())
    assert supervisor.take(batch) is not None
    samples, ended = [], threading.Event()

    def sample() -> None:
        while not ended.wait(0.2):
            done = sum(1 for _ in batch.files.glob("*.json"))
            samples.append((done, psutil.Process().memory_info().rss / 1e6))

    watch = threading.Thread(target=sample)
    watch.start()
    started, processor = time.perf_counter(), time.process_time()
    worker.work(batch)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    ended.set()
    watch.join()
    assert sum(1 for _ in batch.files.glob("*.json")) == count
    early = max(size for done, size in samples if done <= count / 10)
    late = np.median([size for done, size in samples if done > count * 0.9])
    print(  # noqa: T201
        f"{count:,} photos: {count / seconds:.1f} a second, {count / processor:.1f} a processor "
        f"second; memory {late:.0f} MB, {late - early:+.1f} MB since the first {count // 10:,}"
    )


if __name__ == "__main__":
    main()
