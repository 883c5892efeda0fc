"""Measures which copies of faces are found as near duplicates, and which other pairs are.

    python -m tests.benchmarks.near_duplicates [--images 3000] [--copies 300]

With drawn faces, and with FER2013's if FER2013_DIR is set. For each change, as many copies are
added to the images: recall is the share that is in one group with its source. False pairs are two
expressions of one drawn person in one group, or two faces that differ only in the mouth. Then the
processor seconds for all of FER2013.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from fer_core.datasets.quality.duplicates import first_copies, near_groups
from fer_core.datasets.quality.measures import SIDE
from fer_core.datasets.quality.thresholds import NEARLY_FLAT
from tests.datasets.near_copies import CHANGES, Change, character, drawn_faces, other_mouths

PEOPLE = 150


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table of recall by change, the share of false pairs, and the cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--copies", type=int, default=300)
    options = parser.parse_args(arguments)
    sets = {"drawn": drawn_faces(options.images)}
    everything = fer2013()
    if everything is not None:
        step = len(everything) // options.images
        sets["FER2013"] = everything[::step][: options.images]
    for name, change in CHANGES.items():
        shares = (f"{each} {recall(sets[each], options.copies, change):.3f}" for each in sets)
        print(f"{name}: {', '.join(shares)}", flush=True)  # noqa: T201
    persons = [character(person, pose) for person in range(PEOPLE) for pose in (0.0, 1.0)]
    print(f"false pairs, expressions: {false_pairs(persons):.4f}", flush=True)  # noqa: T201
    heads = [other_mouths(person) for person in range(PEOPLE)]
    print(f"false pairs, mouths: {false_pairs(heads):.4f}", flush=True)  # noqa: T201
    if everything is not None:
        started = time.process_time()
        groups = grouped(everything)
        seconds = time.process_time() - started
        many = int((np.bincount(groups) > 1).sum())
        print(f"{len(groups):,} images: {many:,} groups, {seconds:.1f} s of processor")  # noqa: T201


def recall(images: np.ndarray, copies: int, change: Change) -> float:
    """Returns the share of copies that are in the group of their source."""
    rng = np.random.default_rng(1)
    sources = np.arange(copies) * (len(images) // copies)
    changed = np.stack([change(images[source], rng) for source in sources])
    groups = grouped(np.concatenate([images, changed]))
    return float((groups[len(images) :] == groups[sources]).mean())


def false_pairs(faces: Sequence[Sequence[np.ndarray]]) -> float:
    """Returns the share of pairs of different faces of one person that are in one group."""
    groups = grouped(np.concatenate([np.stack(each) for each in faces]))
    same = groups.reshape(len(faces), 1, -1) == groups.reshape(len(faces), -1, 1)
    first, second = np.triu_indices(same.shape[1], 1)
    return float(same[:, first, second].mean())


def grouped(images: np.ndarray) -> np.ndarray:
    """Returns the first one of each image's group."""
    sketches = np.stack(
        [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in images]
    )
    groups, _ = near_groups(sketches, np.arange(len(images)), lambda done, total: None)
    return groups


def fer2013() -> np.ndarray | None:
    """Returns the distinct, not too flat images of FER2013, (n, 48, 48)."""
    if "FER2013_DIR" not in os.environ:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fer2013.npz"
        script = Path(os.environ["FER2013_DIR"]) / "fer2013.py"
        subprocess.run([sys.executable, script, "npz", file], check=True)
        return distinct(np.load(file)["pixels"])


def distinct(pixels: np.ndarray) -> np.ndarray:
    """Returns the first of equal images, without those that are too flat."""
    flat = pixels.reshape(len(pixels), -1)
    is_first = first_copies(np.array([hash(row.tobytes()) for row in flat])) == range(len(flat))
    return pixels[is_first & (flat.std(axis=1) >= NEARLY_FLAT)]


if __name__ == "__main__":
    main()
