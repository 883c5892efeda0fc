"""Commands that ask a network: evaluate, predict."""

import argparse
import sys
from pathlib import Path
from typing import Any

from fer_core.evaluation import accuracy, report, without_leaks
from fer_core.runs import Run
from fer_core.submission import open_test_task
from fer_core.terminal.listing import find_run
from fer_core.terminal.saying import follow, say


def add_commands(commands: Any) -> None:
    """Adds them to the parser."""
    evaluate = commands.add_parser("evaluate", help="scores of a finished run")
    evaluate.add_argument("run", help="the run's id, or how it begins")
    evaluate.add_argument(
        "--split", choices=("val", "test"), default="val", help="test opens the sealed split"
    )
    evaluate.set_defaults(command=_evaluate)
    predict = commands.add_parser("predict", help="expressions of the faces in pictures")
    predict.add_argument("run", help="the run whose model recognises")
    predict.add_argument("images", nargs="+", type=Path)
    predict.add_argument("--csv", type=Path, help="write the table into this file")
    predict.set_defaults(command=_predict)


def say_scores(run: Run, split: str) -> None:
    """Accuracy and the scores of every class.

    Raises:
        ValueError: there are no predictions for the split, or they are damaged.
    """
    predictions = run.predictions(split)
    if predictions is None:
        raise ValueError(f"{run.id} must have predictions for {split}. It is {run.state}.")
    say(f"{split}: {accuracy(predictions)}")
    clean = without_leaks(predictions)
    if clean is not None:
        say(f"without the images that are in train too: {accuracy(clean)}")
    averaged = run.predictions(split, averaged=True)
    if averaged is not None:
        say(f"with ten views of each averaged: {accuracy(averaged)}")
    if split == "test" and len(run.test_looks) > 1:
        say(f"opened {len(run.test_looks)} times: it has had a part in choosing")
    say(report(predictions, run.class_names).round(3).to_string())


def _evaluate(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    if options.split == "test" and run.test_opened is None:
        code = follow(open_test_task(run))
        if code:
            return code
    say_scores(run, options.split)
    return 0


def _predict(options: argparse.Namespace) -> int:
    from fer_core import images
    from fer_core.detection import FaceDetector
    from fer_core.recognition import Classifier, recognitions_table, recognize

    classifier, detector = Classifier.load(find_run(options.run)), FaceDetector()
    found = {}
    for path in options.images:
        try:
            found[str(path)] = recognize(images.decode(path), detector, classifier)
        except ValueError as error:  # one bad picture must not lose the others
            say(str(error), file=sys.stderr)
    table = recognitions_table(found, classifier.class_names)
    say(table.round(3).to_string(index=False) if len(table) else "No face was found.")
    if options.csv:
        table.to_csv(options.csv, index=False)
    return 0 if len(found) == len(options.images) else 1
