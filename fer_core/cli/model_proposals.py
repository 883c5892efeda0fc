"""Options that try a foreign model on a dataset, and its proposals in the terminal."""

import argparse
import tempfile
from pathlib import Path

from fer_core.cli.console import echo, echo_table
from fer_core.errors import FerError
from fer_core.model_io.importing import Files, ForeignModel, Proposal, try_on_dataset


def add_proposal_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="try the model on up to 200 labeled images of this dataset, and print what fits best",
    )
    parser.add_argument(
        "--accept", action="store_true", help="import it with the best of what --dataset proposes"
    )


def best_proposal(model: ForeignModel, files: Files, dataset: str) -> Proposal:
    """Prints the proposals, and returns the best.

    Raises:
        FerError: there are none; the message says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = try_on_dataset(files, model, dataset, Path(folder) / "converted")
    if not found.best:
        raise FerError(" ".join(found.warnings))
    echo(f"On {found.images} images of {found.dataset}:")
    echo_table(
        ("  scaling", "color", "accuracy", "classes"),
        [
            (
                f"  {each.scaling}",
                each.color,
                str(each.accuracy),
                f"{', '.join(each.class_names)} ({each.order})",
            )
            for each in found.best
        ],
    )
    for sentence in found.warnings:
        echo(sentence)
    return found.best[0]
