"""Writes the model card of a pretrained model.

After Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core import datasets
from fer_core.errors import FerError
from fer_core.evaluation import (
    CARD,
    DEFAULT_MIN_ACCURACY,
    accuracy,
    calibration_error,
    confusion,
    score,
    score_classes,
    without_leaks,
)
from fer_core.runs import (
    RECIPES,
    Calibration,
    Run,
    corrections_of,
    lineage,
    training_commands,
)
from fer_core.storage import write_text
from fer_core.text import SPLIT_NAMES

_OUT_OF_SCOPE = """## Out-of-scope use

**A facial expression is not an emotion.** The model predicts which class name people would assign
to an image of a face; it cannot tell what someone feels. Use it for learning, teaching and
benchmarking. Do not use it to judge, select or monitor people.

In the European Union, it is prohibited to use such a system to infer emotions in the workplace and
in education, except for medical or safety reasons: Regulation (EU) 2024/1689 (AI Act), Article
5(1)(f), applicable since 2 February 2025, https://eur-lex.europa.eu/eli/reg/2024/1689/oj.
"""
_FER2013 = """FER2013 (Goodfellow et al., "Challenges in Representation Learning", 2013): gray
faces of 48×48 pixels, labeled with one of seven expressions, with the splits of the challenge. The
images were collected by web search: their copyright status is unclear, and the demographics are
unknown. Labels are noisy; the authors estimate human accuracy at 65 ± 5 %. Hundreds of validation
and test images are duplicates of training images; accuracy is also given without these.
"""


def write_card(run: Run, title: str, notes: str = "", seeds: Sequence[Run] = ()) -> None:
    """Writes the card of a finished run.

    Args:
        run: with predictions.
        title: of the card.
        notes: additional Markdown, such as experiments and speed.
        seeds: runs of the same settings with other seeds, for mean and standard deviation.

    Raises:
        FerError: the run has no predictions.
    """
    parts = [
        f"# {title}\n",
        _about(run),
        _OUT_OF_SCOPE,
        _data(run),
        _scores(run),
        _seeds([run, *seeds]) if seeds else "",
        _classes(run),
        notes.strip() + "\n" if notes else "",
        _reproduce(run),
    ]
    write_text(run.directory / CARD, "\n".join(part for part in parts if part))


def _about(run: Run) -> str:
    config, history = run.config, run.history
    recipe = RECIPES[config.recipe]
    height, width = config.image_size
    kind = "gray" if config.channels == 1 else "RGB"
    hours = sum(each.history["seconds"].sum() for each in lineage(run)) / 3600
    result = run.result
    best = f"epoch {result.best_epoch + 1} of " if result and result.best_epoch is not None else ""
    return (
        f"{recipe.description} Recipe `{config.recipe}` (“{recipe.title}”), {kind} faces of "
        f"{height}×{width} pixels, {len(run.class_names)} expressions: "
        f"{', '.join(run.class_names)}. {_initial_weights(run)}Trained for {hours:.1f} hours on "
        f"{_device(run)}; the weights are from {best}{len(history)}, the best on the validation "
        "split.\n"
    )


def _device(run: Run) -> str:
    """Describes the device that environment.json records."""
    devices = [str(device).casefold() for device in run.environment.get("devices", ())]
    for kind in ("gpu", "tpu"):
        count = sum(kind in device for device in devices)
        if count:
            return f"a {kind.upper()}" if count == 1 else f"{count} {kind.upper()}s"
    return "a CPU"


def _initial_weights(run: Run) -> str:
    *before, _ = lineage(run)
    if not run.config.initial_run:
        return ""
    epochs = " and ".join(str(len(each.history)) for each in before)
    trained = f" (epochs: {epochs})" if before else ""
    return f"It starts from the weights of {run.config.initial_run}{trained}. "


def _data(run: Run) -> str:
    counts = run.counts.sum()
    numbers = ", ".join(f"{counts[split]:,} in {split}" for split in counts.index)
    origin = _FER2013 if run.config.dataset == "fer2013" else f"{run.config.dataset}.\n"
    corrections = corrections_of(run)
    if corrections:
        corrected = datasets.describe_corrections(corrections)
        numbers += f". Corrections: {corrected} (`overlay.csv` next to this card)"
    return f"## Data\n\n{origin}\nImages: {numbers}.\n"


def _scores(run: Run) -> str:
    lines = [
        "## Accuracy",
        "",
        "With 95 % confidence intervals (Wilson). Epoch and settings were chosen on the validation "
        "split; the test split was opened once, at the end.",
        "",
        "| split | TTA | all images | without images leaked from training "
        "| ECE, before → after calibration |",
        "|---|---|---|---|---|",
    ]
    seen = []
    for split in ("val", "test"):
        name = SPLIT_NAMES[split].lower()
        for tta in (False, True):
            predictions = run.predictions(split, tta=tta)
            if predictions is None:
                continue
            if not tta and (said := score(predictions).describe_seen()):
                seen.append(f"In {name}: {said}")
            clean = without_leaks(predictions)
            lines.append(
                f"| {name} | {'10 views' if tta else 'no'} | {accuracy(predictions)} "
                f"| {accuracy(clean) if clean is not None else ''} "
                f"| {_calibration_errors(run, predictions, tta)} |"
            )
    lines += [
        "",
        "TTA is test-time augmentation; ECE is the expected calibration error over 15 bins. The "
        "temperatures were fitted on the validation split and are applied to all probabilities "
        f"shown. {_temperatures(run)}",
        *_thresholds(run),
        *seen,
        "",
    ]
    return "\n".join(lines)


def _calibration_errors(run: Run, predictions: pd.DataFrame, tta: bool) -> str:
    calibration = run.calibration(tta=tta)
    after = "?"
    if calibration is not None:
        after = f"{calibration_error(predictions, calibration.temperature):.1%}"
    return f"{calibration_error(predictions):.1%} → {after}"


def _temperatures(run: Run) -> str:
    known = [f"{name}: {each.temperature:.3f}" for name, each in _calibrations(run).items()]
    return f"Temperatures: {', '.join(known)}." if known else ""


def _calibrations(run: Run) -> dict[str, Calibration]:
    known = {"without TTA": run.calibration(), "with TTA": run.calibration(tta=True)}
    return {name: each for name, each in known.items() if each is not None}


def _thresholds(run: Run) -> list[str]:
    """Returns the paragraph on abstention; empty if no threshold is recorded."""
    thresholds = [
        f"{name}: {each.threshold:.1%}"
        for name, each in _calibrations(run).items()
        if each.threshold is not None
    ]
    if not thresholds:
        return []
    return [
        "",
        f"Predictions below a threshold are “not sure” ({', '.join(thresholds)}): above it, "
        f"{DEFAULT_MIN_ACCURACY:.0%} are correct on the validation split without leaked images. "
        "This holds for images like those only; on images of another kind fewer may be correct.",
    ]


def _seeds(runs: Sequence[Run]) -> str:
    tables = [(run.config.seed, run.predictions("val")) for run in runs]
    scores = {seed: accuracy(table).value for seed, table in tables if table is not None}
    values = np.array(list(scores.values()))
    each = ", ".join(f"{value:.1%} (seed {seed})" for seed, value in sorted(scores.items()))
    return (
        f"Accuracy of the same settings with several seeds, on the validation split: {each}. Mean "
        f"{values.mean():.1%}, standard deviation {values.std(ddof=1):.1%}.\n"
    )


def _classes(run: Run) -> str:
    split = "test" if run.predictions("test") is not None else "val"
    predictions = run.predictions(split)
    if predictions is None:
        raise FerError(f"{run.id} has no predictions for a model card. It is {run.state}.")
    matrix = confusion(predictions, run.class_names)
    scores = score_classes(matrix, run.class_names)
    shares = scores[["precision", "recall", "f1"]].map("{:.1%}".format)
    table = _markdown(shares.assign(images=scores["images"].map("{:,}".format)))
    confusion_table = pd.DataFrame(
        matrix,
        index=pd.Index(run.class_names, name="true ↓, predicted →"),
        columns=list(run.class_names),
    )
    name = SPLIT_NAMES[split].lower()
    return f"## Scores per expression ({name})\n\n{table}\n\n{_markdown(confusion_table)}\n"


def _reproduce(run: Run) -> str:
    environment = run.environment
    versions = ", ".join(
        str(environment[name]) for name in ("backend", "platform") if name in environment
    )
    trained = training_commands(run)
    commands = "\n".join(trained)
    before = (
        "RUN is the id of the run that the previous command creates.\n\n"
        if len(trained) > 1
        else ""
    )
    return (
        f"## Reproduce\n\n```\n{commands}\n```\n\n{before}"
        f"Keras {environment.get('keras', '?')}, {versions}.\n"
    )


def _markdown(table: pd.DataFrame) -> str:
    header = [str(table.index.name), *map(str, table.columns)]
    rows = [header, ["---"] * len(header)]
    rows += [
        [str(name), *map(str, row)] for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
