"""Reads RAF-DB by its list of labels, wherever its aligned or original images lie."""

from pathlib import Path, PurePosixPath

import pandas as pd

from fer_core.datasets.image_reader import BOX
from fer_core.datasets.layouts.class_names import Conventions
from fer_core.datasets.layouts.file_tree import is_file
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.layouts.numberings import COMPOUND, is_compound, parse_number
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.storage import read_text
from fer_core.text import Tally, counted, some

# The first one is misspelled in the distribution.
_MAX_BYTES = 64_000_000  # of the list; that of 30,000 images has 600 kB
_MAX_BOX_BYTES = 1_000
_MAX_PLACE = 1_000_000  # pixels; no image is as large
_LABELS = ("list_patition_label.txt", "list_partition_label.txt")


def raf_db_list(source: Source) -> str | None:
    """Returns the path of the list of labels; that of the basic expressions, of several."""
    if not source.is_folder:
        return None
    found = [name for name in source.files.others if PurePosixPath(name).name.lower() in _LABELS]
    return min(found, key=lambda name: ("compound" in name.lower(), name), default=None)


def read_raf_db(source: Source, name: str) -> ParsedLayout:
    """Reads RAF-DB's basic or compound expressions.

    Raises:
        FerError: the images are missing, or there are only original ones without face boxes.
    """
    labels = source.folder / name
    root = PurePosixPath(name).parent
    if root.name.lower() == "emolabel":
        root = root.parent
    index, notes = _read_labels(labels)
    index, where = _locate(index, source, root)
    notes.append(where)
    missing = (index["stem"] + ".jpg")[index["path"] == ""].tolist()
    if len(missing) == len(index):
        raise FerError(
            f"None of the {len(index):,} images listed in {labels.name} exists. Copy them to "
            f"{source.folder / root / 'Image'}. The first is {missing[0]}"
        )
    if missing:
        notes.append(f"Skipped {counted(len(missing), 'missing image')}: {some(missing)}.")
    index = index[index["path"] != ""].drop(columns="stem").sort_values("path", ignore_index=True)
    if "boundingbox" in where:
        folder = source.folder / root / "Annotation/boundingbox"
        index, skipped = _with_boxes(index, folder, source.report)
        notes += skipped
    compound = is_compound(index["class_name"])

    def summary(index: pd.DataFrame) -> str:
        return f"Recognized RAF-DB by {labels.name}: {counted(len(index), 'labeled image')}."

    return ParsedLayout(
        "RAF-DB, compound expressions" if compound else "RAF-DB, as distributed",
        source.folder,
        index,
        tuple(notes),
        summary,
        Conventions(COMPOUND if compound else "raf-db"),
        "names in the list",
    )


def _read_labels(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Parses lines such as "train_00001.jpg 5"; anything after the number is ignored."""
    rows, bad = [], 0
    for line in read_text(path, max_bytes=_MAX_BYTES).splitlines():
        name, number = (*line.split(), "", "")[:2]
        split = name.partition("_")[0]
        if parse_number(number) is not None and parse_split(split):
            rows.append((PurePosixPath(name).stem, number, split))
        else:
            bad += bool(name)
    if not rows:
        raise FerError(f"{path.name} must have lines such as `train_00001.jpg 5`. No line is.")
    notes = [f"Skipped {counted(bad, 'malformed line')} of {path.name}."] if bad else []
    return pd.DataFrame(rows, columns=["stem", "class_name", "source_split"]), notes


def _locate(index: pd.DataFrame, source: Source, root: PurePosixPath) -> tuple[pd.DataFrame, str]:
    """Adds the paths of images, "" if missing: the aligned faces, else the original images."""
    stems = index["stem"]
    aligned = ("Image/aligned/" + stems + "_aligned.jpg").map(
        lambda path: path if is_file(source.folder / root / path) else ""
    )
    if (aligned != "").any():
        paths = aligned.where(aligned == "", (str(root) + "/" + aligned).str.removeprefix("./"))
        return index.assign(path=paths), "Using the aligned faces in Image/aligned."
    elsewhere = stems.map(lambda stem: _only(source.by_stem.get(f"{stem}_aligned".lower(), [])))
    if (elsewhere != "").any():
        return index.assign(path=elsewhere), (
            "Using the aligned faces, found by their names, such as "
            f"{elsewhere[elsewhere != ''].iloc[0]}."
        )
    originals = stems.map(lambda stem: _only(source.by_stem.get(stem.lower(), [])))
    return index.assign(path=originals), (
        "Using the original images, cropped to the face boxes in Annotation/boundingbox."
    )


def _only(found: list[str]) -> str:
    return found[0] if len(found) == 1 else ""


def _with_boxes(
    index: pd.DataFrame, folder: Path, report: Report
) -> tuple[pd.DataFrame, list[str]]:
    """Adds the distributed face boxes; leaves out images without one.

    Raises:
        FerError: no image has a box.
    """
    boxes, bad = [], Tally()
    for number, path in enumerate(index["path"], 1):
        name = f"{PurePosixPath(path).stem}_boundingbox.txt"
        boxes.append(_read_box(folder / name))
        if boxes[-1] is None:
            bad.add(name)
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
    if not is_file(path):
        return None
    try:
        text = read_text(path, max_bytes=_MAX_BOX_BYTES)
        left, top, right, bottom = map(float, text.split()[:4])
    except (OSError, ValueError):  # among them that of a damaged file
        return None
    if not all(abs(place) <= _MAX_PLACE for place in (left, top, right, bottom)):  # or NaN
        return None
    x, y = round(left), round(top)
    box = x, y, round(right) - x, round(bottom) - y
    return box if min(box[2:]) > 0 else None
