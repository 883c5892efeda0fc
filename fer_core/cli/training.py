"""Commands for training: train, distill, resume, continue, stop."""

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_args, get_origin

from fer_core.cli.console import RUN_HELP, echo, follow
from fer_core.cli.evaluation import echo_scores
from fer_core.cli.runs import find_run
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.evaluation import mean_accuracy
from fer_core.runs import (
    MOST_SEEDS,
    RECIPES,
    SETTINGS,
    Augmentation,
    Run,
    TrainConfig,
    continue_run,
    resume_run,
    second_look,
    settings_here,
    submit_seeds,
)
from fer_core.tasks import TaskState


def add_commands(commands: Any) -> None:
    """Adds the commands to the parser."""
    train = commands.add_parser("train", help="train a recipe on a dataset")
    train.add_argument("--dataset", required=True)
    add_settings(train)
    _add_seeds(train)
    train.set_defaults(command=_train)
    student = commands.add_parser("distill", help="train a student on the predictions of runs")
    student.add_argument("teachers", nargs="+", metavar="TEACHER", help=RUN_HELP)
    student.add_argument("--dataset", help="default: that of the first teacher")
    add_settings(student, without=("teachers",))
    _add_seeds(student)
    student.set_defaults(command=_distill)
    resume = commands.add_parser("resume", help="resume an interrupted run")
    resume.set_defaults(command=_resume)
    continuing = commands.add_parser("continue", help="train an ended run for more epochs")
    continuing.add_argument("--epochs", type=int, required=True, help="number of further epochs")
    continuing.set_defaults(command=_continue)
    stop = commands.add_parser("stop", help="stop a training, or remove it from the queue")
    stop.set_defaults(command=_stop)
    for parser in (resume, continuing, stop):
        parser.add_argument("run", help=RUN_HELP)
    for parser in (train, student, resume, continuing):
        parser.add_argument(
            "--detach", action="store_true", help="return at once; training runs in the background"
        )


def add_settings(parser: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    """Adds options for the recipe, and for every setting but some."""
    parser.add_argument("--recipe", choices=list(RECIPES), required=True)
    for entry in (*fields(TrainConfig), *fields(Augmentation)):
        if entry.name in SETTINGS and entry.name not in without:
            _add_setting(parser, entry.name, entry.type)


def _add_seeds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help=f"train N runs with the seeds SEED, SEED + 1, …; at most {MOST_SEEDS}",
    )


def _add_setting(parser: argparse.ArgumentParser, name: str, kind: Any) -> None:
    setting = SETTINGS[name]
    arguments: dict[str, Any] = {"dest": name, "help": setting.help.replace("%", "%%")}
    types = [type_ for type_ in get_args(kind) or (kind,) if type_ is not type(None)]
    if kind is bool:
        arguments["action"] = argparse.BooleanOptionalAction
    elif get_origin(kind) is tuple:
        count = "+" if ... in types else len(types)
        arguments |= {"type": types[0], "nargs": count, "metavar": setting.metavar}
    else:
        arguments["type"] = types[0]
    parser.add_argument(_option(setting.option or name), **arguments)
    if setting.option:  # the field's own name works, too, but is not listed
        parser.add_argument(_option(name), **arguments | {"help": argparse.SUPPRESS})


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _train(options: argparse.Namespace) -> int:
    runs = submit_seeds(chosen_settings(options), options.seeds)
    codes = [_follow_run(run, options) for run in runs]
    if len(runs) > 1 and not options.detach:
        _echo_mean(runs)
    return max(codes)


def chosen_settings(options: argparse.Namespace) -> TrainConfig:
    """Returns the recipe with what the options of `add_settings` and `--dataset` change.

    Raises:
        FerError: there is no such dataset or run, or a setting is out of range.
    """
    recipe = settings_here(options.recipe)
    augmentation = replace(recipe.augmentation, **_chosen(options, Augmentation))
    settings = _chosen(options, TrainConfig)
    if "teachers" in settings:
        settings["teachers"] = tuple(find_run(run).id for run in settings["teachers"])
    if "initial_run" in settings:
        settings["initial_run"] = find_run(settings["initial_run"]).id
    open_dataset(options.dataset)  # raises here rather than in the queue
    return replace(recipe, dataset=options.dataset, augmentation=augmentation, **settings)


def _distill(options: argparse.Namespace) -> int:
    options.dataset = options.dataset or find_run(options.teachers[0]).config.dataset
    if not options.dataset:
        raise FerError("The first teacher names no dataset. Choose one with --dataset.")
    return _train(options)


def _echo_mean(runs: Sequence[Run]) -> None:
    """Prints mean and spread of the validation accuracy, if at least two runs have one."""
    results = [run.result for run in runs]
    found = [result.val_accuracy for result in results if result is not None]
    accuracies = [accuracy for accuracy in found if accuracy is not None]
    if len(accuracies) < 2:
        return
    mean = mean_accuracy(accuracies)
    echo(
        f"Validation accuracy over {len(accuracies)} seeds: {mean.value:.1%}, standard deviation "
        f"{mean.deviation:.1%}, from {mean.lowest:.1%} to {mean.highest:.1%}."
    )


def _chosen(options: argparse.Namespace, record: type) -> dict[str, Any]:
    """Returns the settings of TrainConfig or Augmentation that were given as options."""
    values = {
        entry.name: getattr(options, entry.name)
        for entry in fields(record)
        if entry.name in SETTINGS
    }
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None
    }


def _resume(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    resume_run(run)
    return _follow_run(run, options)


def _continue(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    continue_run(run, options.epochs)
    if second_look(run):
        echo(second_look(run))
    return _follow_run(run, options)


def _stop(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    state = run.state
    if not state.is_active:
        raise FerError(f"Only a run that trains or waits can be stopped. {run.id} is {state}.")
    run.request_stop()
    was_queued = state is TaskState.QUEUED
    echo("Removed from the queue." if was_queued else "Stopping after the current step.")
    return 0


def _follow_run(run: Run, options: argparse.Namespace) -> int:
    """Prints a submitted run's ID and, unless detached, its progress and scores."""
    echo(run.id)
    if options.detach:
        return 0
    code = follow(run)
    result = run.result
    if result is not None:
        epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs} epochs"
        reason = result.reason.replace("_", " ")
        echo(f"{reason} after {epochs}. {result.remark}".rstrip())
        echo("Scores of the best epoch:")
        echo_scores(run, "val")
        if run.test_opened:
            echo_scores(run, "test")
    return code
