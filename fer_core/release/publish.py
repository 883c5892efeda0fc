"""Copies a finished run to the pretrained models: small, scored again, and with a card."""

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

from fer_core.datasets import is_name
from fer_core.errors import FerError
from fer_core.evaluation import save_calibration
from fer_core.models import load_model, predict, predict_tta
from fer_core.release.card import write_card
from fer_core.runs import (
    Notes,
    Run,
    RunData,
    check_finished,
    copy_labels,
    open_data_of,
    save_image_stats,
    save_predictions,
    save_result,
)
from fer_core.storage import paths, replacing, write_json
from fer_core.training import check_unchanged, evaluate_test

_KEPT = ("config.json", "dataset.json", "history.csv")
_WEIGHTS, _ANSWERS = "model.weights.h5", "answers.json"  # in a .keras file


def publish_pretrained(
    run: Run, name: str, title: str, *, notes: str = "", seeds: Sequence[Run] = ()
) -> Run:
    """Publishes a finished run as a pretrained model with its weights in half precision.

    The smaller weights are what is scored: validation and test are predicted again with them, and
    the temperature is fitted to these predictions.

    Args:
        name: the id that it gets; a pretrained model of that name is replaced.
        notes: for the card, Markdown; see `write_card`, as for `seeds`.

    Raises:
        FerError: the name is invalid, or is that of the run whose weights this one starts from;
            the run has not finished, or its dataset has been deleted or changed.
    """
    if not is_name(name):
        raise FerError(f"The name must be letters, digits, '-' and '_'. Received: {name}")
    if name == run.config.initial_run:
        raise FerError(
            "The name must differ from that of the model whose weights the run starts from. "
            f"Received: {name}"
        )
    check_finished(run)
    data = open_data_of(run)
    check_unchanged(run, data)
    final = paths.pretrained_root() / name
    making = final.with_name(f".making-{name}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        shipped = Run(making)
        _fill(run, shipped, data, title)
        write_card(shipped, title, notes, seeds)
        shutil.rmtree(final, ignore_errors=True)
        making.rename(final)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Run(final)


def to_float16(source: Path, target: Path) -> None:
    """Copies a .keras file with its weights in float16 where they fit; Keras reads both.

    Leaves out the answers saved with the model, which those of rounded weights differ from.
    """
    with (
        zipfile.ZipFile(source) as whole,
        replacing(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for entry in [name for name in whole.namelist() if name != _ANSWERS]:
            content = whole.read(entry)
            small.writestr(entry, _halved(content) if entry == _WEIGHTS else content)


def _fill(run: Run, shipped: Run, data: RunData, title: str) -> None:
    for file in _KEPT:
        shutil.copyfile(run.directory / file, shipped.directory / file)
    copy_labels(run, shipped)
    # Without the machine's name and system, which are nobody's business.
    environment = {name: known for name, known in run.environment.items() if name != "platform"}
    write_json(shipped.directory / "environment.json", environment)
    write_json(shipped.directory / "notes.json", asdict(Notes(name=title)))
    assert run.model_file is not None and run.result is not None
    to_float16(run.model_file, shipped.directory / "model.keras")
    model, rows = load_model(shipped.directory / "model.keras"), data.rows("val")
    save_predictions(shipped, "val", data.predictions("val", predict(model, rows)))
    if run.config.average_views:
        averaged = data.predictions("val", predict_tta(model, rows))
        save_predictions(shipped, "val", averaged, tta=True)
    save_calibration(shipped)
    save_image_stats(shipped, data.image_stats())
    # The record of when the test split was opened before.
    looks = run.predictions_file("test").with_suffix(".json")
    if looks.exists():
        shutil.copyfile(looks, shipped.predictions_file("test").with_suffix(".json"))
    if run.has_test:
        evaluate_test(shipped, data)
    save_result(shipped, replace(run.result, attempt=None))


def _halved(content: bytes) -> bytes:
    source, target = BytesIO(content), BytesIO()
    with h5py.File(source, "r") as whole, h5py.File(target, "w") as small:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = small.require_group(name)
            else:
                made = small.create_dataset(name, data=_smaller(item[()]))
            made.attrs.update(item.attrs)

        small.attrs.update(whole.attrs)
        whole.visititems(copy)
    return target.getvalue()


def _smaller(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.float32:
        return array
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.isfinite(half).all() else array
