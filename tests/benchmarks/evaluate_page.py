"""What the Evaluate page costs with many images.

    python -m tests.benchmarks.evaluate_page [--dataset fer2013]

Needs a workspace (FER_HOME) with that data set, and only reads it: in a temporary workspace beside
links to it a run is made that has answered every image. Prints how many seconds of the processor
each view took, what the test client needs included.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from fer_core import paths, records, tasks
from fer_core.calibration import Calibration
from fer_core.datasets import Dataset, open_dataset
from fer_core.files import write_json
from fer_core.recipes import RECIPES
from fer_core.runs import Run, save_predictions, save_result
from tests.benchmarks.runs_page import processor_seconds
from tests.pages.conftest import APP


def make_run(dataset: Dataset) -> Run:
    """A finished run with a random answer, of which two thirds are right, to every image."""
    run = Run(tasks.new_directory(paths.runs_root(), "answers"))
    config = RECIPES["cnn_classic"].config.to_dict() | {"dataset": dataset.name}
    write_json(run.directory / "config.json", config)
    names = dataset.class_names
    record = {"class_names": names, "counts": {"train": [1] * len(names), "val": [1] * len(names)}}
    write_json(run.directory / "dataset.json", record)
    (run.directory / "model.keras").write_bytes(b"not really a model")
    rng = np.random.default_rng(0)
    table = dataset.index[["path", "row", "expression"]].reset_index(drop=True)
    table["leaked"] = rng.random(len(table)) < 0.08
    shares = rng.dirichlet(np.ones(len(names)), len(table))
    truth = table["expression"].map(names.index).to_numpy()
    right = rng.random(len(table)) < 0.5
    shares[np.arange(len(table))[right], truth[right]] += rng.random(right.sum())
    shares /= shares.sum(axis=1, keepdims=True)
    for number, name in enumerate(names):
        table[f"p_{name}"] = shares[:, number]
    (run.directory / "predictions").mkdir()
    save_predictions(run, "val", table)
    single = Calibration(1.2, 0.05, 0.02).__dict__
    write_json(run.directory / "calibration.json", {"single": single})
    save_result(run, records.Result(records.COMPLETED, 1, 0, 1.1, 0.6))
    return run


def measure(dataset: Dataset) -> None:
    """Prints a line for each view."""
    page = AppTest.from_file(str(APP), default_timeout=600)
    page.switch_page("pages/evaluate.py")

    def view(what: str) -> None:
        seconds = processor_seconds(page.run)
        assert not page.exception, page.exception
        print(f"{what:<40} {seconds:6.3f} s", flush=True)  # noqa: T201

    view("first view, all worked out")
    view("again")
    names = dataset.class_names
    for truth, answered in zip(names[:3], names[1:4], strict=True):
        for label, value in (("True expression", truth), ("Answered", answered)):
            next(box for box in page.selectbox if box.label == label).set_value(value)
        view(f"{truth} taken for {answered}, whole page")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="fer2013")
    options = parser.parse_args()
    source = open_dataset(options.dataset)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FER_HOME"] = folder
        paths.datasets_root().mkdir(parents=True)
        (paths.datasets_root() / source.name).symlink_to(Path(source.directory))
        dataset = open_dataset(source.name)
        make_run(dataset)
        measure(dataset)


if __name__ == "__main__":
    main()
