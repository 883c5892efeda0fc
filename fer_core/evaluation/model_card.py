"""The card of a network that ships with the program: what it is, how good, and what not for.

After Mitchell and others, "Model Cards for Model Reporting", 2019.
"""

import contextlib
import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from fer_core import datasets
from fer_core.errors import FerError
from fer_core.evaluation.calibration import DEFAULT_MIN_ACCURACY, calibration_error
from fer_core.evaluation.metrics import accuracy, class_report, confusion, without_leaks
from fer_core.runs import RECIPES, Augmentation, Run, TrainConfig, corrections_of, open_run
from fer_core.storage import write_text
from fer_core.text import SPLIT_NAMES

CARD = "model_card.md"

_NOT_FOR = """## What it must not be used for

**A face's expression is not a person's emotion.** The network says which of the class names people
would give to a picture of a face; what someone feels cannot be read from it. Use it to learn, to
teach and to measure how such networks do. Do not use it to judge, select or watch people.

In the European Union it is prohibited to infer the emotions of people at work or in education by
such a system, except for medical or safety reasons: Regulation (EU) 2024/1689 (AI Act), Article
5(1)(f), in force since 2 February 2025, https://eur-lex.europa.eu/eli/reg/2024/1689/oj.
"""
_FER2013 = """FER2013 (Goodfellow and others, "Challenges in Representation Learning", 2013): gray
faces of 48×48 pixels with one of seven expressions, as the challenge split them. The images were
collected by web search, so their rights are unclear, and who is shown, and how evenly, is not
known. Labels are noisy: its authors put human accuracy at 65 ± 5 %. Hundreds of the images to
validate and to test on are also among those to train on; the accuracy without these stands beside.
"""


