"""Chooses how predictions are made: model, face detection, TTA and abstention."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fer_core import evaluation
from fer_core.errors import FerError
from fer_core.evaluation import ALWAYS_ABSTAIN, DEFAULT_MIN_ACCURACY, Coverage, ModelProvenance
from fer_core.inference import VideoSettings
from fer_core.runs import Run
from fer_core.storage import Stamp, stamp
from pages.components.shared.formatting import format_dataset, plain
from pages.components.shared.models import FaceSearch

_MIN_ACCURACIES = (0.0, 0.5, 0.6, 0.7, 0.75, DEFAULT_MIN_ACCURACY, 0.85, 0.9, 0.95)


@dataclass(frozen=True)
class Abstention:
    """Tells when the model abstains and says "not sure"."""

    min_accuracy: float  # on answered faces, in [0, 1]; 0 to answer always
    threshold: float  # minimum probability of an answer, in [0, 1]


@dataclass(frozen=True)
class PredictOptions:
    """Holds the user's choices, whatever the source of the images."""

    provenance: ModelProvenance
    search: FaceSearch
    abstention: Abstention
    tta: bool  # test-time augmentation
    shows_grad_cam: bool

    @property
    def run(self) -> Run:
        """Returns the run whose model is used."""
        return self.provenance.run

    def video_settings(self, every: int, time_constant: float) -> VideoSettings:
        """Returns the settings for videos; see `VideoSettings`."""
        return VideoSettings(
            every=every,
            time_constant=time_constant,
            smallest_face=self.search.smallest_face,
            confidence=self.search.confidence,
            threshold=self.abstention.threshold,
            tta=self.tta,
        )


def show_provenance(provenance: ModelProvenance) -> None:
    """Shows in one line what the model was trained on and how accurate it is."""
    sentence = _describe_source(provenance)
    ensemble = provenance.run.ensemble
    if ensemble is not None:
        sentence = f"{len(ensemble.members)} models. {sentence} {plain(ensemble.remark)}".strip()
    score = provenance.score
    if score is None:
        st.caption(f"{sentence} Its accuracy is not recorded.")
        return
    split = "Test" if provenance.split == "test" else "Validation"
    tta = " with TTA" if provenance.tta else ""
    sentence += f" {split} accuracy{tta}: {score.accuracy}"
    if score.clean is not None:
        sentence += f"; {score.clean.value:.1%} without duplicates of training images"
    if provenance.split != "test" and provenance.run.has_test:
        sentence += ". Its test split is sealed"
    st.caption(" ".join([f"{sentence}.", score.describe_seen()]))


def _describe_source(provenance: ModelProvenance) -> str:
    if provenance.run.is_imported:
        imported = provenance.run.imported
        return (
            f"Imported from {plain(imported.file)}, {imported.format}." if imported else "Imported."
        )
    dataset = plain(format_dataset(provenance.run.config.dataset))
    source = f"{provenance.images:,} images of {dataset}" if provenance.images else dataset
    return f"Trained on {source}."


def choose_abstention(run: Run, tta: bool) -> Abstention:
    """Chooses the minimum accuracy, and shows what it costs and gains on validation."""
    min_accuracy = st.select_slider(
        "Minimum accuracy on answered faces",
        _MIN_ACCURACIES,
        value=DEFAULT_MIN_ACCURACY,
        format_func=lambda share: f"{share:.0%}" if share else "any",
        key="min-accuracy",
        persist_state="session",
        disabled=not any(stamp(_measured_on(run, tta))),
        help="The higher it is, the more often the model says “not sure” instead of an "
        "expression. The probability threshold is chosen on the validation images, without "
        "duplicates of training images. It may not hold for other kinds of images: to find "
        "out, evaluate the run on labeled images of that kind.",
    )
    try:
        threshold, coverage, borrowed = _choose_threshold(run, tta, min_accuracy)
    except FerError as error:
        st.caption(plain(str(error)))
        return Abstention(0.0, 0.0)
    st.caption(_describe(threshold, coverage))
    if borrowed:
        st.caption(
            "This run has no validation predictions with test-time augmentation: the threshold is "
            "that of single views, and the probabilities are not calibrated."
        )
    return Abstention(min_accuracy, threshold)


def _choose_threshold(run: Run, tta: bool, min_accuracy: float) -> tuple[float, Coverage, bool]:
    """Returns the threshold, its coverage, and whether TTA borrows it from single views."""
    file = _measured_on(run, tta)
    measured = file == run.predictions_file("val", tta=True)
    borrowed = tta and not measured
    now = stamp(file)
    if not any(now):
        raise _no_predictions()
    calibration = run.calibration(tta=measured)
    temperature = calibration.temperature if calibration else 1.0
    return (*_on_validation(run, measured, now, temperature, min_accuracy), borrowed)


def _measured_on(run: Run, tta: bool) -> Path:
    """Returns the validation predictions that a threshold is chosen on; they may not exist."""
    with_tta = run.predictions_file("val", tta=True)
    return with_tta if tta and with_tta.exists() else run.predictions_file("val", tta=False)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Run: lambda run: str(run.directory)})
def _on_validation(
    run: Run, tta: bool, now: Stamp, temperature: float, min_accuracy: float
) -> tuple[float, Coverage]:
    predictions = run.predictions("val", tta=tta)
    if predictions is None or predictions.empty:
        raise _no_predictions()
    calibrated = evaluation.with_temperature(predictions, temperature)
    threshold = evaluation.abstention_threshold(calibrated, min_accuracy)
    return threshold, evaluation.coverage_at(calibrated, threshold)


def _no_predictions() -> FerError:
    return FerError(
        "This run has no validation predictions to choose a threshold on: the model always answers."
    )


def _describe(threshold: float, coverage: Coverage) -> str:
    faces = f"the {coverage.faces:,} validation faces"
    accuracy = coverage.accuracy
    if accuracy is None or threshold == ALWAYS_ABSTAIN:
        return (
            f"No threshold reaches this accuracy on {faces}: the model always says “not sure”. "
            "Choose a lower accuracy, or another model."
        )
    if not threshold:
        sentence = f"The model answers all of {faces}"
    else:
        sentence = (
            f"Below a probability of {threshold:.0%} the model says “not sure”. It answers "
            f"**{coverage.coverage:.1%}** of {faces}"
        )
    return (
        f"{sentence}; **{accuracy.value:.1%}** of these answers are correct ({accuracy.low:.1%} "
        f"to {accuracy.high:.1%}). Expect this only on similar faces: on other photos fewer "
        "answers may be correct."
    )
