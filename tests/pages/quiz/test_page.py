"""The page on which a person plays against a network."""

import json

from streamlit.testing.v1 import AppTest

from fer_core.evaluation.metrics import accuracy
from tests.pages.conftest import PageOpener, RunFactory, drawn_run, rerun

FACES = 20


def play(page: AppTest, expression: str) -> AppTest:
    """Guesses the same for every face."""
    for _ in range(FACES):
        page.button(key=f"guess-{expression}").click()
        rerun(page)
    return page


def test_without_a_network_the_page_says_what_to_do(open_page: PageOpener) -> None:
    assert "There is no network yet" in open_page("quiz").info[0].value


def test_a_face_is_asked_with_a_button_for_every_expression(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    page = open_page("quiz")
    assert [button.label for button in page.button] == list(run.class_names)
    assert page.get("progress")[0].proto.text == "Face 1 of 20"
    assert len(page.get("image")) == 1 and not page.metric
    page.button(key="guess-happy").click()
    assert rerun(page).get("progress")[0].proto.text == "Face 2 of 20"


def test_at_the_end_both_are_scored_on_the_same_faces(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    page = play(open_page("quiz"), "happy")
    mine, same, everything = page.metric
    (gallery,) = page.get("bidi_component")
    labels = [tile["label"] for tile in json.loads(gallery.proto.json)["tiles"]]
    assert len(labels) == FACES
    assert mine.value == f"{sum('you ✓' in label for label in labels) / FACES:.0%}"
    assert same.value == f"{sum('network ✓' in label for label in labels) / FACES:.0%}"
    assert everything.value == f"{accuracy(run.predictions('val')).value:.0%}"
    assert any("65% ± 5%" in caption.value for caption in page.caption)


def test_another_game_has_other_faces(open_page: PageOpener, finished_run: RunFactory) -> None:
    drawn_run(finished_run)
    page = open_page("quiz")
    first = page.session_state["quiz-seed"]
    (again,) = [button for button in play(page, "sad").button if button.label == "Play again"]
    again.click()
    rerun(page)
    assert page.get("progress")[0].proto.text == "Face 1 of 20"
    assert page.session_state["quiz-seed"] != first


def test_where_the_images_are_gone_that_is_said(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = open_page("quiz")
    assert "The faces cannot be shown. There is no dataset named" in page.info[0].value
    assert not page.button
