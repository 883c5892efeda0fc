"""Puts together the report on a run."""

from datetime import datetime

from fer_core import __version__
from fer_core.model_io import PROHIBITED_USES
from fer_core.reports.data_parts import data_parts
from fer_core.reports.evidence import evidence_of
from fer_core.reports.face_parts import face_parts
from fer_core.reports.material import Material, read_material
from fer_core.reports.page import render
from fer_core.reports.parts import Paragraph, Points, Report, Section
from fer_core.reports.score_parts import accuracy_parts, calibration_parts, class_parts
from fer_core.reports.settings_parts import (
    command_parts,
    environment_parts,
    settings_parts,
    title_of,
    training_parts,
)
from fer_core.reports.slice_parts import slice_parts
from fer_core.runs import Run
from fer_core.text import SPLIT_NAMES


def run_html(run: Run, *, faces: bool = False) -> str:
    """Returns the report on a run as HTML; the arguments are those of `report_on`."""
    return render(report_on(run, faces=faces))


def report_on(run: Run, *, faces: bool = False) -> Report:
    """Reports on a run, whatever its state; what it does not have is said.

    Args:
        faces: whether to show faces; otherwise no image of the dataset is in it.

    Raises:
        FerError: the run cannot be read.
    """
    material = read_material(run)
    where = f"the {SPLIT_NAMES[material.split].lower()} split"
    sections = [
        Section("How far these results carry", [Points(evidence_of(material))]),
        Section("Scores", accuracy_parts(material)),
        Section("Scores and mistakes per class", class_parts(material.main, where)),
        Section("Slices", slice_parts(material)),
        Section("Calibration", calibration_parts(material.main, where)),
        Section("Data", data_parts(material)),
        Section("Settings", settings_parts(run)),
        Section("Training", training_parts(material)),
        Section("Faces", face_parts(material) if faces else []),
        Section("Environment", environment_parts(run)),
        Section("Commands", command_parts(run)),
        Section("Intended use", [Paragraph(PROHIBITED_USES)]),
        Section("Notes", [Paragraph(run.notes.note)] if run.notes.note else []),
    ]
    return Report(
        title_of(run),
        f"Run {run.id}, {run.state}",
        f"Made by FER Studio {__version__} on {datetime.now():%Y-%m-%d at %H:%M}",
        _results(material),
        sections,
    )


def _results(material: Material) -> list[tuple[str, str, str]]:
    results = []
    for (split, tta), found in material.evaluations.items():
        if tta:
            continue
        accuracy, name = found.score.accuracy, SPLIT_NAMES[split]
        span = f"95 % interval {accuracy.low:.1%} to {accuracy.high:.1%}"
        results.append(
            (f"{name} accuracy", f"{accuracy.value:.1%}", f"{span}, {accuracy.total:,} images")
        )
    if (main := material.main) is not None:
        macro = main.scores.loc["macro average"]
        where = SPLIT_NAMES[material.split].lower()
        span = f"{macro['f1_low']:.1%} to {macro['f1_high']:.1%}"
        results.append((f"Macro F1, {where}", f"{macro['f1']:.1%}", f"95 % interval {span}"))
    return results
