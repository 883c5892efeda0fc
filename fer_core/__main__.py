"""FER Studio in a terminal: the same core and the same run directories as in the browser.

python -m fer_core draw drawn-faces
python -m fer_core import path/to/fer2013.csv --name fer2013
python -m fer_core overlay fer2013 --export corrections.csv
python -m fer_core train --dataset fer2013 --recipe cnn_classic --epochs 20 --detach
python -m fer_core runs
python -m fer_core queue --move RUN -1
python -m fer_core stop RUN
python -m fer_core continue RUN --epochs 10
python -m fer_core evaluate RUN --split test
python -m fer_core predict RUN photo.jpg other.png --csv faces.csv
python -m fer_core video RUN film.mp4 --out results

RUN is a run's id, or how it begins, where only one begins so.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from fer_core.cli import datasets, evaluation, release, runs, training, video
from fer_core.cli.console import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; what is wrong is said in a sentence."""
    options = _parser().parse_args(arguments)
    # TensorFlow's remarks to those who develop it; its errors come as exceptions, too.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return int(options.command(options))
    except (ValueError, OSError) as error:  # OSError: a full disk, say
        say(str(error), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fer_core",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (datasets, training, runs, evaluation, video, release):
        group.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
