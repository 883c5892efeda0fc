"""Makes a finished run a pretrained model: `python -m fer_core.release RUN NAME --title TITLE`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fer_core.errors import FerError
from fer_core.release.publish import publish_pretrained
from fer_core.runs import open_run


def main(arguments: Sequence[str] | None = None) -> int:
    """Publishes a run and returns the exit code: 1 after an error that the user can solve."""
    options = _parser().parse_args(arguments)
    try:
        notes = options.notes.read_text(encoding="utf-8") if options.notes else ""
        seeds = [open_run(seed) for seed in options.seeds]
        published = publish_pretrained(
            open_run(options.run), options.name, options.title, notes=notes, seeds=seeds
        )
    except (FerError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(published.directory)  # noqa: T201
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fer_core.release", description=__doc__)
    parser.add_argument("run", help="a run's ID")
    parser.add_argument("name", help="the ID of the pretrained model; replaces one of that ID")
    parser.add_argument("--title", required=True, help="the model's name in lists")
    parser.add_argument("--notes", type=Path, help="a Markdown file for the model card")
    parser.add_argument(
        "--seeds",
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs with the same settings and other seeds",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
