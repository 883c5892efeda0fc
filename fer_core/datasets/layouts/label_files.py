"""Reads datasets with a small file for each label: CK+'s texts and AffectNet's arrays."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from fer_core.datasets.layouts.choices import Choices, Question
from fer_core.datasets.layouts.class_names import Conventions
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.storage import read_array, read_text
from fer_core.text import counted, some

_MOST_BYTES = 4096  # of a file with one label
_CK_PLUS = re.compile(r"(S\d+_\d+)_(\d+)_emotion\.txt", re.IGNORECASE)
_CK_PLUS_NEUTRAL = "0"  # in its numbering
_FRAME = re.compile(r"(S\d+_\d+)_\d+", re.IGNORECASE)
_AFFECTNET = re.compile(r"(.+)_expr?\.npy", re.IGNORECASE)


def ck_plus_labels(source: Source) -> list[str] | None:
    """Returns the paths of CK+'s texts, one for each labeled sequence."""
    return _matching(source, _CK_PLUS)


def affectnet_labels(source: Source) -> list[str] | None:
    """Returns the paths of AffectNet's arrays, one for each image."""
    return _matching(source, _AFFECTNET)


def _matching(source: Source, pattern: re.Pattern[str]) -> list[str] | None:
    if not source.is_folder:
        return None
    names = [n for n in source.files.others if pattern.fullmatch(PurePosixPath(n).name)]
    return names or None


def read_ck_plus(source: Source, labels: list[str]) -> ParsedLayout:
    """Reads the last frames of each labeled sequence, which show the expression at its strongest.

    The first frame, which is neutral, is read too if that was chosen. Asks how many last frames
    are meant unless that was chosen: with the last alone, as long as it is open.

    Raises:
        FerError: no labeled sequence has images.
    """
    sequences: dict[str, list[str]] = {}
    for path in sorted(source.images, key=lambda path: PurePosixPath(path).name):
        if match := _FRAME.fullmatch(PurePosixPath(path).stem):
            sequences.setdefault(match[1].lower(), []).append(path)
    words = _read_labels(source, labels, _read_text)
    rows, missing, longest = [], [], 0
    for name, word in words.items():
        match = _CK_PLUS.fullmatch(PurePosixPath(name).name)
        frames = sequences.get(match[1].lower(), []) if match else []
        rows += _chosen_frames(frames, word, source.choices)
        longest = max(longest, len(frames))
        if not frames:
            missing.append(name)
    is_open = longest > 1 and not source.choices.last_frames
    notes = [
        *([] if is_open else [_frames_note(source.choices)]),
        *_missing_notes(missing, len(labels) - len(words)),
    ]
    unlabeled = len(sequences) - (len(words) - len(missing))
    if unlabeled:
        notes.append(f"Skipped {counted(unlabeled, 'sequence')} without a label.")
    parsed = _parsed(source, "CK+, as distributed", rows, notes, "ck+", labels[0])
    questions = (_which_frames(len(words) - len(missing), longest, labels[0]),) * is_open
    return replace(parsed, questions=questions, has_sequences=True)


def _which_frames(sequences: int, longest: int, example: str) -> Question:
    return Question(
        "frames",
        f"The label files of CK+ (such as {example}) label whole sequences; this folder has "
        f"{counted(sequences, 'labeled sequence')} of up to {longest} frames. They begin with a "
        "neutral face, and only the last frames show the expression. Choose how many of the last "
        "frames to use, often 1 or 3, and whether to use the first one as neutral.",
        ("1", "3"),
        "--last-frames 1, or --last-frames 3 --first-frame-neutral",
    )


def _chosen_frames(frames: list[str], word: str, choices: Choices) -> list[tuple[str, str, str]]:
    """Returns a row for each frame of a labeled sequence that is to be used."""
    last = frames[-(choices.last_frames or 1) :]
    rows = [(frame, word, "") for frame in last]
    if choices.first_frame_neutral and len(frames) > len(last):
        rows.insert(0, (frames[0], _CK_PLUS_NEUTRAL, ""))
    return rows


def _frames_note(choices: Choices) -> str:
    last = choices.last_frames or 1
    used = "the last frame is" if last == 1 else f"the last {last} frames are"
    neutral = "; the first one is used as neutral" if choices.first_frame_neutral else ""
    return (
        f"Of each labeled sequence {used} used, where the expression is at its strongest{neutral}."
    )


def read_affectnet(source: Source, labels: list[str]) -> ParsedLayout:
    """Reads AffectNet's images with an array `<number>_exp.npy` for each.

    Raises:
        FerError: no labeled image exists.
    """
    words = _read_labels(source, labels, _read_array)
    images: dict[tuple[str, str], str] = {}
    for listed in source.images:
        image = PurePosixPath(listed)
        for folder in (image.parent, image.parent.parent):
            images.setdefault((str(folder), image.stem), listed)
    rows, missing = [], []
    for name, word in words.items():
        path = PurePosixPath(name)
        match = _AFFECTNET.fullmatch(path.name)
        stem = match[1] if match else ""
        places = (str(path.parent), str(path.parent.parent))
        image_path = next((images[place, stem] for place in places if (place, stem) in images), "")
        split = next((part for part in path.parts[:-1] if parse_split(part)), "")
        if image_path:
            rows.append((image_path, word, split))
        else:
            missing.append(name)
    notes = _missing_notes(missing, len(labels) - len(words))
    return _parsed(source, "AffectNet, with arrays of labels", rows, notes, "affectnet", labels[0])


def _read_labels(source: Source, names: list[str], read: Callable[[Path], str]) -> dict[str, str]:
    """Returns the class number in each file, as a text; leaves out files without a whole one."""
    words = {}
    for done, name in enumerate(names, 1):
        path = source.folder / name
        try:
            number = float(read(path))
        except (OSError, ValueError):
            continue
        if number.is_integer():
            words[name] = str(int(number))
        if done % 500 == 0:
            source.report(done, len(names), f"Read {done:,} of {len(names):,} labels")
    return words


def _read_text(path: Path) -> str:
    return read_text(path, max_bytes=_MOST_BYTES)


def _read_array(path: Path) -> str:
    values = read_array(path, max_bytes=_MOST_BYTES)
    if values.size != 1:
        raise ValueError(f"{path.name} has {values.size} values")
    return str(values.item())


def _missing_notes(missing: list[str], unreadable: int) -> list[str]:
    notes = []
    if missing:
        notes.append(f"Skipped {counted(len(missing), 'label')} without an image: {some(missing)}.")
    if unreadable:
        notes.append(f"Skipped {counted(unreadable, 'label file')} without a class number.")
    return notes


def _parsed(
    source: Source,
    layout: str,
    rows: list[tuple[str, str, str]],
    notes: list[str],
    numbering: str,
    example: str,
) -> ParsedLayout:
    if not rows:
        raise FerError(
            f"{source.folder.name} has labels in files such as {example}, but none of their "
            "images. Add the folder that has both."
        )
    index = pd.DataFrame(rows, columns=["path", "class_name", "source_split"])
    others = sorted(set(source.images) - set(index["path"]))
    if others:
        notes.append(f"Skipped {counted(len(others), 'image')} without a label: {some(others)}.")
    summary = f"Recognized {layout}: labels in files such as {example}."
    return ParsedLayout(
        layout,
        source.folder,
        index.sort_values("path", ignore_index=True),
        tuple(notes),
        lambda index: summary,
        Conventions(numbering),
        "folders",
    )
