"""Describes a model file that another program wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_core.storage import Count


@dataclass(frozen=True)
class Files:
    """Names the files of a foreign model."""

    model: Path
    weights: Path | None = None  # of a model that is only described in `model`


@dataclass(frozen=True)
class ForeignModel:
    """Tells what a foreign model's file says about it; stored as JSON."""

    kind: str  # a key of KINDS
    label: str  # of the kind, such as "Keras 2 (HDF5)"
    file: str  # its name
    size: Count  # bytes
    sha256: str
    input_shape: tuple[Count, Count, Literal[1, 3]]  # height, width, channels
    classes: Count
    parameters: Count
    trainable: bool = True  # training may start from its weights
    class_names: tuple[str, ...] = ()  # if the file has them
    scaling: str = ""  # of SCALINGS, if the file tells
    facts: tuple[str, ...] = ()  # sentences for whoever imports it
    warnings: tuple[str, ...] = ()  # sentences
