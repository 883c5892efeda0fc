"""The command that combines runs into one: ensemble."""

import argparse
from typing import Any

from fer_core.cli.console import add_tta_option, echo, follow
from fer_core.cli.evaluation import echo_scores
from fer_core.cli.runs import find_run
from fer_core.ensembles import EQUAL, FITTED, ensemble_of, submit_ensemble
from fer_core.runs import open_run


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    ensemble = commands.add_parser(
        "ensemble",
        help="combine finished runs into one",
        description="Makes a run of two to ten others: the mean of their calibrated probabilities. "
        "Prints its scores on validation, and what each member adds to it.",
    )
    ensemble.add_argument("runs", nargs="+", metavar="RUN", help="the runs to combine")
    ensemble.add_argument("--name", default="", help="name of the new run (default: Ensemble of N)")
    ensemble.add_argument(
        "--weights",
        choices=(EQUAL, FITTED),
        default=EQUAL,
        help="weights of the mean: the same for each run (default), or fitted on validation",
    )
    ensemble.add_argument(
        "--dataset",
        default="",
        help="whose validation images fit and score it (default: those of the members' dataset)",
    )
    add_tta_option(ensemble, "also evaluate with test-time augmentation (10 views)")
    ensemble.set_defaults(command=_ensemble)


def _ensemble(options: argparse.Namespace) -> int:
    runs = [find_run(run) for run in options.runs]
    task = submit_ensemble(
        runs,
        options.name,
        weighting=options.weights,
        tta=options.tta,
        dataset=options.dataset,
    )
    code = follow(task)
    if code:
        return code
    run = open_run(ensemble_of(task))
    echo_scores(run, "val")
    echo(run.id)
    return 0
