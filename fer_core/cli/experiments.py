"""Commands for groups of runs: sweep, experiments."""

import argparse
import json
import sys
from contextlib import nullcontext, redirect_stdout
from datetime import timedelta
from typing import Any

from fer_core.cli.console import echo, echo_lines, echo_table, find, follow
from fer_core.cli.training import add_settings, chosen_settings
from fer_core.errors import FerError
from fer_core.experiments import (
    FOLDS,
    KINDS,
    RANDOM,
    SEEDS,
    Experiment,
    Plan,
    Pruning,
    TrialSummary,
    best_trial,
    delete_experiment,
    estimate,
    list_experiments,
    make_plan,
    open_experiment,
    open_test,
    optimism,
    parse_dimension,
    read_rate_test,
    resume_experiment,
    submit_experiment,
    submit_rate_test,
    summarize,
)
from fer_core.text import counted

EXPERIMENT_HELP = "the experiment's ID, or the beginning of it if no other ID begins the same"


def add_commands(commands: Any) -> None:
    """Adds the commands to the parser."""
    sweep = commands.add_parser(
        "sweep",
        help="train several runs whose settings differ",
        description="Trains a group of runs: other seeds, all combinations of a grid, random "
        "settings, or those that Optuna's TPE proposes one after another.",
    )
    sweep.add_argument("--dataset", required=True)
    sweep.add_argument("--kind", choices=list(KINDS), default=RANDOM, help="default: %(default)s")
    sweep.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="SETTING=VALUES",
        help="a setting that differs between trials: learning_rate=1e-4,1e-3 is a list, "
        "learning_rate=1e-4..1e-2:log a range, evenly by factors with :log; may be repeated",
    )
    sweep.add_argument("--trials", type=int, default=10, help="number of runs; a grid has its own")
    sweep.add_argument(
        "--prune",
        nargs="?",
        type=int,
        const=Pruning().epochs,
        metavar="EPOCHS",
        help="stop trials below the median of the others, after EPOCHS epochs at the earliest "
        f"(default: {Pruning().epochs})",
    )
    sweep.add_argument("--title", default="", help="name of the experiment")
    sweep.add_argument("--dry-run", action="store_true", help="only print what it would take")
    sweep.add_argument("--detach", action="store_true", help="return at once")
    add_settings(sweep)
    sweep.set_defaults(command=_sweep)
    rate = commands.add_parser(
        "find-rate",
        help="suggest a learning rate",
        description="Trains a throw-away model for a minute with a rising learning rate, and "
        "suggests a tenth of the rate with the smallest loss.",
    )
    rate.add_argument("--dataset", required=True)
    rate.add_argument("--json", action="store_true", help="print all rates and losses as JSON")
    add_settings(rate)
    rate.set_defaults(command=_find_rate)
    _add_experiments(commands)


def _add_experiments(commands: Any) -> None:
    shown = commands.add_parser("experiments", help="list experiments, or show or change one")
    shown.add_argument("experiment", nargs="?", metavar="EXPERIMENT", help=EXPERIMENT_HELP)
    shown.add_argument("--json", action="store_true", help="print JSON")
    change = shown.add_mutually_exclusive_group()
    change.add_argument("--stop", action="store_true", help="stop its runs, and start no more")
    change.add_argument("--resume", action="store_true", help="go on where it was stopped")
    change.add_argument("--delete", action="store_true", help="delete it, but keep its runs")
    change.add_argument("--delete-runs", action="store_true", help="delete it with its runs")
    change.add_argument(
        "--open-test", action="store_true", help="evaluate test with the best trial, once for all"
    )
    shown.set_defaults(command=_experiments)


def _sweep(options: argparse.Namespace) -> int:
    space = {}
    for text in options.vary:
        name, separator, values = text.partition("=")
        if not separator:
            raise FerError(f"--vary must be SETTING=VALUES. Received: {text}")
        name = name.strip().replace("-", "_")
        space[name] = parse_dimension(name, values)
    pruning = None if options.prune is None else Pruning(epochs=options.prune)
    plan = make_plan(
        options.kind,
        chosen_settings(options),
        space,
        options.trials,
        title=options.title,
        pruning=pruning,
    )
    echo_estimate(plan)
    if options.dry_run:
        return 0
    experiment = submit_experiment(plan)
    echo(experiment.id)
    if options.detach:
        return 0
    code = follow(experiment)
    _show(experiment)
    return code


