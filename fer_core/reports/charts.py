"""Draws the charts of a report, each with its numbers as a table."""

from collections.abc import Callable, Sequence

import pandas as pd

from fer_core.expressions import COLORS
from fer_core.reports import svg
from fer_core.reports.parts import Chart, Table
from fer_core.text import SPLIT_NAMES

_TRAINING, _VALIDATION = "#2B8CC4", COLORS["angry"]
SPLIT_COLORS = {"train": COLORS["sad"], "val": COLORS["happy"], "test": COLORS["disgust"]}
_MOST_BINS = 12


def learning_charts(history: pd.DataFrame, best: int | None) -> list[Chart]:
    """Draws loss and accuracy of training and validation by epoch.

    Args:
        history: as `Run.history`, at least one row.
        best: the epoch whose weights were kept, from 0.
    """
    return [_learning_chart(history, best, metric) for metric in ("accuracy", "loss")]


def _learning_chart(history: pd.DataFrame, best: int | None, metric: str) -> Chart:
    epochs = history["epoch"] + 1
    values = {name: history[name] for name in (metric, f"val_{metric}")}
    show = "{:.1%}".format if metric == "accuracy" else "{:.3f}".format
    finite = pd.concat(values.values()).replace([float("inf")], float("nan")).dropna()
    most = 1.0 if metric == "accuracy" else float(finite.max()) if len(finite) else 1.0
    plot = svg.Plot((min(1, float(epochs.min())), float(epochs.max())), (0, most)).axes(
        "Epoch", metric.capitalize(), "{:.0f}".format, _axis_text(metric), whole=True
    )
    names = ("Training", "Validation")
    for (_, column), name, color, dash in zip(
        values.items(), names, (_TRAINING, _VALIDATION), ("6 3", ""), strict=True
    ):
        plot.curve(list(zip(epochs, column, strict=True)), color, name, dash)
    kept = history[history["epoch"] == best]
    plot.dots([(float(best or 0) + 1, float(value)) for value in kept[f"val_{metric}"]], "#000", 4)
    last = history.iloc[-1]
    said = (
        f"After epoch {int(last['epoch']) + 1}, training has {show(last[metric])} and validation "
        f"{show(last[f'val_{metric}'])}."
    )
    if len(kept):
        value = show(kept.iloc[0][f"val_{metric}"])
        said += f" The weights are of epoch {int(best or 0) + 1} (validation {value}; black dot)."
    caption = f"{metric.capitalize()} by epoch"
    rows = [
        (f"{epoch:.0f}", show(one), show(other))
        for epoch, one, other in zip(epochs, *values.values(), strict=True)
    ]
    return Chart(plot.finish(caption, said), Table(caption, ("Epoch", *names), rows))


def _axis_text(metric: str) -> Callable[[float], str]:
    return "{:.0%}".format if metric == "accuracy" else "{:g}".format


