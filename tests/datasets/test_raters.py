"""Votes of raters on disk, samples, tables of votes, and labels made of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fer_core import access
from fer_core.access import Access, AccessError
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.raters import votes as votes_module
from fer_core.datasets.raters.answers import CANNOT_TELL, NO_FACE, answers_for
from fer_core.datasets.raters.exchange import export_votes, import_votes
from fer_core.datasets.raters.ratings import (
    agreement,
    ferplus_ratings,
    labels_against_majority,
    pairs_of_raters,
    raters_against_majority,
    read_ratings,
)
from fer_core.datasets.raters.samples import draw_sample, read_sample, sample_file
from fer_core.datasets.raters.votes import (
    Vote,
    add_votes,
    rater_name,
    rater_names,
    read_rater,
    votes_file,
)
from fer_core.datasets.splits import EXCLUDED
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.runs.config import RATERS, TrainConfig
from fer_core.runs.run_data import copy_labels, dataset_of
from fer_core.runs.submit import create_run
from fer_core.training.targets import make_targets
from tests.datasets.test_ferplus import voted_faces


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    """140 drawn faces without votes."""
    return draw_dataset("faces", count=140)


def vote(dataset: Dataset, rater: str, answers: dict[int, str | None], first: int = 0) -> None:
    """Adds votes on the images at these positions."""
    keys = dataset.keys(answers)
    votes = [
        Vote(*key, answer, "2026-01-02T03:04:05", f"browser-{number}" if first else "")
        for number, (key, answer) in enumerate(zip(keys, answers.values(), strict=True), first)
    ]
    add_votes(dataset, {rater: votes})


def answers_at(dataset: Dataset, rater: str) -> dict[int, str]:
    """Returns a rater's answers by the position of the image."""
    places = {key: place for place, key in enumerate(dataset.keys(range(len(dataset.index))))}
    return {places[key]: answer for key, answer in read_rater(dataset, rater).answers.items()}


# Votes on disk


def test_the_last_vote_on_an_image_counts_and_undo_is_a_further_line(dataset: Dataset) -> None:
    vote(dataset, "anna", {0: "happy", 1: "sad"})
    vote(dataset, "anna", {0: "fear"})
    vote(dataset, "anna", {1: None})
    assert answers_at(dataset, "anna") == {0: "fear"}
    assert len(votes_file(dataset, "anna").read_text().splitlines()) == 4


def test_a_line_that_was_cut_off_loses_nothing_else(dataset: Dataset) -> None:
    vote(dataset, "anna", {0: "happy", 1: "sad"})
    file = votes_file(dataset, "anna")
    file.write_bytes(file.read_bytes()[:-20])
    vote(dataset, "anna", {2: "angry"})
    assert answers_at(dataset, "anna") == {0: "happy", 2: "angry"}
    assert read_rater(dataset, "anna").damaged == 1


def test_tabs_of_one_rater_neither_lose_a_vote_nor_count_one_twice(dataset: Dataset) -> None:
    def vote_in_tab(tab: int) -> None:
        for place in range(10):
            sent = {10 * tab + each: "happy" for each in range(place + 1)}  # again until saved
            vote(dataset, "anna", sent, first=100 * tab + 1)

    with ThreadPoolExecutor(4) as tabs:
        list(tabs.map(vote_in_tab, range(4)))
    assert answers_at(dataset, "anna") == dict.fromkeys(range(40), "happy")
    assert len(votes_file(dataset, "anna").read_text().splitlines()) == 40


@pytest.mark.parametrize("name", ["", "../anna", "con", "a" * 65, "anna.", "an\nna"])
def test_a_raters_name_is_checked_like_others(dataset: Dataset, name: str) -> None:
    with pytest.raises(FerError, match="rater's name"):
        vote(dataset, name, {0: "happy"})
    assert rater_names(dataset) == []


def test_upper_and_lower_case_are_one_rater(dataset: Dataset) -> None:
    vote(dataset, "Anna", {0: "happy"})
    vote(dataset, "anna", {1: "sad"})
    assert rater_names(dataset) == ["Anna"] == [rater_name(dataset, " ANNA ")]


def test_votes_are_refused_where_changes_are_off_or_the_dataset_is_gone(dataset: Dataset) -> None:
    with access.acting_with(Access(may_write=False)), pytest.raises(AccessError):
        vote(dataset, "anna", {0: "happy"})
    dataset.keys([0])
    dataset.delete()
    with pytest.raises(FerError, match="was deleted"):
        vote(dataset, "anna", {0: "happy"})
    assert not dataset.directory.exists()


