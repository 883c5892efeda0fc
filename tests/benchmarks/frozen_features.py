"""Measures what caching a frozen backbone's features saves, and its cost in accuracy.

    python -m tests.benchmarks.frozen_features --weights vgg19_notop.h5 [--views 0 1 2 4]
        [--seeds 0 1 2] [--precision float32]

Trains the complete recipe `vgg19_dropout` on FER2013 (in FER2013_DIR) under a supervisor, for every
number of cached augmented views and every seed. Prints the best validation accuracy and the wall
time of each run's process. The first run with a number of views reuses the features that smaller
numbers have cached; `--empty` clears the cache before each number. The test split stays sealed.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.registry import list_datasets
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import submit_run
from fer_core.storage import paths
from fer_core.storage.reading import read_json

NAME = "fer2013"


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains all runs; prints a line for every run and for every number of views."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", required=True)
    parser.add_argument("--views", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--fer2013", type=Path, help="folder with fer2013.py")
    parser.add_argument("--empty", action="store_true")
    options = parser.parse_args(arguments)
    _import(options.fer2013)
    for views in options.views:
        if options.empty:
            shutil.rmtree(paths.cache_root() / "features", ignore_errors=True)
        runs = [_train(views, seed, options) for seed in options.seeds]
        accuracies = [run.result.val_accuracy for run in runs if run.result]
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        print(  # noqa: T201
            f"{views} views: mean {statistics.mean(accuracies):.2%}, standard deviation "
            f"{spread:.2%}; seconds {', '.join(f'{_seconds(run):.0f}' for run in runs)}",
            flush=True,
        )


def _import(folder: Path | None) -> None:
    if NAME in [dataset.name for dataset in list_datasets()] or folder is None:
        return
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "fer2013.csv"
        subprocess.run([sys.executable, folder / "fer2013.py", "csv", table], check=True)
        import_source(table, NAME)


def _train(views: int, seed: int, options: argparse.Namespace) -> Run:
    config = replace(
        RECIPES["vgg19_dropout"].config,
        dataset=NAME,
        weights=options.weights,
        feature_views=views,
        precision=options.precision,
        seed=seed,
        test_at_end=False,
    )
    run = submit_run(config)
    while run.state.is_active:
        time.sleep(0.2)
    if run.result is None:
        raise RuntimeError(run.error or run.interruption)
    print(  # noqa: T201
        f"{options.precision}, {views} views, seed {seed}: {run.result.val_accuracy:.2%}, "
        f"{_seconds(run):.0f} s",
        flush=True,
    )
    return run


def _seconds(run: Run) -> float:
    assert run.attempt is not None
    ended = read_json(run.attempt / "exit.json")["ended"]
    return float(ended - read_json(run.attempt / "process.json")["started"])


if __name__ == "__main__":
    main()
