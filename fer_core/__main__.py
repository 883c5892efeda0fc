"""Runs FER Studio from the command line, on the same workspace as the app.

python -m fer_core draw drawn-faces
python -m fer_core import path/to/fer2013.csv --name fer2013
python -m fer_core corrections fer2013 --export corrections.csv
python -m fer_core raters fer2013 --export votes.csv
python -m fer_core train --dataset fer2013 --recipe cnn_classic --epochs 20 --detach
python -m fer_core train --dataset fer2013 --recipe cnn_vgg --seeds 3 --detach
python -m fer_core sweep --dataset fer2013 --recipe cnn_vgg --kind tpe --trials 20 --prune \\
    --vary learning_rate=1e-4..1e-2:log --vary batch_size=32,64,128
python -m fer_core experiments EXPERIMENT
python -m fer_core find-rate --dataset fer2013 --recipe cnn_vgg
python -m fer_core cross-validate --dataset fer2013 --recipe cnn_vgg --folds 5 --by subject
python -m fer_core folds EXPERIMENT --compare EXPERIMENT
python -m fer_core distill RUN RUN --recipe cnn_vgg
python -m fer_core runs
python -m fer_core queue --move RUN -1
python -m fer_core stop RUN
python -m fer_core continue RUN --epochs 10
python -m fer_core evaluate RUN --split test
python -m fer_core metadata fer2013 people.csv
python -m fer_core slices RUN --by sex
python -m fer_core predict RUN photo.jpg other.png --csv faces.csv
python -m fer_core video RUN video.mp4 --out results
python -m fer_core batch RUN folder --out results --table clips.csv
python -m fer_core ensemble RUN RUN RUN --name best --weights fitted
python -m fer_core export RUN --format onnx litert --out models
python -m fer_core report RUN --out report.html
python -m fer_core report EXPERIMENT --pdf
python -m fer_core serve RUN --port 8600
python -m fer_core import-model model.h5 --classes angry,happy,sad --scaling 0..1 --name theirs

RUN is a run's ID, or the beginning of it if no other ID begins the same.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from fer_core.cli import (
    batch,
    cross_validation,
    datasets,
    ensembles,
    evaluation,
    experiments,
    export,
    import_model,
    raters,
    report,
    runs,
    serve,
    slices,
    training,
    video,
)
from fer_core.cli.console import echo
from fer_core.errors import FerError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 1 after an error that the user can solve.

    Any other exception is an internal error and keeps its traceback.
    """
    options = _parser().parse_args(arguments)
    # Turns off TensorFlow's log messages; its errors are exceptions anyway.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return int(options.command(options))
    except (FerError, OSError) as error:  # OSError: a file that is missing, a full disk
        echo(str(error), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fer_core",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    groups = (
        *(datasets, raters, training, experiments, cross_validation, runs, evaluation),
        *(slices, video, batch),
        *(ensembles, export, import_model, report, serve),
    )
    for group in groups:
        group.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
