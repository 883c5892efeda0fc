"""What a data set's numbers of images say, in words and in a table."""

import pandas as pd

from fer_core.datasets.corrections import Corrections

_BALANCED = 1.5  # times as many images in the largest class as in the smallest
_WORDS = {"train": "training", "val": "validation", "test": "test"}


def with_totals(counts: pd.DataFrame) -> pd.DataFrame:
    """Numbers of images per class and split, with a column and a row of sums, both "total"."""
    table = counts.assign(total=counts.sum(axis=1))
    return pd.concat([table, table.sum().to_frame("total").T])


def imbalance(counts: pd.DataFrame) -> str:
    """Says how unequal the classes are, and what follows.

    Args:
        counts: images; a row per class, a column per split. The first split is looked at.
    """
    split = str(counts.columns[0])
    images = counts[split]
    most, least = str(images.idxmax()), str(images.idxmin())
    place = f"In {_WORDS.get(split, split)}"
    if images.min() == 0:
        return f"{place}, there is no image of {least}: no network can learn it from this."
    if images.max() < _BALANCED * images.min():
        span = f"{images.min():,}"
        if images.min() < images.max():
            span = f"{span} to {images.max():,}"
        return f"The classes are balanced: {place.lower()}, each has {span} images."
    return (
        f"{place}, {most} has {images.max() / images.min():.1f} times as many images as {least} "
        f"({images.max():,} and {images.min():,}). A network that always answered {most} would be "
        f"right for {images.max() / images.sum():.1%} of them, so accuracy alone says little about "
        f"{least}: look at the scores per expression too."
    )


def describe_corrections(overlay: Corrections) -> str:
    """How many images are left out and relabelled; empty where none is."""
    out, relabelled = len(overlay.excluded), len(overlay.relabelled)
    parts = [f"{_counted(out)} left out"] if out else []
    if relabelled:
        parts.append(f"{relabelled:,} relabelled" if out else f"{_counted(relabelled)} relabelled")
    return ", ".join(parts)


def kept_labels(overlay: Corrections) -> str:
    """How many labels were found right; empty where none was."""
    count = len(overlay.kept)
    if not count:
        return ""
    return "1 label was found right" if count == 1 else f"{count:,} labels were found right"


def _counted(images: int) -> str:
    return "1 image" if images == 1 else f"{images:,} images"


def votes(row: pd.Series) -> str:
    """The FER+ votes in a row of the index, most first; empty where there are none."""
    given = {
        str(name).removeprefix("votes_"): int(number)
        for name, number in row.items()
        if str(name).startswith("votes_") and number > 0
    }
    ranked = sorted(given.items(), key=lambda vote: -vote[1])
    return ", ".join(f"{name.replace('nf', 'not a face')} {number}" for name, number in ranked)
