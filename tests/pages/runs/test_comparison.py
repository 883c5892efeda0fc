"""The comparison of chosen runs on the page that lists them."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core import runs
from fer_core.runs.listing import list_runs
from fer_core.runs.run import Run
from fer_core.storage.files import write_json
from pages.components.runs.comparison import MOST_RUNS
from pages.components.runs.comparison_records import letters
from pages.components.shared.formatting import format_run, plain
from tests.pages.conftest import PageOpener, RunFactory, predictions, rerun


@pytest.fixture
def compare(open_page: PageOpener) -> Callable[[], AppTest]:
    """Opens the page and ticks every run; the newest is A."""

    def compare() -> AppTest:
        page = open_page("runs")
        everything = {"selection": {"rows": list(range(len(list_runs())))}}
        page.session_state[page.dataframe[0].key] = everything
        return rerun(page)

    return compare


@pytest.fixture
def seeded_run(finished_run: RunFactory) -> RunFactory:
    """Makes finished runs of one data set, with other settings than the recipe's."""

    def make(*, opened: bool = False, **settings: object) -> Run:
        run = finished_run(epochs=3, opened=opened)
        config = replace(run.config, **settings)  # type: ignore[arg-type]
        write_json(run.directory / "config.json", config.to_dict())
        write_json(run.directory / "environment.json", {"fingerprint": "abc"})
        return run

    return make


def table(page: AppTest, column: str) -> pd.DataFrame:
    """The table that has the column."""
    return next(frame.value for frame in page.dataframe if column in frame.value)


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.subheader]


def figure(page: AppTest, key: str) -> dict:
    """What Plotly is given to draw."""
    found = next(chart for chart in page.get("plotly_chart") if key in chart.proto.id)
    return json.loads(found.proto.spec)


def names(page: AppTest) -> list[str]:
    """Of the curves that the legend lists."""
    drawn = figure(page, "curves")["data"]
    return [trace["name"] for trace in drawn if trace.get("showlegend", True)]


def numbers(packed: dict[str, str]) -> list[float]:
    """What Plotly packs to send less."""
    return np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"]).tolist()


def text(page: AppTest) -> str:
    parts = [part.value for part in [*page.markdown, *page.caption, *page.info]]
    return "\n".join(parts).replace("\N{NO-BREAK SPACE}", " ")


def choose(page: AppTest, key: str, option: str) -> AppTest:
    """Presses a segment."""
    page.segmented_control(key=key).set_value(option)
    return rerun(page)


