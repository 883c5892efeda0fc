"""The Raters tab: what the browser sends is saved, and agreement is shown."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets import raters
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from pages.components.datasets import annotate
from pages.components.datasets.annotator import Press, Sent
from tests.pages.conftest import PageOpener, press, rerun, text_of

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def dataset() -> Dataset:
    """70 drawn faces with a sample of ten."""
    dataset = draw_dataset("faces", count=70)
    raters.draw_sample(dataset, "first", 10)
    return dataset


def shown(page: AppTest) -> dict:
    """Returns what the browser gets to show."""
    components = page.get("bidi_component")
    return json.loads([one.proto.json for one in components if "annotator" in one.proto.id][-1])


def send(monkeypatch: pytest.MonkeyPatch, *presses: Press, place: int = 0) -> None:
    monkeypatch.setattr(annotate, "sent_by", lambda key: Sent("tab", place, presses))


def test_a_rater_sees_faces_without_names_and_every_press_is_saved_once(
    dataset: Dataset, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("datasets", dataset="faces", rater="anna", sample="first")
    data = shown(page)
    assert data["total"] == len(data["faces"]) == 10 and data["start"] == data["answered"] == 0
    assert set(data["faces"][0]) == {"place", "image", "answer"}  # neither path nor label
    keys = [answer["key"] for answer in data["answers"]]
    assert keys == [*"1234567", "9", "0"]
    send(monkeypatch, Press(1, 0, 3), Press(2, 1, 7), place=2)
    data = shown(rerun(page))
    assert (data["client"], data["saved"], data["answered"]) == ("tab", 2, 2)
    send(monkeypatch, Press(2, 1, 7), Press(3, 1, None), Press(4, 2, 0), place=3)
    data = shown(rerun(page))
    assert [face["answer"] for face in data["faces"]] == [3, None, 0, *[None] * 7]
    assert len(raters.votes_file(dataset, "anna").read_text().splitlines()) == 4
    order = raters.read_sample(dataset, "first").order_for("anna", "first")
    answers = raters.read_rater(dataset, "anna").answers
    assert answers == {order[0]: "happy", order[2]: "angry"}


def test_what_no_browser_of_ours_sends_is_an_error_and_saves_nothing(
    dataset: Dataset, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(monkeypatch, Press(1, 99, 3))
    page = open_page("datasets", dataset="faces", rater="anna", sample="first")
    assert "Reload the page" in text_of(page) and raters.rater_names(dataset) == []
    page = open_page("datasets", dataset="faces", rater="../anna")
    assert "A rater's name must be" in text_of(page)


def test_votes_that_cannot_be_saved_stay_in_the_browser(
    dataset: Dataset, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(dataset: Dataset, votes: object) -> int:
        raise OSError("the disk is full")

    send(monkeypatch, Press(1, 0, 3))
    with monkeypatch.context() as patched:
        patched.setattr(raters, "add_votes", fail)
        page = open_page("datasets", dataset="faces", rater="anna", sample="first")
    assert "not saved yet" in text_of(page) and shown(page)["saved"] == 0
    assert shown(rerun(page))["saved"] == 1 and "not saved yet" not in text_of(page)


def test_agreement_and_corrections_follow_from_the_votes(
    dataset: Dataset, open_page: PageOpener
) -> None:
    happy = dataset.select("train", "happy")[:4].tolist()
    keys = dataset.keys([*happy, *dataset.select("train", "sad")[:4].tolist()])
    votes = [
        raters.Vote(*key, answer) for key, answer in zip(keys, ["fear"] + ["sad"] * 7, strict=True)
    ]
    raters.add_votes(dataset, {"anna": votes, "bob": votes[:-1]})
    page = open_page("datasets", dataset="faces")
    page.segmented_control(key="raters-mode-faces").set_value("Agreement")
    page = rerun(page)
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Cohen's kappa"] == "1.000"
    assert "15 votes of 2 raters on 8 images; 7 of these" in text_of(page)
    press(page, "Save as corrections")
    relabeled = dataset.saved_corrections.relabeled
    assert relabeled == dict(zip(keys[:4], ["fear", "sad", "sad", "sad"], strict=True))


def test_a_sample_is_drawn_in_the_form(open_page: PageOpener) -> None:
    dataset = draw_dataset("faces", count=70)
    page = open_page("datasets", dataset="faces")
    assert "Draw a sample of faces first" in text_of(page)
    press(page, "Draw")
    (name,) = raters.sample_names(dataset)
    assert len(raters.read_sample(dataset, name).images) == 70
