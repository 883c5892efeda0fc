"""Reports on how the scores differ between slices of the images."""

import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport, slices
from fer_core.evaluation.slices import SliceColumn, SliceColumns, SliceReport
from fer_core.reports.material import Material, public
from fer_core.reports.parts import Paragraph, Part, Table
from fer_core.reports.score_parts import with_interval

_MOST_COLUMNS = 12
_MOST_SLICES = 15  # of a column


def slice_parts(material: Material) -> list[Part]:
    """Returns the scores by every column that has a few slices, the worst slice first."""
    found = material.main
    if found is None:
        return []
    columns = slices.slice_columns(found.calibrated, material.dataset)
    parts, methods = list[Part](), dict[str, None]()
    for column in [*columns.columns.values()][:_MOST_COLUMNS]:
        report = None if column.is_key else _sliced(found, columns, column)
        if report is not None:
            parts.append(_said(report))
            if report.table["enough"].any():
                parts.append(_table(report))
            methods[slices.describe_method(report)] = None
    if not parts:
        return []
    sentences = (*methods, *map(public, columns.missing))
    return [Paragraph(slices.CAVEAT), *parts, *map(Paragraph, sentences)]


def _sliced(
    found: EvaluationReport, columns: SliceColumns, column: SliceColumn
) -> SliceReport | None:
    """Scores the slices of a column; None if there are too many, or only one."""
    try:
        cut = slices.cut(column)
    except FerError:
        return None
    if len(cut.names) > _MOST_SLICES:
        return None
    return slices.evaluate_slices(
        found.calibrated, found.class_names, cut, subjects=columns.subjects, noun=columns.noun
    )


def _said(report: SliceReport) -> Paragraph:
    said = (report.slices.note, slices.describe_gap(report), slices.describe_differing(report))
    return Paragraph(" ".join(filter(None, said)))


def _table(report: SliceReport) -> Table:
    rows = []
    for row in report.table.to_dict("records"):
        scores = [
            with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])
            for name in ("accuracy", "recall", "f1")
        ]
        subjects = "–" if row["subjects"] < 0 else f"{row['subjects']:,}"
        p_value = "–" if pd.isna(row["corrected"]) else f"{row['corrected']:.3f}"
        rows.append((str(row["slice"]), f"{row['images']:,}", subjects, *scores, p_value))
    header = (
        *("Slice", "Images", report.noun[1].capitalize()),
        *("Accuracy", "Macro recall", "Macro F1", "p against the rest (Holm)"),
    )
    return Table(f"Scores by {report.slices.column}, the worst slice first", header, rows)