def test_selected_runs_are_drawn_in_one_figure(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    finished_run("vgg19_dropout", epochs=2)
    newest, oldest = list_runs()
    assert names(compare()) == [f"A · {format_run(newest)}", f"B · {format_run(oldest)}"]


def test_runs_of_the_same_name_have_separate_curves(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    for run in (finished_run(epochs=3), finished_run(epochs=2)):
        write_json(run.directory / "notes.json", {"name": "mine"})
    assert names(compare()) == ["A · mine", "B · mine"]


def test_a_single_run_is_shown_without_a_comparison(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    run = finished_run(epochs=3)
    page = compare()
    assert names(page) == [format_run(run)]
    assert headings(page) == ["Curves", "Accuracy"]


def test_a_run_without_epochs_has_no_curve(
    compare: Callable[[], AppTest], new_run: RunFactory
) -> None:
    new_run()
    page = compare()
    assert "Curves appear after the first epoch" in text(page)
    assert not headings(page)


def test_only_the_first_of_many_runs_are_compared(
    compare: Callable[[], AppTest], new_run: RunFactory
) -> None:
    for _ in range(MOST_RUNS + 1):
        new_run()
    page = compare()
    assert f"Comparing the first {MOST_RUNS} of {MOST_RUNS + 1} selected" in page.info[0].value
    assert table(page, "Run").index.tolist() == letters(MOST_RUNS)
    assert letters(MOST_RUNS)[24:28] == ["Y", "Z", "AA", "AB"]


def test_only_differing_settings_are_shown(
    compare: Callable[[], AppTest], seeded_run: RunFactory
) -> None:
    seeded_run(learning_rate=0.01)
    seeded_run()
    shown = table(compare(), "Learning rate")
    assert list(shown) == ["Run", "Learning rate"]
    assert sorted(shown["Learning rate"]) == ["0.0001", "0.01"]


def test_equal_settings_are_mentioned(
    compare: Callable[[], AppTest], seeded_run: RunFactory
) -> None:
    seeded_run()
    seeded_run()
    assert "These runs have the same settings" in text(compare())


def test_curves_can_be_drawn_over_steps_and_over_time(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)  # 700 images in batches of 64, 30 s an epoch
    page = choose(compare(), "comparison-axis", "steps")
    assert numbers(figure(page, "curves")["data"][0]["x"]) == [11, 22, 33]
    page = choose(page, "comparison-axis", "seconds")
    assert numbers(figure(page, "curves")["data"][0]["x"]) == [30, 60, 90]


def test_a_run_without_steps_is_named_and_omitted(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    (list_runs()[0].directory / "dataset.json").write_text('{"class_names": ["happy", "sad"]}')
    finished_run(epochs=3)
    page = choose(compare(), "comparison-axis", "steps")
    assert "Without validation accuracy over step: B." in text(page)
    assert len(names(page)) == 1


def test_seeds_can_be_drawn_as_mean_and_range(
    compare: Callable[[], AppTest], seeded_run: RunFactory
) -> None:
    for settings in ({"seed": 1}, {"seed": 2}, {"learning_rate": 0.01}):
        seeded_run(**settings)
    page = compare()
    assert len(names(page)) == 3
    page.toggle(key="comparison-grouped").set_value(True)
    assert [name.split(" · ")[0] for name in names(rerun(page))] == ["B, C", "A"]


def test_the_mean_test_accuracy_requires_all_test_splits_opened(
    compare: Callable[[], AppTest], seeded_run: RunFactory
) -> None:
    seeded_run(seed=1, opened=True)
    seeded_run(seed=2)
    seeded_run(learning_rate=0.01)
    (row,) = table(compare(), "deviation").to_dict("records")
    assert (row["runs"], row["split"], row["mean"]) == ("B, C", "Validation", pytest.approx(60))
    assert row["settings"] == "Learning rate 0.0001"


def test_the_clean_mean_requires_clean_scores_of_all_runs(
    compare: Callable[[], AppTest], seeded_run: RunFactory
) -> None:
    group = [seeded_run(seed=seed) for seed in (1, 2)]
    for run, leaks in zip(group, (40, 20), strict=True):
        assert "clean" not in table(compare(), "deviation")
        leaky = run.predictions("val")
        leaky["leaked"] = leaky.index < leaks  # all of them right
        leaky.to_csv(run.predictions_file("val"), index=False)
    (row,) = table(compare(), "deviation").to_dict("records")
    # 44 of 100 and 64 of 120 are right: their mean, and Student's interval of two.
    assert row["clean"].startswith("48.7% (")


def test_accuracy_is_shown_with_interval_and_images(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3, opened=True)
    (row,) = table(compare(), "val_interval").to_dict("records")
    assert (row["val"], row["test"]) == pytest.approx((60, 50))
    assert row["val_interval"] == "51.7% to 67.7%"  # Wilson's, of 84 of 140
    assert row["val_images"] == row["test_images"] == 140


def test_the_clean_accuracy_is_shown_if_there_are_leaks(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    run = finished_run(epochs=3)
    assert "val_clean" not in table(compare(), "val_interval")
    leaky = run.predictions("val")
    leaky["leaked"] = leaky.index < 40  # all of them right
    leaky.to_csv(run.predictions_file("val"), index=False)
    (row,) = table(compare(), "val_interval").to_dict("records")
    assert row["val_clean"] == "44.0% (34.7% to 53.8%, 100 images)"


def test_opening_the_test_split_twice_is_mentioned(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    run = finished_run(epochs=3, opened=True)
    assert not compare().warning
    looks = {"opened": ["2026-03-01T12:30:00", "2026-03-02T12:30:00"]}
    write_json(run.predictions_file("test").with_suffix(".json"), looks)
    assert "opened more than once for A" in compare().warning[0].value


def test_paired_tests_use_the_images_of_both_runs(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    better = finished_run(epochs=3)
    runs.save_predictions(better, "val", predictions(140, 0.7))
    said = text(compare())
    assert "Of the **140** validation images" in said
    assert "**14** images were predicted correctly only by **A** and **0** only by **B**" in said
    assert "**A is significantly better**: p < 0.001" in said
    assert "Left out" not in said


def test_an_insignificant_difference_is_called_none(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    finished_run(epochs=3)
    assert "**No significant difference**: p = 1" in text(compare())


def test_images_of_only_one_run_are_counted(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    runs.save_predictions(list_runs()[0], "val", predictions(100, 0.6))
    finished_run(epochs=3)
    said = text(compare())
    assert "Of the **100** validation images" in said
    assert "Left out: 40 of A and 0 of B" in said


def test_runs_without_common_images_are_explained(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    elsewhere = predictions(140, 0.6).assign(path=lambda table: "other/" + table["path"])
    runs.save_predictions(finished_run(epochs=3), "val", elsewhere)
    assert "A and B have no images in common" in compare().info[0].value


def test_the_test_split_is_offered_if_both_runs_opened_it(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3, opened=True)
    finished_run(epochs=3, opened=True)
    page = choose(compare(), "pair-split", "test")
    assert "Of the **140** test images" in text(page)
    finished_run(epochs=3)
    page = compare()  # A is the newest
    assert "validation images" in text(page)
    assert "pair-split" not in [control.key for control in page.segmented_control]


def test_a_pair_of_three_runs_is_corrected_for_multiple_tests(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    for accuracy in (0.6, 0.6, 0.65):  # the last is A: seven images more
        runs.save_predictions(finished_run(epochs=3), "val", predictions(140, accuracy))
    page = compare()
    assert "p = 0.0156 (exact" in text(page)  # 2 / 2**7
    assert "p = 0.0469 (Holm" in text(page)  # of three
    page.selectbox[0].set_value("B")
    page = rerun(page)
    page.selectbox[1].set_value("C")
    assert "**No significant difference**: p = 1" in text(rerun(page))
    assert len(table(page, "corrected")) == 3


def test_a_run_with_damaged_predictions_is_named_and_omitted(
    compare: Callable[[], AppTest], finished_run: RunFactory
) -> None:
    finished_run(epochs=3)
    damaged = finished_run(epochs=3)
    damaged.predictions_file("val").write_text("nothing,of,use\n1,2,3\n")
    page = compare()
    assert plain(damaged.id) in page.error[0].value
    assert names(page) == [f"B · {format_run(list_runs()[1])}"]
