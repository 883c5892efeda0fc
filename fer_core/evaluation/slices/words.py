"""Puts the scores of slices into sentences, and into a record for other programs."""

from typing import Any

import numpy as np

from fer_core.evaluation.slices.table import MIN_SUBJECTS, SliceReport
from fer_core.text import counted, shortened, some

CAVEAT = (
    "Such a table shows where the model is wrong more often on these images, not why: slices also "
    "differ in their expressions, in the quality of their labels and in all else that goes along "
    "with the column. It cannot show that people are treated alike: a gap that is not found may "
    "hide in a small slice or in a column that was not examined, and with many columns some gap "
    "is found by chance."
)


def describe_gap(report: SliceReport) -> str:
    """Returns a sentence on the largest gap, and one on whether chance explains it."""
    gap, column = report.gap, shortened(report.slices.column)
    if gap is None:
        return f"Fewer than two slices by {column} have enough images to be compared."
    scores = report.table.set_index("slice")["accuracy"]
    said = (
        f"The largest gap by {column}: the model is right on {scores[gap.best]:.1%} of the images "
        f"in “{shortened(gap.best)}” and on {scores[gap.worst]:.1%} in “{shortened(gap.worst)}”, "
        f"{100 * gap.value:.1f} points less (95 % interval: {100 * gap.low:.1f} to "
        f"{100 * gap.high:.1f} points"
    )
    said += f", allowing for {gap.pairs:,} pairs of slices). " if gap.pairs > 1 else "). "
    if gap.is_clear:
        return f"{said}Chance hardly explains it."
    return f"{said}The interval contains 0: it may be chance."


def describe_differing(report: SliceReport) -> str:
    """Returns a sentence on the slices that differ from the rest."""
    tested = int(report.table["enough"].sum())
    found = report.differing["slice"].tolist()
    if not tested:
        return ""
    if not found:
        return f"None of {counted(tested, 'slice')} differs from the rest of the images."
    verb = "differs" if len(found) == 1 else "differ"
    return f"{len(found):,} of {counted(tested, 'slice')} {verb} from the rest: {some(found)}."


def describe_method(report: SliceReport) -> str:
    """Returns sentences on intervals and tests, and over what they are."""
    one, many = report.noun
    if report.subjects is not None:
        return (
            f"Intervals are bootstrapped over {counted(report.subjects, one, many)}, not over "
            f"images, and the tests of each slice against the rest are score tests over {many}; "
            "p-values are corrected by Holm's method."
        )
    said = (
        "Intervals of accuracy are Wilson's, the others are bootstrapped over images. Each slice "
        "is tested against the rest by a chi-square test, or by Fisher's exact test where a cell "
        "has few images; p-values are corrected by Holm's method. "
    )
    if report.slices.is_key:
        return said + f"Every slice is one {one}: they say nothing about other {many}."
    return said + (
        "Nothing tells whom the images show: images of one person are not independent, so that "
        "true intervals are wider and true p-values larger."
    )


def describe_skipped(report: SliceReport) -> str:
    """Returns sentences on slices with too few images, and on images in no slice; "" if none."""
    few = report.table[~report.table["enough"]]
    said = []
    if len(few):
        limit = f"fewer than {report.minimum:,} images"
        if report.subjects is not None:
            limit += f" or {MIN_SUBJECTS} {report.noun[1]}"
        sizes = zip(few["slice"], few["images"], strict=True)
        names = some([f"{name} ({images:,})" for name, images in sizes], 8)
        said.append(f"Too few to claim anything, with {limit}: {names}.")
    if report.slices.without_value:
        images = counted(report.slices.without_value, "image has", "images have")
        said.append(f"{images} no value of {shortened(report.slices.column)} and are in no slice.")
    return " ".join(said)


def slice_record(report: SliceReport) -> dict[str, Any]:
    """Returns the report as JSON can hold it: numbers that are not known are None."""
    table = report.table.drop(columns=["code", *(["subjects"] if report.subjects is None else [])])
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    gap = report.gap
    return {
        "column": report.slices.column,
        "cut": report.slices.note,
        "minimum": report.minimum,
        "resampled": "images" if report.subjects is None else report.noun[1],
        "slices": [{name: _plain_value(value) for name, value in row.items()} for row in rows],
        "without_value": report.slices.without_value,
        "gap": None
        if gap is None
        else {
            "worst": gap.worst,
            "best": gap.best,
            "value": gap.value,
            "low": gap.low,
            "high": gap.high,
            "pairs": gap.pairs,
        },
        "sentences": [
            describe_gap(report),
            describe_differing(report),
            describe_skipped(report),
            describe_method(report),
        ],
    }


def _plain_value(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
