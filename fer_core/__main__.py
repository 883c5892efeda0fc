"""FER Studio in a terminal: the same core and the same run directories as in the browser.

python -m fer_core draw drawn-faces
python -m fer_core import path/to/fer2013.csv --name fer2013
python -m fer_core train --dataset fer2013 --recipe cnn_classic --epochs 20
python -m fer_core evaluate RUN --split test
python -m fer_core predict RUN photo.jpg other.png --csv faces.csv
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from fer_core import paths, queue, tasks
from fer_core.config import Augmentation, TrainConfig
from fer_core.datasets import open_dataset
from fer_core.evaluation import accuracy, report
from fer_core.recipes import RECIPES
from fer_core.runs import Run, open_run
from fer_core.settings import SETTINGS
from fer_core.submission import open_test_task, submit_run
from fer_core.tasks import Task, TaskState

# Settings that the command itself gives.
_OWN = ("dataset", "recipe", "augmentation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; what is wrong is said in a sentence."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ValueError as error:
        _say(str(error), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fer_core",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_dataset_commands(commands)
    _add_train(commands.add_parser("train", help="train a recipe on a data set"))
    evaluate = commands.add_parser("evaluate", help="scores of a finished run")
    evaluate.add_argument("run", help="the run's id, as the Runs page shows it")
    evaluate.add_argument(
        "--split", choices=("val", "test"), default="val", help="test opens the sealed split"
    )
    evaluate.set_defaults(command=_evaluate)
    predict = commands.add_parser("predict", help="expressions of the faces in pictures")
    predict.add_argument("run", help="the run whose model recognises")
    predict.add_argument("images", nargs="+", type=Path)
    predict.add_argument("--csv", type=Path, help="write the table into this file")
    predict.set_defaults(command=_predict)
    return parser


def _add_dataset_commands(commands: Any) -> None:
    draw = commands.add_parser("draw", help="draw a data set of schematic faces")
    draw.add_argument("name")
    draw.add_argument("--count", type=int, default=2100)
    draw.add_argument("--seed", type=int, default=0)
    draw.set_defaults(command=_draw)
    importing = commands.add_parser("import", help="add a data set: a folder, a .zip or a .csv")
    importing.add_argument("source", type=Path)
    importing.add_argument("--name", help="by default that of the folder or file")
    importing.add_argument("--validation-fraction", type=float, default=0.1)
    importing.add_argument("--test-fraction", type=float, default=0.0)
    importing.add_argument("--split-seed", type=int, default=0)
    importing.set_defaults(command=_import)


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--recipe", choices=list(RECIPES), required=True)
    for setting in fields(TrainConfig):
        if setting.name not in _OWN:
            _add_setting(parser, setting.name, setting.type)
    for setting in fields(Augmentation):
        _add_setting(parser, setting.name, setting.type)
    parser.set_defaults(command=_train)


def _add_setting(parser: argparse.ArgumentParser, name: str, kind: Any) -> None:
    flag, text = "--" + name.replace("_", "-"), SETTINGS[name].help.replace("%", "%%")
    if kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
    elif name == "image_size":
        parser.add_argument(flag, type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help=text)
    elif name == "class_names":
        parser.add_argument(flag, nargs="+", metavar="EXPRESSION", help=text)
    else:
        chosen = [each for each in get_args(kind) if each is not type(None)]  # of float | None
        parser.add_argument(flag, type=chosen[0] if chosen else kind, help=text)


def _draw(options: argparse.Namespace) -> int:
    arguments = {"name": options.name, "count": options.count, "seed": options.seed}
    return _do("draw", arguments)


def _import(options: argparse.Namespace) -> int:
    arguments = {
        "source": str(options.source.expanduser().resolve()),
        "name": options.name or options.source.stem,
        "validation_fraction": options.validation_fraction,
        "test_fraction": options.test_fraction,
        "split_seed": options.split_seed,
    }
    code = _do("import", arguments)
    if code == 0:
        dataset = open_dataset(arguments["name"])
        _say("\n".join([*dataset.notes, dataset.counts().to_string()]))
    return code


def _train(options: argparse.Namespace) -> int:
    recipe = RECIPES[options.recipe].config
    augmentation = replace(recipe.augmentation, **_given(options, Augmentation))
    settings = _given(options, TrainConfig)
    for name in ("image_size", "class_names"):
        if name in settings:
            settings[name] = tuple(settings[name])
    open_dataset(options.dataset)  # refused here rather than in the queue
    run = submit_run(
        replace(recipe, dataset=options.dataset, augmentation=augmentation, **settings)
    )
    _say(run.id)
    code = _follow(run)
    result = run.result
    if result is not None:
        _say(f"{result.reason} after {result.epochs} epochs; best validation epoch below")
        _print_scores(run, "val")
        if run.test_opened:
            _print_scores(run, "test")
    return code


def _given(options: argparse.Namespace, record: type) -> dict[str, Any]:
    given = {setting.name: getattr(options, setting.name, None) for setting in fields(record)}
    return {name: value for name, value in given.items() if value is not None and name not in _OWN}


def _evaluate(options: argparse.Namespace) -> int:
    run = open_run(options.run)
    if options.split == "test" and run.test_opened is None:
        code = _follow(open_test_task(run))
        if code:
            return code
    _print_scores(run, options.split)
    return 0


def _print_scores(run: Run, split: str) -> None:
    predictions = run.predictions(split)
    if predictions is None:
        raise ValueError(f"{run.id} must have predictions for {split}. It is {run.state}.")
    _say(f"{split}: {accuracy(predictions)}")
    _say(report(predictions, run.class_names).round(3).to_string())


def _predict(options: argparse.Namespace) -> int:
    from fer_core import images
    from fer_core.detection import FaceDetector
    from fer_core.recognition import Classifier, recognitions_table, recognize

    classifier, detector = Classifier.load(open_run(options.run)), FaceDetector()
    found = {}
    for path in options.images:
        try:
            found[str(path)] = recognize(images.decode(path), detector, classifier)
        except ValueError as error:  # one bad picture must not lose the others
            _say(str(error), file=sys.stderr)
    table = recognitions_table(found, classifier.class_names)
    _say(table.round(3).to_string(index=False) if len(table) else "No face was found.")
    if options.csv:
        table.to_csv(options.csv, index=False)
    return 0 if len(found) == len(options.images) else 1


def _do(kind: str, arguments: dict[str, Any]) -> int:
    directory = tasks.new_directory(paths.tasks_root(), kind)
    return _follow(queue.submit(directory, kind, arguments))


def _follow(task: Task) -> int:
    """Says how a task goes until it ends; the first Ctrl+C asks it to stop."""
    said = ""
    while task.state.is_active:
        try:
            line = _progress_line(task)
            if line != said:
                _say(said := line)
            time.sleep(1)
        except KeyboardInterrupt:
            _say("Stopping after the step in hand …")
            task.request_stop()
    if task.state is TaskState.FAILED:
        raise ValueError(task.error)
    if task.state is TaskState.INTERRUPTED:
        raise ValueError(task.interruption)
    return 0 if task.state is TaskState.FINISHED else 1


def _progress_line(task: Task) -> str:
    progress = task.progress
    if progress is None:
        return str(task.state)
    rate = f", {progress.rate:.0f} {progress.unit} a second" if progress.rate else ""
    return f"{progress.fraction:4.0%} {progress.message}{rate}"


def _say(text: str, file: Any = None) -> None:
    print(text, file=file or sys.stdout, flush=True)  # noqa: T201 (this is the terminal's page)


if __name__ == "__main__":
    sys.exit(main())
