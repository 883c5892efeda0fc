"""Reports on how well a run's model does: scores, mistakes and calibration."""

import numpy as np
import pandas as pd

from fer_core.evaluation import EvaluationReport, hide_empty_classes
from fer_core.reports import svg
from fer_core.reports.charts import coverage_chart, reliability_chart, score_chart
from fer_core.reports.material import Material
from fer_core.reports.parts import Charts, Paragraph, Part, Table
from fer_core.text import SPLIT_NAMES, counted

MOST_CLASSES = 14  # of a confusion matrix that fits on a page
_MOST_MISTAKES = 12
_MACRO = "macro average"


def accuracy_parts(material: Material) -> list[Part]:
    """Returns the accuracy on every split, with and without TTA, leaked images and known people."""
    if not material.evaluations:
        return [Paragraph("There are no predictions yet.")]
    rows = []
    for (split, tta), found in material.evaluations.items():
        score = found.score
        macro = found.scores.loc[_MACRO]
        rows.append(
            (
                SPLIT_NAMES[split] + (", 10 views" if tta else ""),
                f"{score.accuracy.total:,}",
                with_interval(score.accuracy.value, score.accuracy.low, score.accuracy.high),
                *(
                    "–"
                    if part is None
                    else f"{with_interval(part.value, part.low, part.high)}, n = {part.total:,}"
                    for part in (score.clean, score.unseen)
                ),
                with_interval(found.top_two.value, found.top_two.low, found.top_two.high),
                *(
                    with_interval(macro[name], macro[f"{name}_low"], macro[f"{name}_high"])
                    for name in ("recall", "f1")
                ),
            )
        )
    header = (
        *("Split", "Images", "Accuracy", "Without leaked images", "Without subjects of training"),
        *("Top 2", "Macro recall", "Macro F1"),
    )
    explained = (
        "Macro recall (balanced accuracy) and macro F1 weigh all classes the same. In parentheses: "
        "95 % intervals, after Wilson for shares, by bootstrap for the means over classes."
    )
    kept = [n for n in range(len(header)) if n < 2 or any(row[n] != "–" for row in rows)]
    shown = [[line[n] for n in kept] for line in (header, *rows)]
    return [Table("Scores by split", shown[0], shown[1:]), Paragraph(explained)]


def class_parts(found: EvaluationReport | None, where: str) -> list[Part]:
    """Returns the scores of each class, the confusion matrix and the most frequent mistakes.

    Args:
        where: what the predictions are on, such as "the test split".
    """
    if found is None:
        return []
    scores = hide_empty_classes(found.scores)
    rows = [
        (
            str(name),
            f"{row['images']:,.0f}",
            *(
                with_interval(row[part], row[f"{part}_low"], row[f"{part}_high"])
                for part in ("precision", "recall", "f1")
            ),
        )
        for name, row in scores.iterrows()
    ]
    header = ("Class", "Images", "Precision", "Recall", "F1")
    parts: list[Part] = [
        Table(f"Scores per class on {where}", header, rows),
        Charts([score_chart(found.scores, "f1", f"F1 per class on {where}")]),
    ]
    if len(found.class_names) <= MOST_CLASSES:
        parts.append(_confusion(found, where))
    return [*parts, *_mistakes(found, where)]


def _confusion(found: EvaluationReport, where: str) -> Table:
    matrix = found.confusion
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    rows = [
        (name, *(f"{count:,}" for count in line))
        for name, line in zip(found.class_names, matrix, strict=True)
    ]
    return Table(
        f"Confusion matrix on {where}: true class in rows, prediction in columns; "
        "darker is a larger share of the row",
        ("True \\ predicted", *map(svg.cut, found.class_names)),
        rows,
        shades=shares.tolist(),
    )


def _mistakes(found: EvaluationReport, where: str) -> list[Part]:
    matrix = found.confusion.copy()
    images = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    order = np.argsort(-matrix, axis=None, kind="stable")[:_MOST_MISTAKES]
    pairs = [divmod(int(place), len(matrix)) for place in order if matrix.flat[place]]
    rows = [
        (
            f"{found.class_names[truth]}, predicted as {found.class_names[answer]}",
            f"{matrix[truth, answer]:,}",
            f"{matrix[truth, answer] / images[truth]:.1%}",
        )
        for truth, answer in pairs
    ]
    header = ("Mistake", "Images", "Share of the true class")
    caption = f"Most frequent mistakes on {where}"
    return [Table(caption, header, rows)] if rows else []


def calibration_parts(found: EvaluationReport | None, where: str) -> list[Part]:
    """Returns how far the stated probabilities can be trusted.

    Args:
        where: what the predictions are on, such as "the test split".
    """
    if found is None:
        return []
    before, after = found.calibration_errors
    said = f"Expected calibration error on {where}: {before:.1%} as trained"
    if found.calibration is None or after is None:
        said += ". The model is not calibrated."
    else:
        said += (
            f", {after:.1%} with the temperature of {found.temperature:.3f} that was fitted on the "
            "validation split."
        )
    parts: list[Part] = [Paragraph(said)]
    if found.calibration is not None and (least := found.calibration.threshold) is not None:
        above, _ = found.split_at(least)
        known = (
            f"{counted(above.total, 'image')} of {len(found.predictions):,} pass, {above}"
            if above
            else "no image passes"
        )
        parts.append(
            Paragraph(
                f"Predictions with a confidence below {least:.1%} are given as “not sure”. On "
                f"{where}, {known}."
            )
        )
    charts = [reliability_chart(*found.reliability), coverage_chart(found.coverage)]
    return [*parts, Charts(charts)]


def with_interval(value: float, low: float, high: float) -> str:
    """Returns a share with its interval, "65.1% (63.9 to 66.2)"; "–" if it is undefined."""
    if pd.isna(value):
        return "–"
    if pd.isna(low) or pd.isna(high):
        return f"{value:.1%}"
    return f"{value:.1%} ({100 * low:.1f} to {100 * high:.1f})"