def class_chart(counts: pd.DataFrame) -> Chart:
    """Draws the images of each class, by split.

    Args:
        counts: a row per class, a column per split.
    """
    splits = [str(split) for split in counts]
    names = [SPLIT_NAMES.get(split, split) for split in splits]
    series = [(name, SPLIT_COLORS[split]) for name, split in zip(names, splits, strict=True)]
    rows = [
        (str(name), [float(n) for n in row])
        for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    caption = "Images per class and split"
    totals = counts.sum(axis=1)
    said = (
        f"{totals.idxmax()} has most images ({totals.max():,}), {totals.idxmin()} fewest "
        f"({totals.min():,})."
    )
    table = Table(
        caption, ("Class", *names), [(name, *(f"{n:,.0f}" for n in row)) for name, row in rows]
    )
    return Chart(svg.stacked_bars(rows, series, caption, said), table, is_beside_table=True)


def group_chart(images: pd.Series, noun: str) -> Chart:
    """Draws how many subjects or sequences have how many images.

    Args:
        images: of each of them.
        noun: such as "subjects".
    """
    first = int(images.min())
    width = -(-(int(images.max()) - first + 1) // _MOST_BINS)
    bins = ((images - first) // width).value_counts().sort_index()
    starts = [first + int(number) * width for number in bins.index]
    table = [(low, low + width - 1, int(number)) for low, number in zip(starts, bins, strict=True)]
    plot = svg.Plot((first - 0.5, float(table[-1][1]) + 0.5), (0, float(bins.max()))).axes(
        "Images", noun.capitalize(), "{:.0f}".format, "{:g}".format, whole=True
    )
    gap = 0.06 * width
    for low, high, number in table:
        plot.bar((low - 0.5 + gap, high + 0.5 - gap), number, COLORS["sad"])
    caption = f"Images per {noun.removesuffix('s')}"
    said = f"{len(images):,} {noun} have {images.min():,} to {images.max():,} images."
    rows = [
        (f"{low:,}" if low == high else f"{low:,} to {high:,}", f"{number:,}")
        for low, high, number in table
    ]
    return Chart(plot.finish(caption, said), Table(caption, ("Images", noun.capitalize()), rows))


def score_chart(scores: pd.DataFrame, column: str, title: str) -> Chart:
    """Draws a score of each class with its interval.

    Args:
        scores: as `evaluation.score_classes` returns it.
        column: "precision", "recall" or "f1".
    """
    columns = [column, f"{column}_low", f"{column}_high"]
    names, numbers = [*map(str, scores.index)], scores[columns].to_numpy(float).tolist()
    values = [(name, *line) for name, line in zip(names, numbers, strict=True)]
    known = scores[column].iloc[:-1]
    said = (
        f"{known.idxmax()} is highest ({known.max():.1%}), {known.idxmin()} lowest "
        f"({known.min():.1%})."
    )
    rows = [(name, *map("{:.1%}".format, line)) for name, line in zip(names, numbers, strict=True)]
    table = Table(title, ("Class", "Value", "Low", "High"), rows)
    return Chart(svg.intervals(values, COLORS["sad"], title, said), table, is_beside_table=True)


def reliability_chart(before: pd.DataFrame, after: pd.DataFrame | None) -> Chart:
    """Draws accuracy against confidence, with intervals.

    Args:
        before: for uncalibrated probabilities, as `EvaluationReport.reliability` holds it.
        after: for calibrated ones.
    """
    caption = "Reliability: accuracy of predictions by their confidence"
    plot = svg.Plot((0, 1), (0, 1)).axes("Confidence", "Accuracy", "{:.0%}".format, "{:.0%}".format)
    plot.curve([(0, 0), (1, 1)], "#777", "Perfect", "2 4")
    rows = []
    tables: Sequence[tuple[str, pd.DataFrame | None, str, str]] = (
        ("Uncalibrated", before, COLORS["angry"], "6 3"),
        ("Calibrated", after, COLORS["sad"], ""),
    )
    for name, table, color, dash in tables:
        if table is None:
            continue
        points = list(zip(table["confidence"], table["accuracy"], strict=True))
        plot.curve(points, color, name, dash)
        plot.dots(points, color)
        for row in table.itertuples():
            plot.whisker(row.confidence, row.low, row.high, color)
            numbers = (row.confidence, row.accuracy, row.low, row.high)
            rows.append((name, f"{row.images:,}", *map("{:.1%}".format, numbers)))
    said = "Above the diagonal the model is right more often than it says, below it less often."
    header = ("Probabilities", "Images", "Confidence", "Accuracy", "Low", "High")
    return Chart(plot.finish(caption, said), Table(caption, header, rows))


def coverage_chart(coverage: pd.DataFrame) -> Chart:
    """Draws the accuracy of the images that are answered above a confidence, by their share."""
    caption = "Accuracy when only the most confident predictions are given"
    table = coverage[coverage["images"] >= min(20, coverage["images"].max())]
    shares = [number / 20 for number in range(1, 21)]
    reached = [table[table["coverage"] >= share] for share in shares]
    rows = [part.iloc[0] for part in reached if len(part)]
    plot = svg.Plot((0, 1), (min(0.5, float(table["low"].min())), 1)).axes(
        "Share of images answered", "Accuracy", "{:.0%}".format, "{:.0%}".format
    )
    thinned = table.iloc[:: 1 + len(table) // 300]
    bounds = [thinned[name].tolist() for name in ("coverage", "low", "high")]
    plot.band(bounds[0], bounds[1], bounds[2], "#cfe3f1", "95 % interval")
    points = list(zip(thinned["coverage"], thinned["accuracy"], strict=True))
    plot.curve(points, COLORS["sad"], "Accuracy")
    said = f"With all images answered, {table.iloc[-1]['accuracy']:.1%} are right."
    cells = [
        (
            f"{row['coverage']:.0%}",
            f"{row['images']:,.0f}",
            *(f"{row[name]:.1%}" for name in ("confidence", "accuracy", "low", "high")),
        )
        for row in rows
    ]
    header = ("Answered", "Images", "Confidence at least", "Accuracy", "Low", "High")
    return Chart(plot.finish(caption, said), Table(caption, header, cells))
