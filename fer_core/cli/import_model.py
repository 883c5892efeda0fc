"""The command that imports a model of another program: import-model."""

import argparse
from pathlib import Path
from typing import Any

from fer_core.cli.console import echo, follow
from fer_core.cli.model_proposals import add_proposal_options, best_proposal
from fer_core.errors import FerError
from fer_core.model_io.importing import (
    COLORS,
    SCALINGS,
    Files,
    ForeignModel,
    ImportChoices,
    imported_run,
    inspect_model,
    submit_import,
)


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "import-model",
        help="import a model of another program as a run",
        description="Tell what the file does not say: the classes in the order of the model's "
        "output, what it takes pixels as, and the order of the colors.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the model")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="its weights, if FILE is only its description"
    )
    parser.add_argument("--inspect", action="store_true", help="only tell what the file says")
    parser.add_argument("--classes", metavar="NAMES", help="such as angry,disgust,fear")
    parser.add_argument("--scaling", choices=SCALINGS, help=_scalings())
    parser.add_argument("--color", choices=COLORS, help="gray for a model of one channel")
    parser.add_argument(
        "--margin", type=float, help="around a face, as a share of its longer side; default: 0"
    )
    parser.add_argument("--name", default="", help="of the run; by default that of the file")
    add_proposal_options(parser)
    parser.set_defaults(command=_import)


def _scalings() -> str:
    return "what the model takes pixels as; " + "; ".join(
        f"{name}: {meaning}" for name, meaning in SCALINGS.items()
    )


def _import(options: argparse.Namespace) -> int:
    model = inspect_model(options.file, options.weights)
    _echo_model(model)
    if options.accept and not options.dataset:
        raise FerError("--accept takes what --dataset proposes. Add --dataset NAME.")
    if options.dataset:
        best = best_proposal(model, Files(options.file, options.weights), options.dataset)
        if options.accept:  # other options win
            options.classes = options.classes or ",".join(best.class_names)
            options.scaling = options.scaling or best.scaling
            options.color = options.color or best.color
    if options.inspect or (options.dataset and not options.accept):
        return 0
    choices = _choices(model, options)
    task = submit_import(options.file, choices, options.weights, name=options.name)
    code = follow(task)
    if not code:
        echo(imported_run(task).id)
    return code


def _echo_model(model: ForeignModel) -> None:
    height, width, channels = model.input_shape
    color = "gray, one channel" if channels == 1 else "three channels"
    echo(f"{model.label}: {model.parameters:,} parameters, SHA-256 {model.sha256}")
    echo(f"It takes {height}×{width} pixels, {color}, and tells {model.classes} classes apart.")
    for sentence in (*model.facts, *model.warnings):
        echo(sentence)
    if model.class_names:
        echo(f"Its classes: {', '.join(model.class_names)}")


def _choices(model: ForeignModel, options: argparse.Namespace) -> ImportChoices:
    """Returns what the options say, and what the file says of what they do not.

    Raises:
        FerError: neither says enough.
    """
    given = options.classes.split(",") if options.classes else model.class_names
    names = tuple(name.strip() for name in given)
    scaling: str = options.scaling or model.scaling
    color: str = options.color or ("gray" if model.input_shape[2] == 1 else "")
    found = {"--classes": names, "--scaling": scaling, "--color": color}
    lacking = [option for option, value in found.items() if not value]
    if lacking:
        raise FerError(
            f"The file does not say all that is needed. Add {', '.join(lacking)}: see "
            "`python -m fer_core import-model --help`."
        )
    margin = {} if options.margin is None else {"crop_margin": options.margin}
    return ImportChoices(names, scaling, color, **margin)
