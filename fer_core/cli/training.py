"""Commands that train: train, resume, continue, stop."""

import argparse
from dataclasses import fields, replace
from typing import Any, get_args

from fer_core.cli.console import follow, say
from fer_core.cli.evaluation import say_scores
from fer_core.cli.runs import find_run
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.runs import (
    RECIPES,
    SETTINGS,
    Augmentation,
    Run,
    TrainConfig,
    continue_run,
    resume_run,
    second_look,
    settings_here,
    submit_run,
)
from fer_core.tasks import TaskState

# Settings that the command itself gives.
_OWN = ("dataset", "recipe", "augmentation")
_SEVERAL = {"class_names": "EXPRESSION", "teachers": "RUN"}


def add_commands(commands: Any) -> None:
    """Adds them to the parser."""
    train = commands.add_parser("train", help="train a recipe on a data set")
    train.add_argument("--dataset", required=True)
    train.add_argument("--recipe", choices=list(RECIPES), required=True)
    for setting in (*fields(TrainConfig), *fields(Augmentation)):
        if setting.name not in _OWN:
            _add_setting(train, setting.name, setting.type)
    train.set_defaults(command=_train)
    resume = commands.add_parser("resume", help="let an interrupted run go on")
    resume.set_defaults(command=_resume)
    further = commands.add_parser("continue", help="train a run that has ended for more epochs")
    further.add_argument("--epochs", type=int, required=True, help="so many more")
    further.set_defaults(command=_continue)
    stop = commands.add_parser("stop", help="end a training, or take it from the queue")
    stop.set_defaults(command=_stop)
    for parser in (resume, further, stop):
        parser.add_argument("run", help="the run's id, or how it begins")
    for parser in (train, resume, further):
        parser.add_argument(
            "--detach", action="store_true", help="return at once; the training goes on"
        )


def _add_setting(parser: argparse.ArgumentParser, name: str, kind: Any) -> None:
    flag, text = "--" + name.replace("_", "-"), SETTINGS[name].help.replace("%", "%%")
    if kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
    elif name == "image_size":
        parser.add_argument(flag, type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help=text)
    elif name in _SEVERAL:
        parser.add_argument(flag, nargs="+", metavar=_SEVERAL[name], help=text)
    else:
        chosen = [each for each in get_args(kind) if each is not type(None)]  # of float | None
        parser.add_argument(flag, type=chosen[0] if chosen else kind, help=text)


def _train(options: argparse.Namespace) -> int:
    recipe = settings_here(options.recipe)
    augmentation = replace(recipe.augmentation, **_given(options, Augmentation))
    settings = _given(options, TrainConfig)
    for name in ("image_size", *_SEVERAL):
        if name in settings:
            settings[name] = tuple(settings[name])
    if "teachers" in settings:
        settings["teachers"] = tuple(find_run(run).id for run in settings["teachers"])
    if "initial_run" in settings:
        settings["initial_run"] = find_run(settings["initial_run"]).id
    open_dataset(options.dataset)  # refused here rather than in the queue
    run = submit_run(
        replace(recipe, dataset=options.dataset, augmentation=augmentation, **settings)
    )
    return _watch(run, options)


def _given(options: argparse.Namespace, record: type) -> dict[str, Any]:
    given = {setting.name: getattr(options, setting.name, None) for setting in fields(record)}
    return {name: value for name, value in given.items() if value is not None and name not in _OWN}


def _resume(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    resume_run(run)
    return _watch(run, options)


def _continue(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    continue_run(run, options.epochs)
    if second_look(run):
        say(second_look(run))
    return _watch(run, options)


def _stop(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    state = run.state
    if not state.is_active:
        raise FerError(f"A run must train or wait to be stopped. {run.id} is {state}.")
    run.request_stop()
    waited = state is TaskState.QUEUED
    say("It was taken from the queue." if waited else "It stops after the step in hand.")
    return 0


def _watch(run: Run, options: argparse.Namespace) -> int:
    """Follows a run that was asked for to its scores, unless that is not wanted."""
    say(run.id)
    if options.detach:
        return 0
    code = follow(run)
    result = run.result
    if result is not None:
        epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs} epochs"
        reason = result.reason.replace("_", " ")
        say(f"{reason} after {epochs}; best validation epoch below. {result.remark}".rstrip())
        say_scores(run, "val")
        if run.test_opened:
            say_scores(run, "test")
    return code
