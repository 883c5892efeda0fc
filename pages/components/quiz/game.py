"""A game of the quiz: which faces, and what was guessed so far."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import evaluation, expressions
from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport
from fer_core.runs import Run
from pages.components.shared.dataset_cache import thumbnail
from pages.components.shared.gallery import Tile, gallery
from pages.components.shared.predictions_cache import Images, Subject, evaluated, find_images

_SEED, _GUESSES, _OF = "quiz-seed", "quiz-guesses", "quiz-of"


@dataclass(frozen=True)
class Game:
    """Some of a network's answers, and a person's guesses for the first of them."""

    found: EvaluationReport
    images: Images
    rows: np.ndarray
    guesses: list[str]

    @property
    def answers(self) -> pd.DataFrame:
        """All of the network's answers on validation."""
        return self.found.calibrated

    @property
    def class_names(self) -> tuple[str, ...]:
        """What can be guessed."""
        return self.found.class_names

    def image(self, number: int) -> np.ndarray:
        """The face to guess next, uint8 RGB.

        Raises:
            FerError: it is gone or damaged.
        """
        return self.images.dataset.image(int(self.images.positions[self.rows[number]]))


def current_game(run: Run) -> Game | None:
    """The game that goes on with that run, or a new one; None where there is no face to guess.

    Raises:
        FerError: the images are not there.
    """
    if st.session_state.get(_OF) != run.id:
        st.session_state[_OF] = run.id
        begin()
    subject = Subject(run, run.predictions_file("val"), run.config.dataset, "Validation accuracy")
    found = evaluated(subject)
    if found is None:
        return None
    images = find_images(subject, found)
    rows = evaluation.draw_faces(found.calibrated, images.positions, st.session_state[_SEED])
    if not len(rows):
        raise FerError(f"None of its validation images is in the data set {run.config.dataset}.")
    return Game(found, images, rows, st.session_state[_GUESSES])


def begin() -> None:
    """A new game: other faces, nothing guessed."""
    st.session_state[_SEED] = int(np.random.default_rng().integers(2**31))
    st.session_state[_GUESSES] = []


def guess(expression: str) -> None:
    """Takes a guess for the face that is shown."""
    st.session_state[_GUESSES] = [*st.session_state[_GUESSES], expression]


def show_faces(game: Game) -> None:
    """Every face with what it is said to show, what was guessed and what the network said."""
    names = game.class_names
    color = dict(zip(names, expressions.colors(names), strict=True))
    rows = game.answers.iloc[game.rows]
    tiles = []
    for row, truth, answered, mine in zip(
        game.rows, rows["expression"], rows["predicted"], game.guesses, strict=True
    ):
        picture = thumbnail(game.images.dataset, int(game.images.positions[row]))
        words = f"{truth} · you {_mark(mine, truth)} · network {_mark(answered, truth)}"
        tiles.append(Tile(picture, words, color.get(truth, "#808080"), int(row)))
    gallery(tiles, key=f"quiz-{game.rows[0]}", least=230, pressed=False)


def _mark(answer: str, truth: str) -> str:
    return "✓" if answer == truth else answer
