"""Defines what a format of exported models is."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fer_core.model_io.usage import ModelUsage
from fer_core.runs import TrainConfig

USAGE = "usage"  # names what travels with a model: an attribute, or usage.json


@dataclass(frozen=True)
class Source:
    """Holds what a format is written from."""

    model_file: Path
    config: TrainConfig
    usage: ModelUsage


@dataclass(frozen=True)
class Gate:
    """Holds how far an export may be from its model to be good."""

    max_difference: float | None = None  # of a probability
    min_agreement: float = 0.0  # the share of faces with the same label


FLOAT32 = Gate(max_difference=1e-4)
FLOAT16 = Gate(max_difference=2e-2)
# Of 64 faces four may change; the accuracies beside tell whether that is for the worse.
INT8 = Gate(min_agreement=0.93)


@dataclass(frozen=True)
class Missing:
    """Tells what a format needs that is not on this machine, and how to get it."""

    what: str
    how: str  # what to do with the command
    command: str

    def __str__(self) -> str:
        """Returns a clause that follows "needs"."""
        return f"{self.what}, which is not installed. {self.how}: {self.command}"


def _nothing() -> None:
    """Tells that a format needs only its package of Python."""


@dataclass(frozen=True)
class Format:
    """Describes a format, and writes it."""

    name: str  # on the command line, and of the folder
    label: str
    file: str  # of the model; for some formats a folder
    package: str  # that runs it, as pip calls it
    module: str  # the package's, as Python imports it
    write: Callable[[Source, Path], None]  # gets the path of `file`, which does not exist yet
    code: str  # Python that loads `file` and `usage`, and defines `predict`
    gate: Gate = FLOAT32
    value_range: tuple[float, float] = (0.0, 255.0)  # of the pixels that the model takes
    is_quantized: bool = False
    takes_onnx: bool = False  # it is written from an imported .onnx file too, not only from Keras
    also_missing: Callable[[], Missing | None] = _nothing  # besides the package
    introduction: str = ""  # what README.md says before it comes to Python; Markdown

    @property
    def missing(self) -> Missing | None:
        """Returns what is not installed, or None; the package is not imported."""
        if find_spec(self.module) is None:
            command = f"pip install {self.package}"
            return Missing(f"the package {self.package}", "Install it", command)
        return self.also_missing()
