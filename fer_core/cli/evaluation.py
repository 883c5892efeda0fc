"""Commands that use a trained model: evaluate, predict."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.cli.console import (
    RUN_HELP,
    add_tta_option,
    echo,
    echo_lines,
    echo_table,
    follow,
)
from fer_core.cli.runs import find_run
from fer_core.datasets import SPLITS, open_dataset
from fer_core.errors import FerError
from fer_core.evaluation import (
    EVERYTHING,
    accuracy,
    confusion,
    hide_empty_classes,
    predictions_file,
    score,
    score_classes,
    submit_evaluation,
    tta_file,
    with_ferplus_labels,
)
from fer_core.expressions import sort_classes
from fer_core.runs import EnsembleRecord, Run, open_test_task, read_predictions
from fer_core.storage import export_csv


def add_commands(commands: Any) -> None:
    """Adds the commands to the parser."""
    evaluate = commands.add_parser("evaluate", help="print the scores of a finished run")
    evaluate.add_argument("run", help=RUN_HELP)
    evaluate.add_argument(
        "--split",
        choices=(*SPLITS, EVERYTHING),
        help="default: val, or test with --dataset; test opens the sealed test split; all, every "
        "image, needs --dataset",
    )
    evaluate.add_argument("--dataset", help="evaluate on this dataset instead of the run's own")
    evaluate.add_argument(
        "--ferplus",
        action="store_true",
        help="also score by the majority of the FER+ votes; the dataset must have been added with "
        "them",
    )
    add_tta_option(evaluate, "with --dataset: also evaluate with test-time augmentation (10 views)")
    evaluate.set_defaults(command=_evaluate)
    predict = commands.add_parser(
        "predict",
        help="recognize the expressions of the faces in images",
        description="Prints a row per face, and one for each image without a face. The exit code "
        "is 1 if an image cannot be read; the others are still processed.",
    )
    predict.add_argument("run", help=RUN_HELP)
    predict.add_argument("images", nargs="+", type=Path)
    predict.add_argument("--csv", type=Path, help="write the table to this file")
    predict.add_argument(
        "--whole-picture",
        action="store_true",
        help="take each whole image as one face that was cropped already, without face detection",
    )
    add_tta_option(predict, "use test-time augmentation (10 views); slower")
    predict.set_defaults(command=_predict)


def echo_scores(run: Run, split: str) -> None:
    """Prints the accuracy and the scores of every class.

    Raises:
        FerError: the predictions for the split are missing or damaged.
    """
    predictions = run.predictions(split)
    if predictions is None:
        raise FerError(f"{run.id} has no predictions for {split}: it is {run.state}.")
    _echo_score(split, predictions)
    with_tta = run.predictions(split, tta=True)
    if with_tta is not None:
        echo(f"with test-time augmentation: {accuracy(with_tta)}")
    if split == "test" and len(run.test_openings) > 1:
        echo(f"The test split was opened {len(run.test_openings)} times: this score is optimistic.")
    _echo_class_scores(run, predictions, with_tta)
    if run.ensemble is not None:
        _echo_members(run.ensemble)


def _echo_members(ensemble: EnsembleRecord) -> None:
    """Prints what each member adds to an ensemble on validation."""
    rows = [
        (
            member.run,
            f"{member.weight:.1%}",
            f"{member.correct / ensemble.images:.1%}",
            f"{member.correct_without / ensemble.images:.1%}",
            f"+{member.only_with} -{member.only_without}",
            f"{member.p_value:.3f}",
        )
        for member in ensemble.members
    ]
    echo("What each member adds on validation (p: exact McNemar test of the ensemble without it):")
    echo_table(("member", "weight", "alone", "without it", "images", "p"), rows)
    echo(f"{ensemble.milliseconds:.1f} ms per face, on the machine that made the ensemble")
    if ensemble.remark:
        echo(ensemble.remark)


def _echo_ferplus(run: Run, dataset: str, split: str, predictions: pd.DataFrame) -> None:
    """Prints the scores by FER+'s labels, over all of their expressions."""
    labeled = with_ferplus_labels(predictions, open_dataset(dataset))
    _echo_score(f"{split}, by the FER+ majority", labeled)
    echo(f"left out, without a majority: {len(predictions) - len(labeled):,} images")
    names = sort_classes({*run.class_names, *labeled["expression"]})
    for name in sorted(set(names) - set(run.class_names)):
        count = int((labeled["expression"] == name).sum())
        echo(f"{run.id} does not know {name}: its {count:,} images count as wrong")
    scores = hide_empty_classes(score_classes(confusion(labeled, names), names))
    echo_lines(scores[["precision", "recall", "f1", "images"]].round(3).to_string(na_rep="–"))


