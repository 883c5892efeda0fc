"""The Quiz page: the user and a model label the same twenty faces."""

import streamlit as st

from fer_core import evaluation, runs
from fer_core.errors import FerError
from fer_core.evaluation import Accuracy
from fer_core.runs import Run
from pages.components.quiz.drawn_faces import offer_drawn_faces
from pages.components.quiz.game import (
    Game,
    begin,
    current_game,
    find_subject,
    guess,
    show_faces,
)
from pages.components.shared.formatting import format_dataset, plain
from pages.components.shared.pickers import pick_run, show_missing_dataset
from pages.components.shared.predictions_cache import Subject


def is_playable(run: Run) -> bool:
    """Tells whether the run has validation predictions to compare guesses with."""
    return run.predictions_file("val").exists()


def play(subject: Subject) -> None:
    """Shows the next face, or the scores after the last one."""
    try:
        game = current_game(subject)
        is_over = len(game.guesses) >= len(game.rows)
        image = None if is_over else game.image(len(game.guesses))
    except FerError as error:
        st.error(plain(str(error)))
        offer_drawn_faces(subject.run)
        return
    if image is None:
        show_scores(game)
        return
    number = len(game.guesses) + 1
    st.progress((number - 1) / len(game.rows), text=f"Face {number} of {len(game.rows)}")
    left, right = st.columns([2, 3], gap="medium")
    left.image(image, width=288)
    with right:
        st.markdown("**Which expression is this?**")
        with st.container(horizontal=True):
            for name in game.class_names:
                st.button(plain(name), key=f"guess-{name}", on_click=guess, args=(name,))


def show_scores(game: Game) -> None:
    """Shows the accuracy of the user and of the model, and all faces of the game."""
    user = evaluation.user_accuracy(game.answers, game.rows, game.guesses)
    model = evaluation.model_accuracy(game.answers, game.rows)
    score = game.report.score
    overall = score.clean or score.accuracy  # images from the training split are not asked either
    columns = st.columns(3)
    for column, label, accuracy in zip(
        columns,
        ("You", "Model, same faces", "Model, all faces"),
        (user, model, overall),
        strict=True,
    ):
        with column:
            show_accuracy(label, accuracy)
    st.caption(
        f"{len(game.rows)} faces give only a rough accuracy: mind the 95 % intervals. For "
        f"comparison, people agreed with {evaluation.HUMAN_ACCURACY:.0%} ± "
        f"{evaluation.HUMAN_SPREAD:.0%} of FER2013's labels (Goodfellow et al., 2013). "
        f"{score.describe_seen()}"
    )
    st.button("Play again", type="primary", icon=":material/replay:", on_click=begin)
    st.subheader("Faces", anchor=False)
    show_faces(game)


def show_accuracy(label: str, accuracy: Accuracy) -> None:
    """Shows an accuracy in whole percent with its 95 % interval."""
    st.metric(
        label,
        f"{accuracy.value:.0%}",
        delta=f"{accuracy.low:.0%} to {accuracy.high:.0%}",
        delta_color="off",
        delta_arrow="off",
        delta_description=f"95 %, {accuracy.total:,} images",
    )


st.title("Quiz")
st.caption("Label the expressions of twenty faces, and see how a model does on the same ones.")
run = pick_run("Opponent", [run for run in runs.list_runs() if is_playable(run)])
subject = find_subject(run)
if subject is None:
    if run.is_imported:
        st.info(
            "FER Studio does not know which faces an imported model was trained on. Evaluate it "
            "on a dataset to play with those faces, or play with drawn faces."
        )
    else:
        show_missing_dataset(run.config.dataset, "play, or play with drawn faces")
    offer_drawn_faces(run)
else:
    if subject.dataset != run.config.dataset and not run.is_imported:
        st.caption(
            f"{plain(format_dataset(run.config.dataset))}'s images are not on this machine: these "
            f"faces are from **{plain(subject.dataset)}**, which the model was not trained on."
        )
    play(subject)
