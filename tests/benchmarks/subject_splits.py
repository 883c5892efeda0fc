"""Compares folds of single images with folds of whole subjects on drawn faces of 40 subjects.

python -m tests.benchmarks.subject_splits [--faces 560] [--epochs 15] [--folds 5]

Every image is validated once in both, so that the accuracies are compared image by image; the
interval of their difference is over subjects.
"""

import argparse
import os
import tempfile
import time
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Trains a model for each fold of both kinds, and prints the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=560)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--recipe", default="cnn_classic")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["FER_HOME"] = home
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Prints the pooled accuracy of both kinds of folds, and the difference."""
    import pandas as pd

    from fer_core.datasets.synthetic import draw_dataset
    from fer_core.evaluation import cluster_difference, cluster_scores, predicted
    from fer_core.experiments import plan_cross_validation
    from fer_core.runs import RECIPES
    from tests.training.in_process import trained

    draw_dataset("faces", count=options.faces, subjects=options.subjects)
    base = replace(
        RECIPES[options.recipe].config,
        dataset="faces",
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        learning_rate_decay=0.0,
    )
    pooled = {}
    for unit in ("image", "subject"):
        began = time.perf_counter()
        plan = plan_cross_validation(base, options.folds, unit).plan
        runs = [trained(config) for config in plan.configs]
        table = pd.concat([run.predictions("val") for run in runs]).set_index("path")
        pooled[unit] = table.sort_index()
        print(f"folds by {unit}: {time.perf_counter() - began:.0f} s", flush=True)  # noqa: T201
    subjects = pooled["subject"]["unit"]
    names = list(runs[0].class_names)
    for unit, table in pooled.items():
        found = cluster_scores(table.reset_index(), subjects.reset_index(drop=True), names)
        print(  # noqa: T201
            f"folds by {unit}: accuracy {found.accuracy} over {found.clusters} subjects, "
            f"{found.images:,} images; macro F1 {found.f1}"
        )
    right = [predicted(table) == table["expression"] for table in pooled.values()]
    gap = cluster_difference(right[0].to_numpy(), right[1].to_numpy(), subjects)
    print(  # noqa: T201
        f"folds by image minus folds by subject: {100 * gap.value:+.1f} points "
        f"({100 * gap.low:+.1f} to {100 * gap.high:+.1f}, 95 % over subjects)"
    )


if __name__ == "__main__":
    main()
