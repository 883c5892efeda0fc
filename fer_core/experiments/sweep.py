"""Makes the plan of an experiment from what a person enters, in the form or on the command line."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import Field, fields, replace
from typing import Any, get_origin

from fer_core.errors import FerError
from fer_core.experiments.plan import GRID, RANDOM, SEEDS, TPE, Plan
from fer_core.experiments.pruning import Pruning
from fer_core.experiments.space import Dimension, Settings, grid, random_settings
from fer_core.runs import MAX_TRIALS, SETTINGS, Augmentation, TrainConfig
from fer_core.text import shortened

KINDS = {
    SEEDS: "Seeds",
    GRID: "Grid",
    RANDOM: "Random",
    TPE: "TPE (Optuna)",
}
_GROUPS = ("optimization", "regularization", "augmentation")
_OTHERS = ("architecture", "image_size", "distillation")
_FIXED = ("epochs", "weights")  # the same for all trials, which are compared
_RANGE, _LOG = "..", ":log"


def _fields() -> dict[str, Field]:
    return {entry.name: entry for entry in (*fields(TrainConfig), *fields(Augmentation))}


VARIABLE = tuple(
    name
    for name, setting in SETTINGS.items()
    if (setting.group in _GROUPS or name in _OTHERS) and name not in _FIXED
)


def is_number(name: str) -> bool:
    """Tells whether a setting is a number, so that it can vary over a range."""
    return _fields()[name].type in (int, float)


def is_whole(name: str) -> bool:
    """Tells whether a setting is a whole number."""
    return _fields()[name].type is int


def parse_dimension(name: str, text: str) -> Dimension:
    """Returns how a setting varies: "1e-4, 1e-3", "1e-5..1e-2", "1e-5..1e-2:log" or "48x48, 64x64".

    Raises:
        FerError: the setting cannot vary, or the text is neither a list of its values nor a range.
    """
    if name not in VARIABLE:
        raise FerError(
            f"The settings of trials may differ in {', '.join(VARIABLE)}. "
            f"Received: {shortened(name)}"
        )
    try:
        if _RANGE in text and is_number(name):
            low, high = _ends(text.removesuffix(_LOG))
            return Dimension(low=low, high=high, log=text.endswith(_LOG), whole=is_whole(name))
        texts = filter(None, map(str.strip, text.split(",")))
        return Dimension(values=tuple(map(_reader(name), texts)))
    except FerError as error:
        raise FerError(f"{SETTINGS[name].label}: {error}") from error
    except ValueError:
        raise FerError(
            f"{SETTINGS[name].label} must vary over values such as {_example(name)}. "
            f"Received: {shortened(text)}"
        ) from None


def _ends(text: str) -> list[float]:
    """Returns the ends of a range; raises a ValueError if there are not two."""
    low, high = map(str.strip, text.split(_RANGE))
    try:
        return [_number(low), _number(high)]
    except ValueError:
        received = " to ".join(shortened(end) or "nothing" for end in (low, high))
        raise FerError(f"Both ends of a range must be numbers. Received: {received}") from None


def _example(name: str) -> str:
    kind = _fields()[name].type
    if get_origin(kind) is tuple:
        return "48x48, 64x64"
    if kind is bool:
        return "on, off"
    if kind is str:
        return ", ".join(SETTINGS[name].choices or ("cnn_classic", "cnn_vgg"))
    return (
        "16, 32, 64, or a range, such as 16..64" if kind is int else "0.001, 0.01, or 0.001..0.01"
    )


def _reader(name: str) -> Callable[[str], Any]:
    """Returns the function that reads one value of a setting; it raises a ValueError."""
    kind: Any = _fields()[name].type
    readers: dict[Any, Callable[[str], Any]] = {bool: _switch, int: int, float: _number}
    return _size if get_origin(kind) is tuple else readers.get(kind, str)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _switch(text: str) -> bool:
    known = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
    if text.lower() not in known:
        raise ValueError
    return known[text.lower()]


def _size(text: str) -> list[int]:
    height, width = text.lower().replace("×", "x").split("x")
    return [int(height), int(width)]


def make_plan(
    kind: str,
    base: TrainConfig,
    space: Mapping[str, Dimension],
    count: int,
    *,
    title: str = "",
    pruning: Pruning | None = None,
) -> Plan:
    """Returns the plan of an experiment.

    The trials of a sweep leave the test split sealed, since the best of them is chosen.

    Args:
        kind: SEEDS, GRID, RANDOM or TPE.
        space: the settings that vary, by name; not used for SEEDS.
        count: the number of trials; not used for GRID.

    Raises:
        FerError: nothing varies, the number of trials is out of range, or a trial's settings are.
    """
    if kind not in KINDS:
        raise FerError(f"The kind must be {', '.join(KINDS)}. Received: {shortened(kind)}")
    if kind != GRID and not 1 <= count <= MAX_TRIALS:
        raise FerError(f"Choose from 1 to {MAX_TRIALS} trials. Received: {count}")
    if kind != SEEDS:
        base = replace(base, test_at_end=False)
        if not space:
            raise FerError("Choose at least one setting that varies.")
    trials: tuple[Settings, ...] = ()
    if kind == SEEDS:
        trials, space = tuple({"seed": base.seed + number} for number in range(count)), {}
    elif kind == GRID:
        trials = tuple(grid(space))
    elif kind == RANDOM:
        trials = tuple(random_settings(space, count, base.seed))
    return Plan(
        kind,  # type: ignore[arg-type]  # it is one of KINDS
        base,
        time.time(),
        trials,
        proposals=count if kind == TPE else 0,
        title=title.strip(),
        space=dict(space),
        seed=base.seed,
        pruning=pruning,
    )
