"""A game of the quiz: which faces are shown and what has been guessed so far."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import evaluation, expressions
from fer_core.datasets import list_datasets
from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport
from fer_core.runs import Run
from pages.components.shared.dataset_cache import thumbnail
from pages.components.shared.gallery import Tile, gallery
from pages.components.shared.predictions_cache import (
    LocatedImages,
    Subject,
    load_report,
    locate_images,
)

_SEED, _GUESSES, _SUBJECT = "quiz-seed", "quiz-guesses", "quiz-subject"


@dataclass(frozen=True)
class Game:
    """Holds the faces of a game, the model's predictions, and the user's guesses so far."""

    report: EvaluationReport
    images: LocatedImages
    rows: np.ndarray  # of the predictions, in the order in which the faces are shown
    guesses: list[str]

    @property
    def answers(self) -> pd.DataFrame:
        """Returns all predictions, of which `rows` are in the game."""
        return self.report.calibrated

    @property
    def class_names(self) -> tuple[str, ...]:
        """Returns the expressions to choose from."""
        return self.report.class_names

    def image(self, number: int) -> np.ndarray:
        """Returns a face as uint8 RGB.

        Raises:
            FerError: the file is missing or damaged.
        """
        return self.images.dataset.image(int(self.images.positions[self.rows[number]]))


def find_subject(run: Run) -> Subject | None:
    """Returns predictions of the run whose images are on this machine; None if there are none.

    Prefers the run's own validation split to evaluations on other datasets.
    """
    available = {dataset.name for dataset in list_datasets()}
    if run.config.dataset in available:
        return Subject(run, run.predictions_file("val"), run.config.dataset, "validation")
    for one in evaluation.list_evaluations(run):
        if one.dataset in available:
            file = evaluation.predictions_file(run, one.dataset, one.split)
            return Subject(run, file, one.dataset, one.split)
    return None


def current_game(subject: Subject) -> Game:
    """Returns the game in progress with these predictions, or a new one.

    Raises:
        FerError: there are no predictions, or none of their images can be shown.
    """
    if st.session_state.get(_SUBJECT) != subject.key:
        st.session_state[_SUBJECT] = subject.key
        begin()
    report = load_report(subject)
    if report is None:
        raise FerError(f"{subject.run.id} has no predictions to play against.")
    images = locate_images(subject, report)
    rows = evaluation.draw_faces(report.calibrated, images.positions, st.session_state[_SEED])
    if not len(rows):
        raise FerError(
            f"The dataset {subject.dataset} has none of the images that {subject.run.id} was "
            "validated on. Add the original dataset again under this name."
        )
    return Game(report, images, rows, st.session_state[_GUESSES])


def begin() -> None:
    """Starts a new game with other faces."""
    st.session_state[_SEED] = int(np.random.default_rng().integers(2**31))
    st.session_state[_GUESSES] = []


def guess(expression: str) -> None:
    """Records the guess for the current face."""
    st.session_state[_GUESSES] = [*st.session_state[_GUESSES], expression]


def show_faces(game: Game) -> None:
    """Shows all faces with their label, the user's guess and the model's prediction."""
    names = game.class_names
    color = dict(zip(names, expressions.colors(names), strict=True))
    rows = game.answers.iloc[game.rows]
    tiles = []
    for row, label, predicted, guessed in zip(
        game.rows, rows["expression"], rows["predicted"], game.guesses, strict=True
    ):
        image = thumbnail(game.images.dataset, int(game.images.positions[row]))
        text = f"{label} · you {_mark(guessed, label)} · model {_mark(predicted, label)}"
        tiles.append(Tile(image, text, color.get(label, "#808080"), int(row)))
    gallery(tiles, key=f"quiz-{game.rows[0]}", min_width=230, clickable=False)


def _mark(answer: str, label: str) -> str:
    return "✓" if answer == label else answer