def echo_estimate(plan: Plan) -> None:
    """Prints how many runs an experiment makes, and how long they will take."""
    found = estimate(plan)
    time = "unknown, since no run like these has been trained"
    if found.seconds is not None:
        time = f"about {timedelta(seconds=round(found.seconds))}"
    echo(f"{counted(found.runs, 'run')}, {counted(found.epochs, 'epoch')}. Time: {time}.")


def _find_rate(options: argparse.Namespace) -> int:
    task = submit_rate_test(chosen_settings(options))
    with redirect_stdout(sys.stderr) if options.json else nullcontext():
        code = follow(task)
    found = read_rate_test(task)
    if found is None:
        return code
    if options.json:
        curve = {"rates": found.rates, "losses": found.losses}
        echo_lines(json.dumps(curve | {"suggestion": found.suggestion}, indent=2))
    elif found.suggestion is None:
        echo("No suggestion: the loss did not fall with any learning rate.")
    else:
        echo(f"Suggested learning rate: {found.suggestion:g}")
    return 0


def find_experiment(prefix: str) -> Experiment:
    """Returns the experiment with this ID, or the only one whose ID begins with it.

    Raises:
        FerError: there is no such experiment, there are several, or it cannot be read.
    """
    return find(prefix, list_experiments(), "EXPERIMENT", open_experiment)


def _experiments(options: argparse.Namespace) -> int:
    if not options.experiment:
        return _list(options)
    experiment = find_experiment(options.experiment)
    if options.stop:
        experiment.request_stop()
    elif options.resume:
        resume_experiment(experiment)
    elif options.delete or options.delete_runs:
        delete_experiment(experiment, with_runs=options.delete_runs)
        echo(f"{experiment.id} was deleted.")
        return 0
    elif options.open_test:
        return follow(open_test(experiment))
    if options.json:
        echo_lines(json.dumps(_row(experiment) | {"runs": _trials(experiment)}, indent=2))
    else:
        _show(experiment)
    return 0


def _list(options: argparse.Namespace) -> int:
    rows = [_row(experiment) for experiment in list_experiments()]
    if options.json:
        echo_lines(json.dumps(rows, indent=2))
    elif rows:
        header = ("experiment", "state", "kind", "trials", "best val accuracy", "title")
        names = ("id", "state", "kind", "trials", "val_accuracy", "title")
        echo_table(header, [[_cell(row[name]) for name in names] for row in rows])
    else:
        echo("There are no experiments yet.")
    return 0


def _row(experiment: Experiment) -> dict[str, Any]:
    plan, best = experiment.plan, best_trial(summarize(experiment))
    return {
        "id": experiment.id,
        "title": plan.title,
        "kind": plan.kind,
        "state": str(experiment.state),
        "trials": plan.count,
        "best": best.trial.run.id if best and best.trial.run else None,
        "val_accuracy": best.val_accuracy if best else None,
    }


def _trials(experiment: Experiment) -> list[dict[str, Any]]:
    return [_trial(found) for found in summarize(experiment)]


def _trial(found: TrialSummary) -> dict[str, Any]:
    seen = found.overview
    state = "deleted" if found.trial.is_deleted else "planned"
    return {
        "trial": found.trial.number + 1,
        "run": found.trial.run.id if found.trial.run else None,
        "state": (seen.reason or str(seen.state)).replace("_", " ") if seen else state,
        "epochs": seen.epochs if seen else 0,
        "val_accuracy": found.val_accuracy,
        "settings": found.settings,
    }


def _show(experiment: Experiment) -> None:
    varied = experiment.plan.varied
    header = ("trial", "state", "epochs", "best val accuracy", *varied, "run")
    rows = []
    for each in _trials(experiment):
        settings = (each["settings"].get(name) for name in varied)
        cells = (each[name] for name in ("trial", "state", "epochs", "val_accuracy"))
        rows.append([_cell(value) for value in (*cells, *settings, each["run"])])
    echo_table(header, rows)
    echo(f"{experiment.id}: {experiment.state}. {experiment.error}".rstrip())
    above = optimism(summarize(experiment))
    if above is not None and experiment.plan.kind not in (SEEDS, FOLDS):
        echo(
            "The best of several validation accuracies is too high, by up to about "
            f"{100 * above:.1f} points if the trials are equally good."
        )


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
