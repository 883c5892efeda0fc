"""Reads RAF-DB as it is distributed: EmoLabel, Image/aligned or Image/original, Annotation."""

from pathlib import Path

import pandas as pd

from fer_core.datasets.image_reader import BOX
from fer_core.datasets.layouts.file_tree import is_file
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import named_split
from fer_core.errors import FerError
from fer_core.expressions import RAF_DB
from fer_core.text import counted, some

# The first is how the distribution spells it.
_LABELS = ("list_patition_label.txt", "list_partition_label.txt")


def read_raf_db(source: Path, copied: Path, report: Report) -> ParsedLayout | None:
    """Reads the basic part of RAF-DB.

    Raises:
        FerError: there are original images only, without the distributed boxes.
    """
    labels = _find_labels(source)
    if labels is None:
        return None
    root = labels.parent.parent if labels.parent.name.lower() == "emolabel" else labels.parent
    index, notes = _read_labels(labels)
    aligned = root / "Image" / "aligned"
    if aligned.is_dir():
        index["path"] = "Image/aligned/" + index["stem"] + "_aligned.jpg"
        notes.append("The aligned faces were taken, from Image/aligned.")
    else:
        index["path"] = "Image/original/" + index["stem"] + ".jpg"
        index = _with_boxes(index, root / "Annotation" / "boundingbox", report)
        notes.append("The original images were taken, cut out by the distributed face boxes.")
    there = index["path"].map(lambda path: is_file(root / path))
    missing = index["path"][~there].tolist()
    if len(missing) == len(index):
        raise FerError(
            f"The images that {labels.name} lists must lie in {root / 'Image'}. "
            f"Of {len(index):,} not one does; the first is {missing[0]}"
        )
    if missing:
        notes.append(f"Skipped, not there: {counted(len(missing), 'image')} ({some(missing)}).")
    index = index[there].drop(columns="stem").sort_values("path", ignore_index=True)

    def recognised(index: pd.DataFrame) -> str:
        return f"Recognised RAF-DB by {labels.name}: {counted(len(index), 'labelled image')}."

    return ParsedLayout("RAF-DB, as distributed", root, index, tuple(notes), recognised)


def _find_labels(source: Path) -> Path | None:
    if not source.is_dir():
        return None
    patterns = [f"{depth}{name}" for depth in ("", "*/", "*/*/") for name in _LABELS]
    return next((file for pattern in patterns for file in sorted(source.glob(pattern))), None)


def _read_labels(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Lines such as "train_00001.jpg 5"."""
    rows, bad = [], 0
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        name, number = (*line.split(maxsplit=1), "", "")[:2]
        split = name.partition("_")[0]
        if number.strip() in RAF_DB and named_split(split):
            rows.append((Path(name).stem, RAF_DB[number.strip()], named_split(split), split))
        else:
            bad += bool(name)
    if not rows:
        raise FerError(
            f"{path.name} must have lines such as `train_00001.jpg 5`. Not one was found."
        )
    notes = [f"Skipped: {counted(bad, 'line')} of {path.name} that are no label."] if bad else []
    return pd.DataFrame(rows, columns=["stem", "expression", "split", "source_split"]), notes


def _with_boxes(index: pd.DataFrame, folder: Path, report: Report) -> pd.DataFrame:
    boxes = []
    for number, stem in enumerate(index["stem"], 1):
        boxes.append(_read_box(folder / f"{stem}_boundingbox.txt"))
        if number % 500 == 0:
            report(number, len(index), f"Read {number:,} of {len(index):,} face boxes")
    return index.assign(**dict(zip(BOX, zip(*boxes, strict=True), strict=True)))


def _read_box(path: Path) -> tuple[int, int, int, int]:
    """x, y, width and height from a file with "x1 y1 x2 y2"."""
    try:
        left, top, right, bottom = map(float, path.read_text(encoding="utf-8").split()[:4])
    except (OSError, ValueError):
        raise FerError(
            "RAF-DB's original images show whole scenes: they must come with Image/aligned, or "
            f"with the distributed box of every face. Not found or not readable: {path}"
        ) from None
    x, y = round(left), round(top)
    return x, y, round(right) - x, round(bottom) - y
