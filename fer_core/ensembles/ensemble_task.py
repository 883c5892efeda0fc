"""Makes an ensemble: joins the models, fits weights and temperature, evaluates, measures."""

import platform
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from fer_core import __version__
from fer_core.ensembles.assembly import Member, assemble, input_shape
from fer_core.ensembles.ensemble import (
    FITTED,
    Reference,
    Weighting,
    check_members,
    reference_of,
)
from fer_core.ensembles.weights import (
    Contribution,
    contributions,
    equal_weights,
    fit_weights,
    weighted_mean,
)
from fer_core.errors import FerError
from fer_core.evaluation import apply_temperature, fit_temperature, save_calibration
from fer_core.models import (
    Model,
    OnnxModel,
    load_for_prediction,
    load_model,
    predict,
    predict_tta,
    save_model,
)
from fer_core.runs import (
    COMPLETED,
    ENSEMBLES,
    LEAKED,
    EnsembleMember,
    EnsembleRecord,
    Notes,
    Result,
    Run,
    RunData,
    TrainConfig,
    copy_labels,
    dataset_of,
    open_data_of,
    open_run,
    save_ensemble,
    save_image_stats,
    save_predictions,
    save_result,
)
from fer_core.storage import file_sha256, paths, write_json
from fer_core.tasks import ProgressReporter, Task
from fer_core.text import counted

_CHUNK = 64  # images between two looks at a stop request
_TIMED = 15  # faces

Report = Callable[[int, int, str], None]


def run_ensemble(task: Task) -> None:
    """Runs a task of kind "ensemble"; called by the worker."""
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    asked = task.request.arguments
    runs = [open_run(run_id) for run_id in asked["runs"]]
    making = Run(task.directory / "run")
    try:
        make_ensemble(
            runs,
            making,
            asked["name"],
            weighting=asked["weights"],
            tta=bool(asked.get("views")),
            dataset=asked.get("dataset") or "",
            report=ProgressReporter(task),
        )
        paths.runs_root().mkdir(parents=True, exist_ok=True)
        made = paths.runs_root() / task.id
        making.directory.rename(made)
    finally:
        shutil.rmtree(making.directory, ignore_errors=True)
    write_json(task.directory / "result.json", {"run": made.name})


def make_ensemble(
    runs: Sequence[Run],
    made: Run,
    name: str,
    *,
    weighting: Weighting,
    tta: bool,
    report: Report,
    dataset: str = "",
) -> None:
    """Fills the directory of a new run, which does not exist yet, with an ensemble of runs.

    Args:
        report: called with the images done, their total, and what is being done; an exception
            that it raises ends the work.
        dataset: as in `reference_of`.

    Raises:
        FerError: as `check_members`, `reference_of` and `Member.load`.
    """
    report(0, 1, "Reading the models")
    check_members(runs)
    reference = reference_of(runs, dataset)
    members = [Member.load(run) for run in runs]
    made.directory.mkdir()
    _write_settings(made, reference, members, tta=tta)
    data = open_data_of(made, lambda done, total: report(done, total, "Reading the images"))
    gray = data.is_gray and all(member.takes_gray for member in members)
    _write_data(made, data, gray=gray)
    file = made.directory / "model.keras"
    fit = _fit(members, data, weighting, file, report, gray=gray)
    save_predictions(made, "val", _table(data, fit, fit.probabilities))
    if tta:
        views = _answers(file, len(members), data, predict_tta, report, "Predicting from ten views")
        save_predictions(made, "val", _table(data, fit, fit.mean(views)), tta=True)
    write_json(made.directory / "notes.json", asdict(Notes(name)))
    save_image_stats(made, data.image_stats())
    save_calibration(made)
    save_ensemble(made, _record(members, fit, weighting, _milliseconds(file)))
    save_result(made, _result(fit))


