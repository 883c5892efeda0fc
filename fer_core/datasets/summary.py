"""Summarizes class counts, corrections and votes in words and tables."""

import pandas as pd

from fer_core.datasets.corrections import Corrections
from fer_core.datasets.split_groups import GROUP_NOUNS
from fer_core.text import SPLIT_NAMES, counted

_BALANCED = 1.5  # ratio of the largest to the smallest class below which classes are balanced


def with_totals(counts: pd.DataFrame) -> pd.DataFrame:
    """Returns counts per class and split with a column and a row of sums, both named "total"."""
    table = counts.assign(total=counts.sum(axis=1))
    return pd.concat([table, table.sum().to_frame("total").T])


def imbalance(counts: pd.DataFrame) -> str:
    """Describes how unbalanced the classes of the first split are, and what follows from it.

    Args:
        counts: images; a row per class, a column per split.
    """
    split = str(counts.columns[0])
    images = counts[split]
    most, least = str(images.idxmax()), str(images.idxmin())
    where = f"the {SPLIT_NAMES.get(split, split).lower()} split"
    if images.min() == 0:
        return f"There are no images of {least} in {where}: a model cannot learn this expression."
    if images.max() < _BALANCED * images.min():
        span = f"{images.min():,}"
        if images.min() < images.max():
            span = f"{span} to {images.max():,}"
        return f"The classes are balanced: {span} images each in {where}."
    return (
        f"The classes are imbalanced: in {where}, {most} has "
        f"{images.max() / images.min():.1f} times as many images as {least} "
        f"({images.max():,} and {images.min():,}). A model that always predicts {most} reaches "
        f"{images.max() / images.sum():.1%} accuracy on them, so check the scores per expression "
        "too."
    )


def describe_groups(images: pd.Series, column: str) -> str:
    """Describes how many images there are of each subject or sequence.

    Args:
        images: of each of them, as from `images_per_group`.
        column: of the index, that tells them.
    """
    noun = counted(len(images), *GROUP_NOUNS[column])
    least, most = int(images.min()), int(images.max())
    span = counted(most, "image")
    if least < most:
        span = f"{least:,} to {most:,} images, {images.median():,.0f} in the median"
    return f"{noun} with {span}{' each' if len(images) > 1 and least == most else ''}."


def describe_corrections(corrections: Corrections) -> str:
    """Counts the excluded and relabeled images, e.g. "1 image excluded"; empty if none."""
    excluded, relabeled = len(corrections.excluded), len(corrections.relabeled)
    parts = [f"{counted(excluded, 'image')} excluded"] if excluded else []
    if relabeled:
        count = f"{relabeled:,}" if excluded else counted(relabeled, "image")
        parts.append(f"{count} relabeled")
    return ", ".join(parts)


def describe_confirmed(corrections: Corrections) -> str:
    """Counts the confirmed labels, e.g. "1 label confirmed"; empty if none."""
    count = len(corrections.confirmed)
    return f"{counted(count, 'label')} confirmed" if count else ""


def describe_votes(row: pd.Series) -> str:
    """Lists the FER+ votes in a row of the index, most first; empty if there are none."""
    votes = {
        str(name).removeprefix("votes_"): int(number)
        for name, number in row.items()
        if str(name).startswith("votes_") and number > 0
    }
    ranked = sorted(votes.items(), key=lambda vote: -vote[1])
    return ", ".join(f"{name.replace('nf', 'not a face')} {number}" for name, number in ranked)
