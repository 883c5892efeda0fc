"""Commands that ask a network: evaluate, predict."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.cli.console import follow, say
from fer_core.cli.runs import find_run
from fer_core.datasets import SPLITS
from fer_core.errors import FerError
from fer_core.evaluation import (
    EVERYTHING,
    accuracy,
    class_report,
    confusion,
    predictions_file,
    score,
    score_classes,
    submit_evaluation,
    views_file,
)
from fer_core.runs import Run, open_test_task, read_predictions


def add_commands(commands: Any) -> None:
    """Adds them to the parser."""
    evaluate = commands.add_parser("evaluate", help="scores of a finished run")
    evaluate.add_argument("run", help="the run's id, or how it begins")
    evaluate.add_argument(
        "--split",
        choices=(*SPLITS, EVERYTHING),
        help="val where nothing is said; test opens the sealed split; of another data set test "
        "where nothing is said, and all is every image",
    )
    evaluate.add_argument("--dataset", help="another data set than the one that it was trained on")
    evaluate.add_argument(
        "--average-views",
        action="store_true",
        help="with --dataset: average ten views of each image too",
    )
    evaluate.set_defaults(command=_evaluate)
    predict = commands.add_parser("predict", help="expressions of the faces in pictures")
    predict.add_argument("run", help="the run whose model recognises")
    predict.add_argument("images", nargs="+", type=Path)
    predict.add_argument("--csv", type=Path, help="write the table into this file")
    predict.add_argument(
        "--average-views", action="store_true", help="average ten views of each face; slower"
    )
    predict.set_defaults(command=_predict)


def say_scores(run: Run, split: str) -> None:
    """Accuracy and the scores of every class.

    Raises:
        FerError: there are no predictions for the split, or they are damaged.
    """
    predictions = run.predictions(split)
    if predictions is None:
        raise FerError(f"{run.id} must have predictions for {split}. It is {run.state}.")
    _say_score(split, predictions)
    averaged = run.predictions(split, averaged=True)
    if averaged is not None:
        say(f"with ten views of each averaged: {accuracy(averaged)}")
    if split == "test" and len(run.test_looks) > 1:
        say(f"opened {len(run.test_looks)} times: it has had a part in choosing")
    say(class_report(predictions, run.class_names).round(3).to_string())


def _evaluate(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    if options.dataset:
        return _evaluate_elsewhere(
            run, options.dataset, options.split or "test", options.average_views
        )
    if options.average_views:
        raise FerError(
            "--average-views must come with --dataset: on its own data a run does so as it ends."
        )
    split = options.split or "val"
    if split not in ("val", "test"):
        raise FerError(f"Without --dataset the split must be val or test. Received: {split}")
    if split == "test" and run.test_opened is None:
        code = follow(open_test_task(run))
        if code:
            return code
    say_scores(run, split)
    return 0


def _evaluate_elsewhere(run: Run, dataset: str, split: str, views: bool) -> int:
    code = follow(submit_evaluation(run, dataset, split, views=views))
    if code:
        return code
    file = predictions_file(run, dataset, split)
    predictions = read_predictions(file)
    if predictions is None:
        raise FerError(f"There must be answers in {file}. There are none.")
    _say_score(f"{dataset}, {split}", predictions)
    averaged = read_predictions(views_file(run, dataset, split))
    if averaged is not None:
        _say_score(f"{dataset}, {split}, ten views averaged", averaged)
    scores = score_classes(confusion(predictions, run.class_names), run.class_names)
    say(scores[["precision", "recall", "f1", "images"]].round(3).to_string())
    say(str(file))
    return 0


def _say_score(label: str, predictions: pd.DataFrame) -> None:
    found = score(predictions)
    say(f"{label}: {found.accuracy}")
    if found.clean is not None:
        say(f"without the {found.leaked:,} images that are in train too: {found.clean}")


def _predict(options: argparse.Namespace) -> int:
    from fer_core import vision
    from fer_core.inference import Classifier, FaceBatch, Recognition, recognitions_table
    from fer_core.vision import FaceDetector

    classifier = Classifier.load(find_run(options.run), tta=options.average_views)
    detector, batch = FaceDetector(), FaceBatch(classifier)
    names: list[str] = []
    answers: list[list[Recognition]] = []
    for path in options.images:
        try:
            image = vision.decode(path)
            batch.add(image, detector.detect(image))
        except ValueError as error:  # one bad picture must not lose the others
            say(str(error), file=sys.stderr)
            continue
        names.append(str(path))
        if batch.is_full:
            answers += batch.recognize()
    answers += batch.recognize()
    found = dict(zip(names, answers, strict=True))
    threshold = classifier.threshold
    table = recognitions_table(found, classifier.class_names, threshold=threshold)
    say(table.round(3).to_string(index=False) if len(table) else "No face was found.")
    if options.csv:
        table.to_csv(options.csv, index=False)
    return 0 if len(found) == len(options.images) else 1
