"""Puts together the report on an experiment: of folds, seeds or a sweep."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import isnan

from fer_core import __version__
from fer_core.datasets import UNITS
from fer_core.evaluation import EvaluationReport, Interval
from fer_core.experiments import (
    FOLDS,
    SEEDS,
    Experiment,
    FoldResults,
    TrialSummary,
    best_trial,
    fold_results,
    optimism,
    summarize,
)
from fer_core.model_io import PROHIBITED_USES
from fer_core.reports import svg
from fer_core.reports.charts import SPLIT_COLORS
from fer_core.reports.data_parts import data_parts
from fer_core.reports.material import Material, public, read_material
from fer_core.reports.page import render
from fer_core.reports.parts import (
    Chart,
    Charts,
    Commands,
    Paragraph,
    Part,
    Points,
    Report,
    Section,
    Table,
)
from fer_core.reports.score_parts import calibration_parts, class_parts, with_interval
from fer_core.reports.settings_parts import config_parts, environment_parts
from fer_core.runs import RECIPES, SETTINGS, TrainConfig, training_command
from fer_core.tasks import TaskState
from fer_core.text import counted

_MOST_COMMANDS = 50
_POOLED = "all folds together"


def experiment_html(experiment: Experiment) -> str:
    """Returns the report on an experiment as HTML; see `report_on_experiment`."""
    return render(report_on_experiment(experiment))


def report_on_experiment(experiment: Experiment) -> Report:
    """Reports on an experiment, whether or not all of its runs have ended.

    Raises:
        FerError: its files, or those of a run, are damaged.
    """
    plan, found = experiment.plan, summarize(experiment)
    results = fold_results(experiment) if plan.kind == FOLDS else None
    pooled = None
    if results is not None and results.done:
        pooled = EvaluationReport(results.pooled, results.class_names)
    runs = experiment.runs
    material = read_material(runs[0]) if runs else None
    evidence = _evidence(found, results, material, plan.kind)
    sections = [
        Section("How far these results carry", [Points(evidence)]),
        Section("Scores", _score_parts(found, results, plan.kind)),
        Section("Scores and mistakes per class", class_parts(pooled, _POOLED)),
        Section("Calibration", calibration_parts(pooled, _POOLED)),
        Section("Runs", [_run_table(found)]),
        Section("Data", data_parts(material, with_splits=plan.kind != FOLDS) if material else []),
        Section("Settings of all runs", config_parts(plan.base, without=plan.varied)),
        Section("Environment of the first run", environment_parts(runs[0]) if runs else []),
        Section("Commands", _command_parts(experiment, results)),
        Section("Intended use", [Paragraph(PROHIBITED_USES)]),
    ]
    kind = "Cross-validation" if plan.kind == FOLDS else f"Experiment ({plan.kind})"
    return Report(
        experiment.title,
        f"{kind} of {counted(plan.count, 'run')} on {plan.base.dataset}, {experiment.state}",
        f"Made by FER Studio {__version__} on {datetime.now():%Y-%m-%d at %H:%M}",
        _results(results),
        sections,
    )


def _results(results: FoldResults | None) -> list[tuple[str, str, str]]:
    if results is None or not results.done:
        return []
    scores, (_, several) = results.scores, UNITS[results.unit]
    return [
        (name, f"{part.value:.1%}", of if isnan(part.low) else f"95 % interval {_span(part)}, {of}")
        for name, part, of in (
            ("Accuracy", scores.accuracy, f"{scores.clusters:,} {several}"),
            ("Macro F1", scores.f1, f"{scores.clusters:,} {several}"),
            (f"Mean over {several}", scores.mean, f"each of the {several} counts the same"),
        )
    ]


def _span(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


def _evidence(
    found: Sequence[TrialSummary],
    results: FoldResults | None,
    material: Material | None,
    kind: str,
) -> list[str]:
    states = [each.overview.state for each in found if each.overview is not None]
    ended = sum(not state.is_active for state in states)
    notes = list(material.problems) if material else []
    if ended < len(found) and results is None:  # which tells it of folds
        runs = counted(len(found), "run")
        notes.append(f"{ended} of {runs} have ended: the numbers are provisional.")
    if failed := states.count(TaskState.FAILED):
        notes.append(f"{counted(failed, 'run')} failed and are in no score.")
    if results is not None:
        notes += results.describe() if results.done else ["No fold has finished yet."]
        notes.append("The test split, if there is one, is in no fold, and was not looked at.")
    elif kind == SEEDS:
        notes.append("The runs differ in their seed only: their spread is that of training itself.")
    elif (above := optimism(list(found))) is not None:
        notes.append(
            "The best of several runs was chosen on the validation split. If all were equally "
            f"good, the best would still look better by up to about {100 * above:.1f} points."
        )
    return notes or ["There are no results yet."]


def _score_parts(
    found: Sequence[TrialSummary], results: FoldResults | None, kind: str
) -> list[Part]:
    if results is not None:
        return _fold_parts(results)
    accuracies = [each.val_accuracy for each in found if each.val_accuracy is not None]
    if not accuracies:
        return [Paragraph("No run has been validated yet.")]
    low, high, mean = min(accuracies), max(accuracies), statistics.mean(accuracies)
    said = f"Best validation accuracies of {counted(len(accuracies), 'run')}: {low:.1%} to "
    said += f"{high:.1%}, {mean:.1%} in the mean"
    if kind == SEEDS and len(accuracies) > 1:
        said += f", with a standard deviation of {100 * statistics.stdev(accuracies):.1f} points"
    parts: list[Part] = [Paragraph(f"{said}.")]
    best = best_trial(list(found))
    if kind != SEEDS and best is not None and best.trial.run is not None:
        parts.append(Paragraph(f"Best run: {best.trial.run.id}. It has a report of its own."))
    return parts


def _fold_parts(results: FoldResults) -> list[Part]:
    if not results.done:
        return [Paragraph("No fold has finished yet.")]
    scores, (_, several) = results.scores, UNITS[results.unit]
    pooled = [
        (name, with_interval(part.value, part.low, part.high))
        for name, part in (
            ("Accuracy", scores.accuracy),
            ("Macro recall", scores.recall),
            ("Macro F1", scores.f1),
            (f"Mean accuracy over {several}", scores.mean),
        )
    ]
    caption = f"Scores of all folds together, with 95 % intervals over {several}"
    values, rows = [], []
    for fold in results.done:
        accuracy, macro = fold.accuracy, fold.macro(results.class_names)
        if accuracy is None or macro is None:
            continue
        name = f"Fold {fold.number}"
        values.append((name, accuracy.value, accuracy.low, accuracy.high))
        cell = with_interval(accuracy.value, accuracy.low, accuracy.high)
        shares = (f"{macro[0]:.1%}", f"{macro[1]:.1%}")
        rows.append((name, f"{len(fold.units):,}", f"{accuracy.total:,}", cell, *shares))
    header = ("Fold", several.capitalize(), "Images", "Accuracy", "Macro recall", "Macro F1")
    table = Table("Scores of each fold, with 95 % intervals over images", header, rows)
    title = "Accuracy of each fold"
    reached = [value for _, value, _, _ in values]
    said = f"From {min(reached):.1%} to {max(reached):.1%}."
    chart = svg.intervals(values, SPLIT_COLORS["train"], title, said)
    named = replace(table, caption=title)
    return [
        Table(caption, ("Score", "Value"), pooled),
        table,
        Charts([Chart(chart, named, is_beside_table=True)]),
    ]


def _run_table(found: Sequence[TrialSummary]) -> Table:
    names = list(dict.fromkeys(name for each in found for name in each.settings))
    labels = [SETTINGS[name].label if name in SETTINGS else name.capitalize() for name in names]
    rows = []
    for each in found:
        view, run = each.overview, each.trial.run
        state = "deleted" if each.trial.is_deleted else "not started"
        best = "–" if each.val_accuracy is None else f"{each.val_accuracy:.1%}"
        settings = [public(str(each.settings.get(name, "–"))) for name in names]
        told = (str(view.state), f"{view.epochs} of {view.goal}") if view else (state, "–")
        name = run.id if run else "–"
        rows.append((str(each.trial.number + 1), *settings, *told, best, name))
    header = ("Run", *labels, "State", "Epochs", "Best validation accuracy", "ID")
    return Table("All runs", header, rows, texts=True)


def _command_parts(experiment: Experiment, results: FoldResults | None) -> list[Part]:
    plan = experiment.plan
    lines = []
    if plan.base.recipe in RECIPES:
        if results is not None:
            lines.append(_cross_validation(plan.base, plan.count))
        else:
            runs = [run.config for run in experiment.runs]
            lines += [training_command(config) for config in runs[:_MOST_COMMANDS]]
    lines.append(f"python -m fer_core report {experiment.id}")
    said = f"The dataset {plan.base.dataset} must be in the workspace."
    return [Commands([*map(public, lines)]), Paragraph(said)]


def _cross_validation(base: TrainConfig, count: int) -> str:
    """Returns the command of a cross-validation, whose options on folds have other names."""
    default = TrainConfig()
    own = ("folds", "fold", "fold_unit", "fold_seed")
    plain = replace(base, **{name: getattr(default, name) for name in own})
    options = f"--folds {count} --by {base.fold_unit} --folds-seed {base.fold_seed}"
    command = training_command(plain).replace(" train ", " cross-validate ", 1)
    return f"{command} {options}"