@dataclass(frozen=True)
class _Fit:
    """Holds what was fitted on the validation split, and the members' probabilities for it."""

    answers: np.ndarray  # float32 (n, members, classes), calibrated
    labels: np.ndarray  # int (n,)
    leaked: np.ndarray  # bool (n,): a member learned from the image
    remark: str  # about images that members learned from
    temperatures: Sequence[float]
    weights: np.ndarray  # (members,)
    weighting: Weighting

    @property
    def probabilities(self) -> np.ndarray:
        """Returns the ensemble's own, float32 (n, classes)."""
        return self.mean(self.answers)

    def mean(self, answers: np.ndarray) -> np.ndarray:
        """Returns the weighted mean of the members' probabilities."""
        return weighted_mean(answers, self.weights)

    @property
    def contributions(self) -> list[Contribution]:
        """Returns what each member adds."""
        rows = np.flatnonzero(~self.leaked) if self.weighting == FITTED else None
        return contributions(self.answers, self.labels, self.weights, refit=rows)


def _fit(
    members: Sequence[Member],
    data: RunData,
    weighting: Weighting,
    file: Path,
    report: Report,
    *,
    gray: bool,
) -> _Fit:
    """Fits temperatures and weights, and saves the model."""
    labels = data.labels(data.positions("val"))
    leaked, remark = _leaks([member.run for member in members], data)
    temperatures = [member.temperature or 1.0 for member in members]
    weights = equal_weights(len(members))
    save_model(assemble(members, temperatures, weights, data.class_names, gray=gray), file)
    answers = _answers(file, len(members), data, predict, report, "Predicting")
    for number, member in enumerate(members):
        if member.temperature is None:
            table = data.predictions("val", answers[:, number])
            temperatures[number] = fit_temperature(table)
            answers[:, number] = apply_temperature(answers[:, number], temperatures[number])
    if weighting == FITTED:
        weights = fit_weights(answers[~leaked], labels[~leaked])
    report(1, 1, "Saving the model")
    save_model(assemble(members, temperatures, weights, data.class_names, gray=gray), file)
    return _Fit(answers, labels, leaked, remark, temperatures, weights, weighting)


def _answers(
    file: Path,
    members: int,
    data: RunData,
    function: Callable[[Model, np.ndarray], np.ndarray],
    report: Report,
    message: str,
) -> np.ndarray:
    """Returns the members' probabilities of the validation images: (n, members, classes)."""
    rows, parts = data.rows("val"), []
    model = _Members(file, members * len(data.class_names))
    for start in range(0, len(rows), _CHUNK):
        report(start, len(rows), message)
        parts.append(function(model, rows[start : start + _CHUNK]))
    return np.concatenate(parts).reshape(len(rows), members, -1)


class _Members:
    """Predicts as an ensemble does before it takes the mean: (n, members × classes)."""

    def __init__(self, file: Path, width: int) -> None:
        model = load_for_prediction(file)
        self.name, self.input_shape = model.name, model.input_shape
        self.output_shape: tuple[Any, ...] = (None, width)
        if isinstance(model, OnnxModel):
            self._answer = model.features_on_batch
        else:
            slow = load_model(file)
            self._answer = keras.Model(slow.inputs, slow.layers[-1].input).predict_on_batch

    def predict_on_batch(self, x: np.ndarray, /) -> np.ndarray:
        """Returns the members' probabilities, one after another, of float32 pixels."""
        return self._answer(x)


def _leaks(runs: Sequence[Run], data: RunData) -> tuple[np.ndarray, str]:
    """Returns which validation images a member learned from, and a sentence about the members.

    The sentence is empty if all of them were trained on the images and splits of `data`.
    """
    content = data.index["content"]
    contents = content.loc[data.positions("val")]
    leaked = contents.isin(content.loc[data.positions("train")]).to_numpy()
    others = [run for run in runs if run.fingerprint != data.fingerprint]
    if not others:
        return leaked, ""
    unknown = 0
    for run in others:
        learned = _learned(run)
        unknown += learned is None
        leaked = leaked | contents.isin([] if learned is None else learned).to_numpy()
    names = ", ".join(run.name for run in others)
    sentence = (
        f"Not trained on the same images and splits: {names}. {leaked.sum():,} of the "
        f"{len(leaked):,} validation images are known to be among training images."
    )
    if unknown:
        sentence += (
            f" For {counted(unknown, 'member')} that cannot be checked here, so the accuracy on "
            "validation may be too high."
        )
    return leaked, sentence


