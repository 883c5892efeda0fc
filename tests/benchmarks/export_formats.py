"""Exports the pretrained model, and two untrained ones, to every format, and compares them.

    python -m tests.benchmarks.export_formats [--recipes cnn_residual cnn_classic] [--formats onnx]

Without `--recipes` all three: the pretrained residual CNN, and the classic CNN and VGG19 + dropout
with fresh weights (VGG19's layers have ImageNet's, where VGG19_WEIGHTS names them). A format whose
package is missing is left out. Prints a row of a Markdown table for each export, as its report on
the Runs page tells, on 64 drawn faces: the largest difference of a probability from Keras's, faces
with the same label, size, CPU seconds of imports and loading, and CPU milliseconds a face on one
core, one at a time and in batches of 32. The first row of a model is Keras with its own file.
"""

import argparse
import os
import tempfile

from fer_core.model_io import FORMATS, ExportReport, Timing
from fer_core.model_io.export_task import export_model
from fer_core.runs import Run, list_runs

PRETRAINED = "cnn_residual"
RECIPES = (PRETRAINED, "cnn_classic", "vgg19_dropout")


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=RECIPES)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    options = parser.parse_args()
    formats = [FORMATS[name] for name in options.formats if not FORMATS[name].missing]
    header = ("model", "format", "difference", "labels", "MB", "s to load", "ms, 1", "ms, 32", "")
    print(f"| {' | '.join(header)} |\n|{len(header) * '---|'}", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as workspace:
        os.environ["FER_HOME"] = workspace
        for recipe in options.recipes:
            run = list_runs()[-1] if recipe == PRETRAINED else untrained(recipe)
            for number, format in enumerate(formats):
                report = export_model(run, format).report
                if number == 0:
                    echo_row(recipe, "Keras", ("", ""), report.model)
                echo_row(recipe, format.label, compared(report), report.export, report.failure)


def untrained(recipe: str) -> Run:
    """Returns a run with fresh weights."""
    from tests.model_io.test_export import untrained_run

    weights = os.environ.get("VGG19_WEIGHTS", "") if recipe.startswith("vgg") else ""
    return untrained_run(recipe, weights or "none")


def compared(report: ExportReport) -> tuple[str, str]:
    """Returns how far an export is from its model."""
    return f"{report.largest_difference:.1g}", f"{report.agreeing} of {report.faces}"


def echo_row(
    model: str, label: str, found: tuple[str, str], timing: Timing, note: str = ""
) -> None:
    """Prints a row of the table."""
    numbers = (timing.load_seconds, timing.one_ms, timing.batch_ms)
    cells = (
        model,
        label,
        *found,
        f"{timing.size / 1e6:.2f}",
        *(f"{n:.2f}" for n in numbers),
        note,
    )
    print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
