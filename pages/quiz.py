"""Twenty faces to guess, and who knew more of them: a person or a network."""

import streamlit as st

from fer_core import evaluation, runs
from fer_core.evaluation import Accuracy
from fer_core.runs import Run
from pages.components.quiz.game import Game, begin, current_game, guess, show_faces
from pages.components.shared.formatting import plain
from pages.components.shared.pickers import pick_run


def playable(run: Run) -> bool:
    """Whether there is something to compare guesses with: answers for validation."""
    return run.predictions_file("val").exists()


def ask(game: Game) -> None:
    """One face, and a button for every expression."""
    number = len(game.guesses)
    st.progress(number / len(game.rows), text=f"Face {number + 1} of {len(game.rows)}")
    picture, choices = st.columns([2, 3], gap="large")
    picture.image(game.image(number), width=288)
    with choices:
        st.markdown("**What does this face show?**")
        with st.container(horizontal=True):
            for name in game.class_names:
                st.button(plain(name), key=f"guess-{name}", on_click=guess, args=(name,))


def tell(game: Game) -> None:
    """Who knew more, and which faces were the hard ones."""
    mine = evaluation.user_accuracy(game.answers, game.rows, game.guesses)
    same, score = evaluation.model_accuracy(game.answers, game.rows), game.found.score
    all_faces = score.clean or score.accuracy  # those it has learned are not asked either
    columns = st.columns(3)
    for column, label, accuracy in zip(
        columns,
        ("You", "The network, on the same faces", "The network, on all of validation"),
        (mine, same, all_faces),
        strict=True,
    ):
        with column:
            show(label, accuracy)
    st.caption(
        f"Of {len(game.rows)} faces an accuracy is only roughly known: mind the intervals. On "
        f"FER2013, people were right {evaluation.HUMAN_ACCURACY:.0%} ± "
        f"{evaluation.HUMAN_SPREAD:.0%} of the "
        f"time (Goodfellow and others, 2013): the labels are what somebody else thought."
    )
    st.button("Play again", type="primary", icon=":material/replay:", on_click=begin)
    st.subheader("The faces", anchor=False)
    show_faces(game)


def show(label: str, accuracy: Accuracy) -> None:
    """An accuracy with its interval."""
    st.metric(
        label,
        f"{accuracy.value:.0%}",
        delta=f"{accuracy.low:.0%} to {accuracy.high:.0%}",
        delta_color="off",
        delta_arrow="off",
        delta_description=f"95 %, {accuracy.total:,} images",
    )


st.title("Quiz")
st.caption(
    "Guess the expression of twenty validation faces, and see how the network does on the same."
)
run = pick_run("Network to play against", [run for run in runs.list_runs() if playable(run)])
try:
    game = current_game(run)
    if game is not None and len(game.guesses) < len(game.rows):
        ask(game)
    elif game is not None:
        tell(game)
except ValueError as error:
    st.info(
        f"The faces cannot be shown. {plain(str(error))}", icon=":material/image_not_supported:"
    )
    st.page_link("pages/datasets.py", label="Add the data set", icon=":material/arrow_forward:")
