"""Measures the quality scan of a dataset and the display of its findings.

    python -m tests.benchmarks.quality [--images 35887 400000]

Creates distinct 48×48 images, of which 3 % have an exact and 3 % a near duplicate, and checks that
the scan finds those. Prints the scan's wall time, CPU time and peak memory in its own process, then
the seconds until the page shows a finding and the memory that it uses.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

NAME = "generated"
SIDE = 48
LAYERS = ((5, 40.0), (12, 30.0), (24, 20.0))  # patches per side, contrast
COPIED = 0.03  # fraction of exact and of near duplicates
CHUNK = 2000


def main(arguments: Sequence[str] | None = None) -> None:
    """Scans a dataset of each size and prints the cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[35_887, 400_000])
    parser.add_argument("--step", choices=("scan", "show"))
    options = parser.parse_args(arguments)
    if options.step:
        print(json.dumps({"scan": _scan, "show": _show}[options.step]()))  # noqa: T201
        return
    for count in options.images:
        with tempfile.TemporaryDirectory() as home:
            os.environ["FER_HOME"] = home
            _make(count)
            for step in ("scan", "show"):
                numbers = ", ".join(f"{what} {value:,.2f}" for what, value in _run(step).items())
                print(f"{count:,} images, {step}: {numbers}", flush=True)  # noqa: T201


def _run(step: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.quality", "--step", step]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _scan() -> dict[str, float]:
    from fer_core.datasets import quality
    from fer_core.datasets.quality.scan import scan
    from fer_core.datasets.registry import open_dataset

    begins: dict[str, float] = {}

    def report(done: int, total: int, message: str) -> None:
        begins.setdefault(message.split()[0], time.process_time())

    started, worked = time.perf_counter(), time.process_time()
    seen = scan(NAME, report)
    wall, ended = time.perf_counter() - started, time.process_time()
    found = {
        each.kind: each.images for each in quality.find_problems(seen, open_dataset(NAME).index)
    }
    copies = int(COPIED * len(seen.table))
    assert found["copies"] == 2 * copies, found
    assert found["near"] >= 1.99 * copies, found
    return {
        "seconds": wall,
        "processor seconds": ended - worked,
        "of them comparing": ended - begins["Compared"],
        "peak MB": _peak(),
    }


def _show() -> dict[str, float]:
    from fer_core.datasets import quality
    from fer_core.datasets.registry import open_dataset

    dataset = open_dataset(NAME)
    base = _peak()
    index = dataset.index
    took = {"MB before": base}

    def timed(what: str, step: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = step()
        took[f"{what} s"] = time.perf_counter() - started
        return result

    seen = timed("read", lambda: quality.read_scan_result(dataset))
    timed("up to date", lambda: quality.images_key(index))
    timed("files asked", lambda: quality.has_changed(dataset, seen))
    findings = timed("findings", lambda: quality.find_problems(seen, index))
    largest = max(findings, key=lambda finding: finding.images)
    starts = timed("pages", lambda: quality.page_starts(largest, 40))
    here = largest.positions[starts[-1] :]
    timed("a page's pictures", lambda: [dataset.image(int(position)) for position in here])
    timed("table", lambda: quality.finding_table(largest, seen, index).to_csv(index=False))
    return took | {"peak MB": _peak()}


def _peak() -> float:
    """Returns the peak memory of this process in MB; excludes the parent's on Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) / 1024


def _make(count: int) -> None:
    """Creates a dataset whose images are rows of an array, as for fer2013.csv."""
    import pandas as pd

    from fer_core.datasets.image_reader import content_hash
    from fer_core.datasets.index import write_index
    from fer_core.expressions import EXPRESSIONS
    from fer_core.storage import paths
    from fer_core.storage.files import write_json
    from fer_core.storage.npy import writing_array

    folder = paths.datasets_root() / NAME
    folder.mkdir(parents=True)
    copies = int(COPIED * count)
    content: list[str] = []
    with writing_array(folder / "images.npy", (SIDE, SIDE)) as append:
        for start in range(0, count, CHUNK):
            numbers = np.arange(start, min(start + CHUNK, count))
            pictures = _pictures(numbers, count, copies)
            append(pictures)
            content += [content_hash(picture.tobytes()) for picture in pictures]
    status = (folder / "images.npy").stat()
    row = np.arange(count)
    index = pd.DataFrame({"path": "images.npy", "row": row})
    index["expression"] = np.array(EXPRESSIONS)[row % len(EXPRESSIONS)]
    index["split"] = np.array(["train"] * 8 + ["val", "test"])[row % 10]
    index = index.assign(source_split="", size=status.st_size, modified=status.st_mtime_ns)
    write_index(folder, index.assign(content=content))
    record = {"layout": "Generated", "root": ".", "images": count, "split_seed": 0, "notes": []}
    write_json(folder / "data_set.json", record)


def _pictures(numbers: np.ndarray, count: int, copies: int) -> np.ndarray:
    """Returns deterministic images by number: uint8 (n, SIDE, SIDE).

    The last ones are copies of the first ones, the very last near ones: lighter, with noise.
    """
    is_near = numbers >= count - copies
    is_copy = ~is_near & (numbers >= count - 2 * copies)
    source = np.where(is_near, numbers - (count - copies) + copies, numbers)
    source = np.where(is_copy, numbers - (count - 2 * copies), source)
    pixels = np.full((len(numbers), SIDE, SIDE), 128, np.float32)
    seeds = [np.random.Philox(key=int(number)) for number in source]
    patches = sum(side**2 for side, _ in LAYERS)
    drawn = np.stack([np.random.Generator(seed).standard_normal(patches, "f4") for seed in seeds])
    for side, strength in LAYERS:
        layer, drawn = drawn[:, : side**2].reshape(-1, side, side), drawn[:, side**2 :]
        up = _upsampling(side)
        pixels += strength * (up @ layer @ up.T)
    noise = np.random.default_rng(0).normal(10, 3, (int(is_near.sum()), SIDE, SIDE))
    pixels[is_near] += noise.astype(np.float32)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _upsampling(side: int) -> np.ndarray:
    """Returns the matrix (SIDE, side) that interpolates between patches."""
    places = np.linspace(0, side - 1, SIDE)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(side))).astype(np.float32)


if __name__ == "__main__":
    main()