def read_card(run: Run) -> str:
    """The card's text, Markdown; empty where the run has none."""
    try:
        return (run.directory / CARD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def write_card(run: Run, title: str, notes: str = "", seeds: Sequence[Run] = ()) -> None:
    """Writes the card of a finished run, from its files.

    Args:
        notes: what no file tells, Markdown: what was tried, how fast it is.
        seeds: other runs of the same settings, to give mean and spread of.

    Raises:
        FerError: the run has no predictions.
    """
    parts = [
        f"# {title}\n",
        _about(run),
        _NOT_FOR,
        _data(run),
        _scores(run),
        _of_seeds([run, *seeds]) if seeds else "",
        _classes(run),
        notes.strip() + "\n" if notes else "",
        _again(run),
    ]
    write_text(run.directory / CARD, "\n".join(part for part in parts if part))


def command(config: TrainConfig) -> str:
    """What trains such a run in a terminal: the recipe, and the settings that differ from it.

    The precision is always named: what is fastest differs between machines.
    """
    recipe = RECIPES[config.recipe].config
    changed: list[tuple[str, Any]] = [("precision", config.precision)]
    for ours, theirs, record in (
        (config, recipe, TrainConfig),
        (config.augmentation, recipe.augmentation, Augmentation),
    ):
        changed += [
            (each.name, getattr(ours, each.name))
            for each in fields(record)
            if getattr(ours, each.name) != getattr(theirs, each.name)
            and each.name not in ("dataset", "recipe", "augmentation", "precision")
        ]
    words = ["train", "--dataset", config.dataset, "--recipe", config.recipe]
    for name, value in changed:
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{flag}", *map(str, values)]
    return f"python -m fer_core {shlex.join(words)}"


def _about(run: Run) -> str:
    config, history = run.config, run.history
    recipe = RECIPES[config.recipe]
    height, width = config.image_size
    kind = "gray" if config.channels == 1 else "RGB"
    hours = sum(each.history["seconds"].sum() for each in _lineage(run)) / 3600
    result = run.result
    best = f"epoch {result.best_epoch + 1} of " if result and result.best_epoch is not None else ""
    return (
        f"{recipe.description} Recipe `{config.recipe}` (“{recipe.title}”), {kind} faces of "
        f"{height}×{width} pixels, {len(run.class_names)} expressions: "
        f"{', '.join(run.class_names)}. {_beginning(run)}Trained for {hours:.1f} hours on a "
        f"processor; the network is that of {best}{len(history)}, which was best on the validation "
        "split.\n"
    )


def _beginning(run: Run) -> str:
    *before, _ = _lineage(run)
    if not run.config.initial_run:
        return ""
    epochs = " and ".join(str(len(each.history)) for each in before)
    trained = f", trained before (epochs: {epochs})" if before else ""
    return f"It goes on from the weights of {run.config.initial_run}{trained}. "


def _lineage(run: Run) -> list[Run]:
    """The run, and before it those that it goes on from, as far as they are still there."""
    runs = [run]
    with contextlib.suppress(ValueError):
        # A name may have been given anew to one that came later.
        while runs[0].config.initial_run not in ("", *(each.id for each in runs)):
            runs.insert(0, open_run(runs[0].config.initial_run))
    return runs


def _data(run: Run) -> str:
    counts = run.counts.sum()
    numbers = ", ".join(f"{counts[split]:,} in {split}" for split in counts.index)
    origin = _FER2013 if run.config.dataset == "fer2013" else f"{run.config.dataset}.\n"
    overlay = corrections_of(run)
    if overlay:
        corrected = datasets.describe_corrections(overlay)
        numbers += f". Corrections: {corrected} (`overlay.csv` beside this card)"
    return f"## Data\n\n{origin}\nImages: {numbers}.\n"


def _scores(run: Run) -> str:
    lines = [
        "## Accuracy",
        "",
        "With 95 % intervals (Wilson). The validation split chose the epoch and the settings, the "
        "test split was opened once, at the end.",
        "",
        "| split | views | all images | without those that are in training too "
        "| calibration error, before → after |",
        "|---|---|---|---|---|",
    ]
    for split in ("val", "test"):
        name = SPLIT_NAMES[split].lower()
        for averaged in (False, True):
            predictions = run.predictions(split, averaged=averaged)
            if predictions is None:
                continue
            clean = without_leaks(predictions)
            lines.append(
                f"| {name} | {'ten, averaged' if averaged else 'one'} | {accuracy(predictions)} "
                f"| {accuracy(clean) if clean is not None else ''} "
                f"| {_errors(run, predictions, averaged)} |"
            )
    lines += [
        "",
        "The calibration error is the expected one, over 15 bins: how far confidence and accuracy "
        "are apart. The temperatures were fitted on the validation split; probabilities are shown "
        f"with them. {_temperatures(run)}",
        *_thresholds(run),
        "",
    ]
    return "\n".join(lines)


def _errors(run: Run, predictions: pd.DataFrame, averaged: bool) -> str:
    calibration = run.calibration(averaged=averaged)
    after = "?"
    if calibration is not None:
        after = f"{calibration_error(predictions, calibration.temperature):.1%}"
    return f"{calibration_error(predictions):.1%} → {after}"


def _temperatures(run: Run) -> str:
    found = {"One view": run.calibration(), "ten views": run.calibration(averaged=True)}
    known = [f"{name}: {each.temperature:.3f}" for name, each in found.items() if each is not None]
    return ", ".join(known) + "."


def _thresholds(run: Run) -> list[str]:
    """How sure it must be, a paragraph; none where no threshold was recorded."""
    known = {"one view": run.calibration(), "ten views": run.calibration(averaged=True)}
    said = [
        f"{name}: {each.threshold:.1%}"
        for name, each in known.items()
        if each is not None and each.threshold is not None
    ]
    if not said:
        return []
    return [
        "",
        f"Less probable answers are “not sure” ({', '.join(said)}): from there on "
        f"{DEFAULT_MIN_ACCURACY:.0%} of "
        "the answers are right on validation, counted without images that are in training too.",
    ]


def _of_seeds(runs: Sequence[Run]) -> str:
    tables = [(run.config.seed, run.predictions("val")) for run in runs]
    scores = {seed: accuracy(table).value for seed, table in tables if table is not None}
    values = np.array(list(scores.values()))
    each = ", ".join(f"{value:.1%} (seed {seed})" for seed, value in sorted(scores.items()))
    return (
        f"The same settings with other random numbers, on the validation split: {each}. Mean "
        f"{values.mean():.1%}, standard deviation {values.std(ddof=1):.1%}.\n"
    )


def _classes(run: Run) -> str:
    split = "test" if run.predictions("test") is not None else "val"
    predictions = run.predictions(split)
    if predictions is None:
        raise FerError(f"{run.id} must have predictions for its card. It is {run.state}.")
    scores = class_report(predictions, run.class_names)
    shares = scores[["precision", "recall", "f1"]].map("{:.1%}".format)
    table = _markdown(shares.assign(images=scores["images"].map("{:,}".format)))
    matrix = pd.DataFrame(
        confusion(predictions, run.class_names),
        index=pd.Index(run.class_names, name="true ↓, answered →"),
        columns=list(run.class_names),
    )
    name = SPLIT_NAMES[split].lower()
    return f"## Each expression, on {name}\n\n{table}\n\n{_markdown(matrix)}\n"


def _again(run: Run) -> str:
    environment = run.environment
    versions = ", ".join(
        str(environment[name]) for name in ("backend", "platform") if name in environment
    )
    configs = [each.config for each in _lineage(run)]
    # Which id an earlier run will get is not known before.
    named = [configs[0], *(replace(each, initial_run="RUN") for each in configs[1:])]
    commands = "\n".join(map(command, named))
    before = "RUN is the id that the run before it gets.\n\n" if len(configs) > 1 else ""
    return (
        f"## Again\n\n```\n{commands}\n```\n\n{before}"
        f"Keras {environment.get('keras', '?')}, {versions}.\n"
    )


def _markdown(table: pd.DataFrame) -> str:
    header = [str(table.index.name), *map(str, table.columns)]
    rows = [header, ["---"] * len(header)]
    rows += [
        [str(name), *map(str, row)] for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
