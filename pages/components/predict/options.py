"""How answers are given: by which network, over how many views, and from how sure on."""

from dataclasses import dataclass

import streamlit as st

from fer_core import evaluation
from fer_core.errors import FerError
from fer_core.evaluation import ALWAYS_ABSTAIN, DEFAULT_MIN_ACCURACY, Coverage, ModelProvenance
from fer_core.runs import Run
from fer_core.storage import Stamp, stamp
from pages.components.shared.formatting import format_run, plain
from pages.components.shared.models import FaceSearch

_SHARES = (
    0.0,
    0.5,
    0.6,
    0.7,
    0.75,
    DEFAULT_MIN_ACCURACY,
    0.85,
    0.9,
    0.95,
)  # of the answers, to be right


@dataclass(frozen=True)
class AbstentionChoice:
    """From how sure on an answer is given."""

    right: float  # the share of answers that shall be right, in [0, 1]; 0 for any
    threshold: float  # the least probability of an answer, in [0, 1]


@dataclass(frozen=True)
class PredictOptions:
    """What a person has chosen, whatever the pictures come from."""

    known: ModelProvenance  # of the network
    search: FaceSearch
    sureness: AbstentionChoice
    averaged: bool  # over ten views of each face
    explains: bool  # whether each face is shown with where the network looked

    @property
    def run(self) -> Run:
        """Whose network answers."""
        return self.known.run


def show_provenance(known: ModelProvenance) -> None:
    """What the network learned from and how good it is, in one line."""
    dataset = plain(known.run.config.dataset)
    learned = f"{known.images:,} images of {dataset}" if known.images else dataset
    name = plain(format_run(known.run))
    sentence = f"**{name}** learned from {learned}."
    if known.score is None:
        st.caption(f"{sentence} How often it is right is not recorded.")
        return
    split = "test" if known.split == "test" else "validation"
    views = " with ten views of each averaged" if known.averaged else ""
    sentence += f" Right on {split}{views}: {known.score.accuracy}"
    if known.score.clean is not None:
        sentence += f"; {known.score.clean.value:.1%} without those it has learned from"
    if known.split != "test" and known.run.has_test:
        sentence += ". Its test split is sealed"
    st.caption(f"{sentence}.")


def choose_abstention(run: Run, averaged: bool) -> AbstentionChoice:
    """How sure the network must be, and what that costs and gains on validation."""
    right = st.select_slider(
        "How many of its answers must be right",
        _SHARES,
        value=DEFAULT_MIN_ACCURACY,
        format_func=lambda share: f"{share:.0%}" if share else "any",
        key="share-of-right-answers",
        persist_state="session",
        help="The more of its answers must be right, the more often it says “not sure” instead. "
        "The least probability for this is read off the validation images, without those that "
        "are training images too.",
    )
    try:
        threshold, answered, of_one_view = _read_off(run, averaged, right)
    except ValueError as error:
        st.caption(plain(str(error)))
        return AbstentionChoice(0.0, 0.0)
    st.caption(_in_words(threshold, answered))
    if of_one_view:
        st.caption(
            "Averages of ten views were not measured on validation when this network was trained: "
            "the threshold is that of one view, and the probabilities have no temperature."
        )
    return AbstentionChoice(right, threshold)


def _read_off(run: Run, averaged: bool, right: float) -> tuple[float, Coverage, bool]:
    """The threshold, what it does, and whether it is of one view though several are averaged."""
    of_one_view = averaged and not run.predictions_file("val", averaged=True).exists()
    measured = averaged and not of_one_view
    now = stamp(run.predictions_file("val", averaged=measured))
    if not any(now):
        raise FerError("It always answers: it has no predictions for validation to go by.")
    known = run.calibration(averaged=measured)
    temperature = known.temperature if known else 1.0
    return (*_on_validation(run, measured, now, temperature, right), of_one_view)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Run: lambda run: str(run.directory)})
def _on_validation(
    run: Run, averaged: bool, now: Stamp, temperature: float, right: float
) -> tuple[float, Coverage]:
    predictions = run.predictions("val", averaged=averaged)
    if predictions is None or predictions.empty:
        raise FerError("It always answers: it has no predictions for validation to go by.")
    tempered = evaluation.with_temperature(predictions, temperature)
    threshold = evaluation.abstention_threshold(tempered, right)
    return threshold, evaluation.coverage_at(tempered, threshold)


def _in_words(threshold: float, answered: Coverage) -> str:
    faces = f"the {answered.faces:,} validation faces"
    if answered.accuracy is None or threshold == ALWAYS_ABSTAIN:
        return f"However sure it is, of {faces} it is not right that often: it is never sure."
    if not threshold:
        sentence = f"It answers all of {faces}"
    else:
        sentence = (
            f"Below a probability of {threshold:.0%} it says “not sure”. It answers "
            f"**{answered.coverage:.1%}** of {faces}"
        )
    accuracy = answered.accuracy
    return (
        f"{sentence}; **{accuracy.value:.1%}** of those are right "
        f"({accuracy.low:.1%} to {accuracy.high:.1%})."
    )