def _learned(run: Run) -> pd.Series | None:
    """Returns the hashes of the images that a run was trained on; None if they are not here."""
    try:
        dataset = dataset_of(run).checked()
    except FerError:
        return None
    if dataset.fingerprint() != run.fingerprint:
        return None
    index = dataset.index
    return index["content"][index["split"] == "train"]


def _table(data: RunData, fit: _Fit, probabilities: np.ndarray) -> pd.DataFrame:
    return data.predictions("val", probabilities).assign(**{LEAKED: fit.leaked})


def _write_settings(
    made: Run, reference: Reference, members: Sequence[Member], *, tta: bool
) -> None:
    """Writes config.json, with the reference's images, its corrections and votes."""
    *size, channels = input_shape(members)
    source = reference.config
    config = TrainConfig(
        dataset=source.dataset,
        architecture=ENSEMBLES[channels],
        image_size=(size[0], size[1]),
        class_names=source.class_names,
        labels=source.labels,
        validation_fraction=source.validation_fraction,
        folds=source.folds,
        fold=source.fold,
        fold_unit=source.fold_unit,
        fold_seed=source.fold_seed,
        overlay=source.overlay,
        average_views=tta,
        epochs=1,
    )
    if reference.member is not None:
        copy_labels(reference.member, made)
    write_json(made.directory / "config.json", config.to_dict())


def _write_data(made: Run, data: RunData, *, gray: bool) -> None:
    """Writes dataset.json and environment.json, as a trainer does."""
    record = {
        "class_names": list(data.class_names),
        "counts": data.counts.to_dict("list"),
        "gray": gray,
    }
    write_json(made.directory / "dataset.json", record)
    environment = {
        "fer_studio": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "keras": keras.__version__,
        "fingerprint": data.fingerprint,
    }
    write_json(made.directory / "environment.json", environment)


def _record(
    members: Sequence[Member], fit: _Fit, weighting: Weighting, milliseconds: float
) -> EnsembleRecord:
    return EnsembleRecord(
        members=tuple(
            EnsembleMember(
                run=member.run.id,
                name=member.run.name,
                model_sha256=file_sha256(member.run.directory / "model.keras"),
                dataset=member.run.config.dataset,
                fingerprint=member.run.fingerprint,
                image_size=member.size,
                channels=member.channels,
                temperature=temperature,
                weight=round(float(weight), 6),
                **asdict(added),
            )
            for member, temperature, weight, added in zip(
                members, fit.temperatures, fit.weights, fit.contributions, strict=True
            )
        ),
        weighting=weighting,
        images=len(fit.labels),
        correct=int((fit.probabilities.argmax(axis=1) == fit.labels).sum()),
        milliseconds=milliseconds,
        remark=fit.remark,
        made=datetime.now().isoformat(timespec="seconds"),
        crop_margin=members[0].run.crop_margin,
    )


def _milliseconds(file: Path) -> float:
    """Returns the time of one face, as live view and videos predict it: the least of several."""
    model, seconds = load_for_prediction(file), []
    face = np.zeros((1, *model.input_shape[1:]), "float32")
    for _ in range(_TIMED):
        started = time.perf_counter()
        model.predict_on_batch(face)
        seconds.append(time.perf_counter() - started)
    return 1000 * min(seconds)


def _result(fit: _Fit) -> Result:
    probabilities, rows = fit.probabilities, np.arange(len(fit.labels))
    true_class = np.clip(probabilities[rows, fit.labels], keras.config.epsilon(), 1)
    accuracy = float((probabilities.argmax(axis=1) == fit.labels).mean())
    return Result(
        COMPLETED, 0, None, float(-np.log(true_class).mean()), accuracy, remark=fit.remark
    )