def test_all_raters_votes_are_written_or_none(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote(dataset, "anna", {0: "happy"})
    before = votes_file(dataset, "anna").read_bytes()
    append = votes_module._append

    def fail_at_carl(path: Path, votes: list[Vote]) -> Callable[[], None]:
        if path.stem == "carl":
            raise OSError("the disk is gone")
        return append(path, votes)

    monkeypatch.setattr(votes_module, "_append", fail_at_carl)
    new = [Vote(*key, "sad") for key in dataset.keys([1])]
    with pytest.raises(OSError, match="disk is gone"):
        add_votes(dataset, {"anna": new, "bob": new, "carl": new})
    assert votes_file(dataset, "anna").read_bytes() == before
    assert rater_names(dataset) == ["anna"]


DAMAGED = (
    b'{"x": ' + b"[" * 100_000,
    *(b"\0\0", b"[]\n", b"{}\n", b'"happy"\n', b"\xff\xfe{", b"{" * 5000, b"[" * 100_000, b"null"),
    b'{"path": 3, "row": null, "answer": "sad"}\n',
    b'{"path": "a", "row": 1e300, "answer": "sad"}\n{"path": "a", "row": -1, "answer": null}\n',
)


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_files_are_left_out_or_refused_in_a_sentence(
    dataset: Dataset, content: bytes
) -> None:
    vote(dataset, "anna", {0: "happy"})
    draw_sample(dataset, "first", 10)
    with votes_file(dataset, "anna").open("ab") as file:
        file.write(content)
    sample_file(dataset, "first").write_bytes(content)
    ratings = read_ratings(dataset)
    assert len(ratings) == 1 and "damaged" in ratings.notes[0]
    with pytest.raises(FerError):
        read_sample(dataset, "first")


# Samples


def test_a_sample_is_the_same_for_all_raters_in_an_order_of_their_own(dataset: Dataset) -> None:
    dataset.exclude(range(20), "blank")
    sample = draw_sample(dataset, "first", 40)
    assert read_sample(dataset, "first") == sample
    orders = [sample.order_for(rater, "first") for rater in ("anna", "bob")]
    assert orders[0] != orders[1] and set(orders[0]) == set(orders[1]) == set(sample.images)
    assert sample.order_for("Anna", "first") == orders[0]
    assert not set(dataset.keys(range(20))) & set(sample.images)
    with pytest.raises(FerError, match="already"):
        draw_sample(dataset, "FIRST", 10)
    with pytest.raises(FerError, match="1 to 120"):
        draw_sample(dataset, "second", 121)


def test_a_stratified_sample_has_the_shares_of_the_classes(dataset: Dataset) -> None:
    dataset.relabel(dataset.select(expression="sad")[:10], "happy")  # 30 happy, 10 sad
    sample = draw_sample(dataset, "first", 70, stratified=True)
    labels = dataset.with_corrections().index.set_index("path")["expression"]
    counts = labels[[path for path, _ in sample.images]].value_counts()
    assert (counts["happy"], counts["sad"], counts["fear"]) == (15, 5, 10)
    drawn = draw_sample(dataset, "val", 5, split="val", stratified=False)
    assert {path.split("/")[0] for path, _ in drawn.images} == {"val"}


# Tables of votes


def test_votes_survive_export_and_import(dataset: Dataset) -> None:
    vote(dataset, "anna", {0: "happy", 3: CANNOT_TELL, 5: None})
    vote(dataset, "bob", {0: "sad", 4: NO_FACE})
    text = export_votes(dataset)
    before = {rater: answers_at(dataset, rater) for rater in ("anna", "bob")}
    votes_file(dataset, "anna").unlink()
    vote(dataset, "bob", {0: "fear"})
    assert import_votes(dataset, text.encode()) == 3  # two of anna, one of bob
    assert {rater: answers_at(dataset, rater) for rater in ("anna", "bob")} == before
    assert import_votes(dataset, text.encode()) == 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("anna,{path},,happy\nanna,gone.png,,sad\nanna,lost.png,,sad", "2 images of 3"),
        ("anna,{path},,happy\nanna,{path},,sad\nAnna,{path},,sad", "2 of 3 rows have a second"),
        ("anna,{path},,happy\nbob,{path},,joyful", "1 of 2 rows has an answer"),
        ("anna,{path},,happy\n../bob,{path},,sad\n,{path},,sad", "2 of 3 rows have no valid name"),
        ("anna,{path},first,happy", "`row` must be a whole number"),
        ("", "empty"),
        ("anna,{path}", "CSV table|damaged|no valid|answer"),
    ],
)
def test_a_wrong_table_is_refused_with_numbers_and_writes_nothing(
    dataset: Dataset, rows: str, said: str
) -> None:
    path = dataset.index["path"].iloc[0]
    text = "rater,path,row,answer\n" + rows.format(path=path) + "\n"
    with pytest.raises(FerError, match=said):
        import_votes(dataset, text.encode())
    assert not (dataset.directory / "raters").exists()


def test_a_table_without_a_needed_column_is_refused(dataset: Dataset) -> None:
    with pytest.raises(FerError, match="Missing: rater, answer"):
        import_votes(dataset, b"path,row,label\na.png,,happy\n")


# Raters side by side


