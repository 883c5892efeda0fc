"""Commands for cross-validation: cross-validate, folds."""

import argparse
import json
from typing import Any

from fer_core.cli.console import echo, echo_lines, echo_table, follow
from fer_core.cli.experiments import EXPERIMENT_HELP, echo_estimate, find_experiment
from fer_core.cli.training import add_settings, chosen_settings
from fer_core.evaluation import LEVEL
from fer_core.experiments import (
    CrossValidation,
    FoldComparison,
    FoldResults,
    compare_folds,
    comparison_record,
    fold_results,
    plan_cross_validation,
    results_record,
    submit_experiment,
)
from fer_core.runs import SETTINGS

_OWN = ("folds", "fold", "fold_unit", "fold_seed")  # settings that this command sets


def add_commands(commands: Any) -> None:
    """Adds the commands to the parser."""
    parser = commands.add_parser(
        "cross-validate",
        help="train a run for each fold of a dataset",
        description="Trains a run for each fold of training and validation, and pools their "
        "predictions. The test split is not opened.",
    )
    parser.add_argument("--dataset", required=True)
    count = parser.add_mutually_exclusive_group()
    count.add_argument(
        "--folds", dest="count", type=int, default=5, metavar="N", help="default: %(default)s"
    )
    count.add_argument(
        "--leave-one-out",
        dest="count",
        action="store_const",
        const=None,
        help="a fold for each subject, or what --by names",
    )
    units = SETTINGS["fold_unit"]
    parser.add_argument("--by", choices=list(units.choices or ()), default="auto", help=units.help)
    parser.add_argument(
        "--folds-seed", dest="draw", type=int, default=0, help=SETTINGS["fold_seed"].help
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what it would take")
    parser.add_argument("--detach", action="store_true", help="return at once")
    add_settings(parser, without=_OWN)
    parser.set_defaults(command=_cross_validate, **dict.fromkeys(_OWN))
    shown = commands.add_parser("folds", help="print the results of a cross-validation")
    shown.add_argument("experiment", metavar="EXPERIMENT", help=EXPERIMENT_HELP)
    shown.add_argument(
        "--compare", metavar="EXPERIMENT", help="test it against another on the same folds"
    )
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.set_defaults(command=_folds)


def _cross_validate(options: argparse.Namespace) -> int:
    found = plan_cross_validation(chosen_settings(options), options.count, options.by, options.draw)
    _echo_plan(found)
    if options.dry_run:
        return 0
    experiment = submit_experiment(found.plan)
    echo(experiment.id)
    if options.detach:
        return 0
    code = follow(experiment)
    results = fold_results(experiment)
    if results.done:
        _echo_results(results)
    return code


def _echo_plan(found: CrossValidation) -> None:
    for note in found.notes:
        echo(note)
    echo_estimate(found.plan)


def _folds(options: argparse.Namespace) -> int:
    results = fold_results(find_experiment(options.experiment))
    other = fold_results(find_experiment(options.compare)) if options.compare else None
    found = None if other is None else compare_folds(results, other)
    if options.json:
        record = results_record(results)
        if found is not None and other is not None:
            record["comparison"] = {"with": other.experiment.id, **comparison_record(found)}
        echo_lines(json.dumps(record, indent=2))
        return 0
    _echo_results(results)
    if found is not None and other is not None:
        echo_comparison(found, other)
    return 0


def _echo_results(results: FoldResults) -> None:
    record = results_record(results)
    columns = ("fold", "state", "units", "images", "accuracy", "macro_recall", "macro_f1", "run")
    header = ("fold", "state", f"{results.unit}s", *columns[3:])
    rows = [[_cell(fold[name]) for name in columns] for fold in record["folds"]]
    echo_table([name.replace("_", " ") for name in header], rows)
    scores = results.scores
    for label, interval in (
        ("Accuracy", scores.accuracy),
        ("Macro recall", scores.recall),
        ("Macro F1", scores.f1),
        (f"Mean accuracy over {results.unit}s", scores.mean),
    ):
        echo(f"{label}: {interval}")
    for note in record["notes"]:
        echo(note)


def echo_comparison(found: FoldComparison, other: FoldResults) -> None:
    """Prints how an experiment differs from another on the same folds."""
    echo(f"Accuracy minus that of {other.experiment.id}, over {other.unit}s: {found.difference}")
    echo(
        f"McNemar's exact test on {found.images:,} images ({found.only_first:,} only the first got "
        f"right, {found.only_second:,} only the second): p = {found.mcnemar:.3g}"
    )
    if found.t_test is not None:
        echo(
            f"Corrected resampled t-test over {found.t_test.folds} folds: t = "
            f"{found.t_test.t:.2f}, p = {found.t_test.p_value:.3g} "
            f"({'' if found.t_test.is_significant else 'not '}significant at {LEVEL:g})"
        )


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if isinstance(value, float) else str(value)