def _evaluate(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    if options.dataset:
        split = options.split or "test"
        return _evaluate_on(run, options.dataset, split, tta=options.tta, ferplus=options.ferplus)
    if options.tta:
        raise FerError(
            "--tta must be used with --dataset. On its own dataset a run is evaluated with "
            "test-time augmentation at its end, if it was trained with --tta."
        )
    split = options.split or "val"
    if split not in ("val", "test"):
        raise FerError(f"Without --dataset, the split must be val or test. Received: {split}")
    if split == "test" and run.test_opened is None:
        code = follow(open_test_task(run))
        if code:
            return code
    echo_scores(run, split)
    predictions = run.predictions(split)
    if options.ferplus and predictions is not None:
        _echo_ferplus(run, run.config.dataset, split, predictions)
    return 0


def _evaluate_on(run: Run, dataset: str, split: str, *, tta: bool, ferplus: bool) -> int:
    code = follow(submit_evaluation(run, dataset, split, tta=tta))
    if code:
        return code
    file = predictions_file(run, dataset, split)
    predictions = read_predictions(file)
    if predictions is None:
        raise FerError(f"The predictions are missing: {file}. Run the evaluation again.")
    _echo_score(f"{dataset}, {split}", predictions)
    with_tta = read_predictions(tta_file(run, dataset, split))
    if with_tta is not None:
        _echo_score(f"{dataset}, {split}, with test-time augmentation", with_tta)
    _echo_class_scores(run, predictions, with_tta)
    if ferplus:
        _echo_ferplus(run, dataset, split, predictions)
    echo(str(file))
    if with_tta is not None:
        echo(str(tta_file(run, dataset, split)))
    return 0


def _echo_class_scores(
    run: Run, predictions: pd.DataFrame, with_tta: pd.DataFrame | None = None
) -> None:
    """Prints the scores of every class, of single views and then with test-time augmentation."""
    for title, table in (("", predictions), ("With test-time augmentation:", with_tta)):
        if table is None:
            continue
        if title:
            echo(title)
        scores = score_classes(confusion(table, run.class_names), run.class_names)
        shown = hide_empty_classes(scores)[["precision", "recall", "f1", "images"]]
        echo_lines(shown.round(3).to_string(na_rep="–"))


def _echo_score(label: str, predictions: pd.DataFrame) -> None:
    scored = score(predictions)
    echo(f"{label}: {scored.accuracy}")
    if scored.clean is not None:
        echo(f"without {scored.leaked:,} duplicates of training images: {scored.clean}")
    if seen := scored.describe_seen():
        echo(seen)


def _predict(options: argparse.Namespace) -> int:
    from fer_core import vision
    from fer_core.inference import Classifier, FaceBatch, Recognition, recognitions_table
    from fer_core.vision import Face, FaceDetector

    classifier = Classifier.load(find_run(options.run), tta=options.tta)
    detector = None if options.whole_picture else FaceDetector()
    batch = FaceBatch(classifier)
    names: list[str] = []
    recognitions: list[list[Recognition]] = []
    for path in options.images:
        try:
            image = vision.decode(path)
            batch.add(image, detector.detect(image) if detector else [Face.whole(image)])
        except FerError as error:  # the other images are still processed
            echo(str(error), file=sys.stderr)
            continue
        names.append(str(path))
        if batch.is_full:
            recognitions += batch.recognize()
    recognitions += batch.recognize()
    by_image = dict(zip(names, recognitions, strict=True))
    threshold = classifier.threshold
    table = recognitions_table(by_image, classifier.class_names, threshold=threshold)
    text = table.round(3).to_string(index=False, na_rep="–")
    echo_lines(text if len(table) else "No image was read.")
    if options.csv:
        options.csv.write_text(export_csv(table), encoding="utf-8")
    return 0 if len(by_image) == len(options.images) else 1