def test_raters_are_compared_with_each_other_the_majority_and_the_labels(dataset: Dataset) -> None:
    happy = [int(place) for place in dataset.select(expression="happy")[:6]]
    sad = [int(place) for place in dataset.select(expression="sad")[:6]]
    right = dict.fromkeys(happy, "happy") | dict.fromkeys(sad, "sad")
    vote(dataset, "anna", dict(right))
    vote(dataset, "bob", dict(right))
    vote(dataset, "carl", right | dict.fromkeys(happy[:3], "sad"))
    vote(dataset, "dora", {happy[0]: "sad", sad[0]: CANNOT_TELL})
    ratings = read_ratings(dataset)
    pairs = pairs_of_raters(dataset, ratings).set_index(["first", "second"])
    assert pairs.loc[("anna", "bob"), ["images", "kappa"]].tolist() == [12, 1.0]
    assert pairs.loc[("anna", "carl"), "kappa"] == pytest.approx(0.5)  # (9/12 - 1/2) / (1/2)
    single = raters_against_majority(dataset, ratings).set_index("rater")
    assert single.loc["carl", ["votes", "images", "agreement"]].tolist() == [12, 12, 0.75]
    images, share, kappa, differing = labels_against_majority(dataset, ratings)
    assert (images, share, len(differing)) == (11, 1.0, 0)  # two and two votes on one of them
    assert kappa.value == 1.0
    disputed = ratings.most_disputed()
    assert ratings.positions[disputed[0]] == happy[0] and len(disputed) == 4
    assert dict(ratings.votes_on(disputed[0]))["dora"] == "sad"
    found = agreement(dataset, ratings)
    assert (found.images, found.votes, found.unit) == (12, 38, "images")
    assert 0 < found.alpha.low < found.alpha.value < 1


def test_votes_follow_their_images_when_the_dataset_changes(dataset: Dataset) -> None:
    vote(dataset, "anna", {0: "happy", 50: "sad"})
    key = dataset.keys([50])[0]
    file = dataset.directory / "index.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], *lines[11:]]))
    changed = Dataset(**{name: getattr(dataset, name) for name in dataset.__dataclass_fields__})
    ratings = read_ratings(changed)
    assert changed.keys(ratings.positions) == [key]
    assert ratings.votes_on(0) == [("anna", "sad")]
    assert "1 votes" in ratings.notes[0]


def test_ferplus_votes_are_read_into_the_same_form(workspace: Path) -> None:
    dataset = voted_faces()
    ratings = ferplus_ratings(dataset)
    assert set(ratings.answers) >= {"contempt", CANNOT_TELL, NO_FACE}
    assert ratings.counts.sum(axis=1).tolist() == [9] * 140
    assert pairs_of_raters(dataset, ratings).empty  # nobody knows whose the votes are
    images, share, _, differing = labels_against_majority(dataset, ratings)
    labels = dataset.index["expression"].iloc[ratings.positions[differing]]
    assert images == 140 and set(labels) == {"fear"} and share == 1 - len(differing) / 140
    assert agreement(dataset, ratings).fleiss.value > 0.5


# Labels for training


def test_majorities_become_labels_and_ties_are_left_out(dataset: Dataset) -> None:
    place = {name: int(dataset.select("train", name)[0]) for name in ("happy", "sad", "fear")}
    for rater, answers in {
        "anna": ("surprise", "sad", CANNOT_TELL),
        "bob": ("surprise", "neutral", CANNOT_TELL),
        "carl": ("happy", None, "fear"),
    }.items():
        vote(dataset, rater, dict(zip(place.values(), answers, strict=True)))
    index = dataset.with_rater_votes(read_ratings(dataset).table(dataset)).index
    assert index.loc[place["happy"], ["expression", "split"]].tolist() == ["surprise", "train"]
    soft = make_targets(
        index.iloc[[place["happy"]]],
        np.array([0]),
        dataset.class_names,
        TrainConfig(dataset="faces", labels=RATERS, votes=1.0),
    )
    assert dict(zip(dataset.class_names, soft[0].tolist(), strict=True)) == pytest.approx(
        dict.fromkeys(dataset.class_names, 0.0) | {"surprise": 2 / 3, "happy": 1 / 3}
    )
    assert index.loc[[place["sad"], place["fear"]], "split"].tolist() == [EXCLUDED] * 2
    others = np.setdiff1d(np.arange(140), list(place.values()))
    columns = ["expression", "split"]
    assert index.loc[others, columns].equals(dataset.index.loc[others, columns])


def test_a_run_keeps_the_votes_of_its_start(dataset: Dataset) -> None:
    config = TrainConfig(dataset="faces", labels=RATERS, votes=1.0)
    with pytest.raises(FerError, match="need votes"):
        create_run(config)
    place = int(dataset.select("train", "happy")[0])
    vote(dataset, "anna", {place: "sad"})
    run = create_run(config)
    vote(dataset, "anna", {place: "fear"})
    assert dataset_of(run).index["expression"].iloc[place] == "sad"
    other = create_run(config)
    assert dataset_of(other).index["expression"].iloc[place] == "fear"
    copy_labels(run, other)
    assert dataset_of(other).index["expression"].iloc[place] == "sad"


def test_a_class_that_is_named_like_an_answer_is_that_answer() -> None:
    assert answers_for(("happy", NO_FACE)) == ("happy", NO_FACE, CANNOT_TELL)
