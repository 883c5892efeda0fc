"""Describes how splits were drawn, and which subjects or groups are in more than one."""

import pandas as pd

from fer_core.datasets.split_groups import GROUP_NOUNS, known_columns, seen_in_training
from fer_core.expressions import sort_classes
from fer_core.text import SPLIT_NAMES, counted, some


def split_notes(before: pd.DataFrame, after: pd.DataFrame, seed: int) -> list[str]:
    """Describes how rows without a known split were assigned, and what their splits share.

    Args:
        before: the index with the splits of the source.
        after: the same with complete splits.
        seed: of the draw.
    """
    notes = []
    words = set(before.loc[before["split"] == "", "source_split"]) - {""}
    if words:
        notes.append(f"Unknown split names, assigned to training: {some(sorted(words))}.")
    drawn = [
        split
        for split in ("val", "test")
        if (after["split"] == split).any() and not (before["split"] == split).any()
    ]
    for split in drawn:
        count = int((after["split"] == split).sum())
        notes.append(
            f"No {SPLIT_NAMES[split].lower()} split in the source: {counted(count, 'image')} "
            f"drawn from training, stratified by class (seed {seed})."
        )
    return [*notes, *_shared_notes(after, drawn)]


def _shared_notes(index: pd.DataFrame, drawn: list[str]) -> list[str]:
    """Says whether subjects, or else groups, are in training and in another split."""
    seen, columns = seen_in_training(index), known_columns(index)
    if seen is None:
        return []
    column = columns[0]
    one, several = GROUP_NOUNS[column]
    names = index.loc[index[column] != "", column]
    notes = []
    if names.nunique() == 1:
        notes.append(f"All images are of one {one}, {names.iloc[0]}.")
    for split in ("val", "test"):
        rows = (index["split"] == split).to_numpy()
        where = SPLIT_NAMES[split].lower()
        shared = index.loc[rows & seen & (index[column] != ""), column].nunique()
        if shared:
            notes.append(
                f"Warning: {int((rows & seen).sum()):,} of {int(rows.sum()):,} {where} images are "
                f"of {counted(shared, one, several)} in training too, so the accuracy on them says "
                f"little about others."
            )
        elif split in drawn:
            notes.append(f"No {one} is both in training and in {where}.")
    if "val" in drawn:
        notes += _unvalidated(index, column)
    return notes


def _unvalidated(index: pd.DataFrame, column: str) -> list[str]:
    """Names classes that are in training alone since all their images are of one subject."""
    by_class = index[index[column] != ""].groupby("expression")
    counts = by_class[column].nunique()
    trained = by_class["split"].agg(lambda splits: set(splits) == {"train"})
    names = sort_classes(counts.index[(counts == 1) & trained])
    one, _ = GROUP_NOUNS[column]
    if not names:
        return []
    return [f"Not validated, since all images are of one {one}, in training: {some(names, 10)}."]
