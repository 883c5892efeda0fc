"""Tiny data sets in the layouts that people have, for tests."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def write_image(path: Path, shade: int, size: int = 16) -> None:
    """A picture whose content depends on `shade` alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(shade).integers(0, 256, (size, size), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write_tree(root: Path, folders: dict[str, int], suffix: str = ".png") -> Path:
    """Folders with so many pictures each, all of different content."""
    shade = 0
    for folder, count in folders.items():
        for number in range(count):
            write_image(root / folder / f"{number:03d}{suffix}", shade)
            shade += 1
    return root


def write_ck_plus(root: Path, sequences: tuple[int, ...], frames: int) -> Path:
    """Writes sequences of gray images like CK+'s, each with its class number; 0 has no label."""
    for number, label in enumerate(sequences, 1):
        for frame in range(1, frames + 1):
            name = f"S005_{number:03d}_{frame:08d}.png"
            write_image(root / f"images/S005/{number:03d}" / name, 10 * number + frame)
        if label:
            file = root / f"Emotion/S005/{number:03d}/S005_{number:03d}_{frames:08d}_emotion.txt"
            file.parent.mkdir(parents=True)
            file.write_text(f"   {label}.0000000e+00\n")
    return root


def pixel_rows(count: int, side: int = 48, seed: int = 0) -> list[str]:
    """Cells as fer2013.csv has them."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, side * side))
    return [" ".join(map(str, row)) for row in pixels]


def write_fer2013(path: Path, per_usage: int = 14, header: str = "emotion,pixels,Usage") -> Path:
    """A small fer2013.csv, the seven expressions in turn in each of its three splits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = iter(pixel_rows(3 * per_usage))
    rows = []
    for usage in ("Training", "PublicTest", "PrivateTest"):
        for number in range(per_usage):
            row = {"emotion": str(number % 7), "pixels": next(cells), "usage": usage}
            rows.append(",".join(row[name.strip().lower()] for name in header.split(",")))
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def counts_of(index: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Images by (split, expression)."""
    return index.groupby(["split", "expression"]).size().to_dict()
