"""Reads RAF-DB as it is distributed: EmoLabel, Image/aligned or Image/original, Annotation."""

from pathlib import Path

import pandas as pd

from fer_core.datasets.image_reader import BOX
from fer_core.datasets.layouts.file_tree import is_file
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.expressions import RAF_DB
from fer_core.storage import read_bytes
from fer_core.text import Tally, counted, some

# The first one is misspelled in the distribution.
_MAX_BYTES = 100_000_000  # of the list of labels, for two million images
_MAX_BOX_BYTES = 1_000
_MAX_PLACE = 1_000_000  # pixels; no image is as large
_LABELS = ("list_patition_label.txt", "list_partition_label.txt")


def read_raf_db(source: Path, copied: Path, report: Report) -> ParsedLayout | None:
    """Reads the single-label (basic) part of RAF-DB.

    Raises:
        FerError: the images are missing, or there are only original ones without face boxes.
    """
    labels = _find_labels(source)
    if labels is None:
        return None
    root = labels.parent.parent if labels.parent.name.lower() == "emolabel" else labels.parent
    index, notes = _read_labels(labels)
    aligned = root / "Image" / "aligned"
    if aligned.is_dir():
        index["path"] = "Image/aligned/" + index["stem"] + "_aligned.jpg"
        notes.append("Using the aligned faces in Image/aligned.")
    else:
        index["path"] = "Image/original/" + index["stem"] + ".jpg"
        index, skipped = _with_boxes(index, root / "Annotation" / "boundingbox", report)
        notes += skipped
        notes.append("Using the original images, cropped to the distributed face boxes.")
    exists = index["path"].map(lambda path: is_file(root / path))
    missing = index["path"][~exists].tolist()
    if len(missing) == len(index):
        raise FerError(
            f"None of the {len(index):,} images listed in {labels.name} exists. Copy them to "
            f"{root / 'Image'}. The first is {missing[0]}"
        )
    if missing:
        notes.append(f"Skipped {counted(len(missing), 'missing image')}: {some(missing)}.")
    index = index[exists].drop(columns="stem").sort_values("path", ignore_index=True)

    def summary(index: pd.DataFrame) -> str:
        return f"Recognized RAF-DB by {labels.name}: {counted(len(index), 'labeled image')}."

    return ParsedLayout("RAF-DB, as distributed", root, index, tuple(notes), summary)


def _find_labels(source: Path) -> Path | None:
    if not source.is_dir():
        return None
    patterns = [f"{depth}{name}" for depth in ("", "*/", "*/*/") for name in _LABELS]
    found = (file for pattern in patterns for file in sorted(source.glob(pattern)))
    return next(filter(is_file, found), None)


def _read_labels(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Parses lines such as "train_00001.jpg 5"."""
    rows, bad = [], 0
    text = read_bytes(path, max_bytes=_MAX_BYTES).decode("utf-8-sig", "replace")
    for line in text.splitlines():
        name, number = (*line.split(maxsplit=1), "", "")[:2]
        split = name.partition("_")[0]
        if number.strip() in RAF_DB and parse_split(split):
            rows.append((Path(name).stem, RAF_DB[number.strip()], parse_split(split), split))
        else:
            bad += bool(name)
    if not rows:
        raise FerError(f"{path.name} must have lines such as `train_00001.jpg 5`. No line is.")
    notes = [f"Skipped {counted(bad, 'malformed line')} of {path.name}."] if bad else []
    return pd.DataFrame(rows, columns=["stem", "expression", "split", "source_split"]), notes


def _with_boxes(
    index: pd.DataFrame, folder: Path, report: Report
) -> tuple[pd.DataFrame, list[str]]:
    """Adds the distributed face boxes; leaves out images without one.

    Raises:
        FerError: no image has a box.
    """
    boxes, bad = [], Tally()
    for number, stem in enumerate(index["stem"], 1):
        boxes.append(_read_box(folder / f"{stem}_boundingbox.txt"))
        if boxes[-1] is None:
            bad.add(f"{stem}_boundingbox.txt")
        if number % 500 == 0:
            report(number, len(index), f"Read {number:,} of {len(index):,} face boxes")
    if len(bad) == len(index):
        raise FerError(
            "RAF-DB's original images show whole scenes, so they need Image/aligned or the "
            f"distributed face box of every image. Missing or not readable: {folder / bad.first[0]}"
        )
    known = [box for box in boxes if box is not None]
    index = index[[box is not None for box in boxes]].reset_index(drop=True)
    index = index.assign(**dict(zip(BOX, zip(*known, strict=True), strict=True)))
    note = f"Skipped {counted(len(bad), 'image')} without a readable face box: {bad}."
    return index, [note] if bad else []


def _read_box(path: Path) -> tuple[int, int, int, int] | None:
    """Returns x, y, width and height from a file with "x1 y1 x2 y2"; None if it has no box."""
    try:
        if not is_file(path):
            return None
        text = read_bytes(path, max_bytes=_MAX_BOX_BYTES).decode("utf-8")
        left, top, right, bottom = map(float, text.split()[:4])
    except (OSError, ValueError):  # also what the readers raise
        return None
    if not all(abs(place) <= _MAX_PLACE for place in (left, top, right, bottom)):  # or NaN
        return None
    x, y = round(left), round(top)
    box = x, y, round(right) - x, round(bottom) - y
    return box if min(box[2:]) > 0 else None
