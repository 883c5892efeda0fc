"""What runs have in common, in what they differ, and whether by more than chance."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fer_core import runs
from fer_core.evaluation import comparison, significance
from fer_core.evaluation.comparison import RunRecord
from fer_core.evaluation.metrics import Accuracy, accuracy_interval
from fer_core.figures import comparison as comparison_figures
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.records import COMPLETED, HISTORY_COLUMNS, STOPPED, Result
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from tests.tasks.requests import write_request

CONFIG = TrainConfig(dataset="faces", recipe="cnn_classic")
RunMaker = Callable[..., Run]


def record(config: TrainConfig = CONFIG, **parts: object) -> RunRecord:
    """A run that came to its end, with predictions for validation."""
    answers = {"val": comparison.SplitPredictions(score=None, correct=pd.Series(dtype="int8"))}  # type: ignore[arg-type]
    whole = RunRecord(config, "abc", pd.DataFrame(), answers, 0, is_complete=True)
    return replace(whole, **parts)  # type: ignore[arg-type]


def predictions(answers: str, truth: str = "", *, first: int = 0) -> pd.DataFrame:
    """A row per letter: what was answered, a to c; and the truth, all "a" unless it is given."""
    table = pd.DataFrame(
        {"path": "faces.csv", "row": [str(first + n) for n in range(len(answers))]}
    )
    table["expression"] = list(truth or "a" * len(answers))
    for name in "abc":
        table[f"p_{name}"] = [0.8 if answer == name else 0.1 for answer in answers]
    return table


def right(answers: str, truth: str = "", *, first: int = 0) -> pd.Series:
    return significance.correct_by_image(predictions(answers, truth, first=first))


@pytest.fixture
def make_run(workspace: Path) -> RunMaker:
    """Makes finished runs of 21 training images and three epochs of 4, 5 and 6 seconds."""

    def make(name: str, config: TrainConfig = CONFIG, reason: str = COMPLETED) -> Run:
        run = Run(paths.runs_root() / name)
        (run.directory / "predictions").mkdir(parents=True)
        write_json(run.directory / "config.json", config.to_dict())
        write_json(run.directory / "environment.json", {"fingerprint": "abc"})
        counts = {"train": [11, 10], "val": [2, 2]}
        write_json(run.directory / "dataset.json", {"class_names": ["a", "b"], "counts": counts})
        history = pd.DataFrame({name: [0.2, 0.5, 0.4] for name in HISTORY_COLUMNS})
        history = history.assign(epoch=[0, 1, 2], seconds=[4.0, 5.0, 6.0])
        history.to_csv(run.directory / "history.csv", index=False)
        runs.save_predictions(run, "val", predictions("aabb"))
        attempt = run.directory / "attempts" / "0"
        attempt.mkdir(parents=True)
        request = {"kind": "train", "arguments": {}, "submitted": 1.0}
        write_json(attempt / "request.json", request)
        write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": 2.0})
        runs.save_result(run, Result(reason, 3, 1, 1.0, 0.5, attempt=0))
        return run

    return make


def test_only_settings_that_differ_are_shown_in_words() -> None:
    flipped = replace(CONFIG, augmentation=Augmentation(flip=True, zoom=0.2), epochs=20)
    table = comparison.differing_settings({"A": record(), "B": record(flipped)})
    assert table.to_dict("index") == {
        "A": {"Epochs": "50", "Zoom": "0", "Flip": "no"},
        "B": {"Epochs": "20", "Zoom": "0.2", "Flip": "yes"},
    }


def test_data_set_recipe_and_sizes_are_settings_too() -> None:
    other = replace(CONFIG, dataset="more", recipe="mine", image_size=(48, 64))
    table = comparison.differing_settings({"A": record(), "B": record(other)})
    assert table.loc["A"].tolist() == ["faces", "Classic CNN", "48×48"]
    assert table.loc["B"].tolist() == ["more", "mine", "48×64"]
    assert list(table) == ["Dataset", "Recipe", "Image size"]


def test_equal_runs_differ_in_no_setting() -> None:
    assert comparison.differing_settings({"A": record(), "B": record()}).empty


def test_a_data_set_that_was_changed_in_between_is_a_difference() -> None:
    changed = record(fingerprint="0123456789")
    table = comparison.differing_settings({"A": record(), "B": changed})
    assert table["Images and labels"].tolist() == ["abc", "01234567"]


def test_a_group_is_told_by_what_its_runs_share_where_others_differ() -> None:
    configs = {"A": CONFIG, "B": replace(CONFIG, seed=1), "C": replace(CONFIG, batch_size=8)}
    table = comparison.differing_settings({name: record(one) for name, one in configs.items()})
    assert comparison.common_settings(table, ["A", "B"]) == "Batch size 64"
    assert comparison.common_settings(table[["Seed"]], ["A", "B"]) == "–"


def test_runs_that_differ_in_their_seed_alone_are_a_group() -> None:
    seeds = {f"{seed}": record(replace(CONFIG, seed=seed)) for seed in range(3)}
    other = {"slower": record(replace(CONFIG, learning_rate=1e-5, seed=3))}
    assert comparison.seed_groups(seeds | other) == [["0", "1", "2"]]


def test_of_runs_with_one_seed_the_first_counts() -> None:
    twice = {"A": record(), "B": record(), "C": record(replace(CONFIG, seed=1))}
    assert comparison.seed_groups(twice) == [["A", "C"]]
    assert comparison.seed_groups({"A": record(), "B": record()}) == []


@pytest.mark.parametrize(
    "beside",
    [
        {"test_at_end": True},
        {"tensorboard": True},
        {"deterministic": False},
        {"recipe": ""},
        {"dataset": "renamed"},
    ],
)
def test_settings_that_do_not_affect_training_keep_seeds_in_one_group(beside: dict) -> None:
    other = record(replace(CONFIG, seed=1, **beside))
    assert comparison.seed_groups({"A": record(), "B": other}) == [["A", "B"]]


@pytest.mark.parametrize(
    "parts",
    [
        {"config": replace(CONFIG, seed=1, initial_run="20260101-000000_other")},
        {"fingerprint": "def"},
        {"is_complete": False},
        {"predictions": {}},
    ],
)
def test_another_beginning_other_images_or_no_end_is_no_group(parts: dict) -> None:
    other = record(**({"config": replace(CONFIG, seed=1)} | parts))
    assert comparison.seed_groups({"A": record(), "B": other}) == []


def test_curves_count_steps_to_the_end_of_an_epoch_and_seconds_cumulated(
    make_run: RunMaker,
) -> None:
    run = make_run("one", replace(CONFIG, batch_size=10))  # 21 images: batches of 10, 10 and 1
    curves = comparison.read_record(run).curves
    assert curves["epochs"].tolist() == [1, 2, 3]
    assert curves["steps"].tolist() == [3, 6, 9]
    assert curves["seconds"].tolist() == [4, 9, 15]


def test_curves_of_a_run_without_epochs_leave_its_history_as_it_is(make_run: RunMaker) -> None:
    run = make_run("one")
    (run.directory / "history.csv").unlink()
    assert len(comparison.read_record(run).curves) == 0
    assert list(run.history) == list(HISTORY_COLUMNS)


def test_a_run_that_was_continued_is_one_of_more_epochs(make_run: RunMaker) -> None:
    run = make_run("one")
    write_request(run.directory, epochs=60, since=50)
    assert comparison.read_record(run).config == replace(CONFIG, epochs=60)


def test_a_run_that_was_stopped_is_not_whole(make_run: RunMaker) -> None:
    assert comparison.read_record(make_run("whole")).is_complete
    assert not comparison.read_record(make_run("stopped", reason=STOPPED)).is_complete


def test_a_sealed_test_split_has_no_answers(make_run: RunMaker) -> None:
    run = make_run("one")
    assert set(comparison.read_record(run).predictions) == {"val"}
    before = comparison.changed(run)
    runs.save_predictions(run, "test", predictions("abb"))
    assert set(comparison.read_record(run).predictions) == {"val"}
    looks = ["2026-03-01T12:30:00", "2026-03-02T12:30:00"]
    write_json(run.directory / "predictions" / "test.json", {"opened": looks})
    found = comparison.read_record(run)
    assert found.predictions["test"].accuracy.correct == 1
    assert found.test_openings == 2
    assert comparison.changed(run) != before


def test_the_mean_curve_goes_as_far_as_all_runs_do() -> None:
    long = pd.DataFrame({"epochs": [1, 2, 3], "steps": [5, 10, 15], "seconds": [1.0, 2, 3]})
    short = long.iloc[:2].assign(loss=[3.0, 1.0], seconds=[3.0, 4.0])
    mean = comparison.mean_curve([long.assign(loss=[1.0, 2.0, 9.0]), short], "loss")
    assert mean["epochs"].tolist() == [1, 2]
    assert mean["seconds"].tolist() == [2, 3]
    assert mean[["low", "loss", "high"]].to_numpy().tolist() == [[1, 2, 3], [1, 1.5, 2]]


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [
        (0, 0, 1),
        (5, 5, 1),
        (1, 0, 1),  # one coin
        (6, 0, 2 / 64),
        (0, 6, 2 / 64),
        (8, 2, 2 * (1 + 10 + 45) / 1024),  # twice the sum of the coefficients of the tail
        (1, 9, 2 * (1 + 10) / 1024),
    ],
)
def test_mcnemars_exact_test_is_that_of_fair_coins(
    only_first: int, only_second: int, p_value: float
) -> None:
    assert significance.mcnemar(only_first, only_second) == pytest.approx(p_value)


@pytest.mark.parametrize(("only_first", "only_second"), [(3, 17), (210, 250), (1800, 1700)])
def test_mcnemars_exact_test_is_scipys_of_the_binomial(only_first: int, only_second: int) -> None:
    test = stats.binomtest(only_first, only_first + only_second)
    assert significance.mcnemar(only_first, only_second) == pytest.approx(test.pvalue, rel=1e-9)


def test_a_negative_number_of_images_is_refused() -> None:
    with pytest.raises(ValueError, match="Received: -1 and 3"):
        significance.mcnemar(-1, 3)


def test_holm_corrects_as_worked_out_by_hand() -> None:
    # 4 × 0.005, 3 × 0.01, 2 × 0.03 and 1 × 0.04, which may not fall below the one before
    assert significance.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert significance.holm([0.9, 0.8]) == [1.0, 1.0]
    assert significance.holm([]) == []


def test_a_paired_test_counts_what_one_alone_got_right() -> None:
    (test,) = significance.paired_tests({"A": right("aaaaaaab"), "B": right("abbbbbba")})
    assert (test.shared, test.only_first, test.only_second) == (8, 6, 1)
    assert test.p_value == test.corrected == pytest.approx(2 * (1 + 7) / 128)
    assert not test.is_significant


def test_images_are_matched_by_path_and_row_whatever_their_order() -> None:
    backwards = significance.correct_by_image(predictions("aab")[::-1])
    (test,) = significance.paired_tests({"A": right("aab"), "B": backwards})
    assert (test.shared, test.only_first, test.only_second) == (3, 0, 0)


def test_images_that_one_has_not_seen_or_under_another_name_are_left_out() -> None:
    (test,) = significance.paired_tests({"A": right("aaaa"), "B": right("bbb", "abc", first=1)})
    assert (test.shared, test.only_first, test.only_second) == (1, 1, 0)


def test_runs_without_shared_images_are_not_tested() -> None:
    tests = significance.paired_tests(
        {"A": right("aa"), "B": right("aa", first=2), "C": right("b")}
    )
    assert [(test.first, test.second) for test in tests] == [("A", "C")]


def test_every_pair_is_tested_and_corrected_for_their_number() -> None:
    tests = significance.paired_tests(
        {"A": right("a" * 8), "B": right("b" * 8), "C": right("a" * 8)}
    )
    assert [test.first + test.second for test in tests] == ["AB", "AC", "BC"]
    assert [test.p_value for test in tests] == pytest.approx([2 / 256, 1, 2 / 256])
    assert [test.corrected for test in tests] == pytest.approx([6 / 256, 1, 6 / 256])


def test_images_of_one_key_cannot_be_told_apart_and_are_left_out() -> None:
    table = predictions("aab")
    table["row"] = ["0", "0", "1"]
    assert significance.correct_by_image(table).tolist() == [0]


def test_the_mean_over_seeds_has_students_interval() -> None:
    mean = significance.mean_accuracy([0.60, 0.62, 0.64])
    # deviation 0.02; t of two degrees of freedom at 97.5 % is 4.302653
    reach = 4.302653 * 0.02 / np.sqrt(3)
    assert (mean.runs, mean.lowest, mean.highest) == (3, 0.60, 0.64)
    assert (mean.value, mean.deviation) == pytest.approx((0.62, 0.02))
    assert (mean.low, mean.high) == pytest.approx((0.62 - reach, 0.62 + reach), abs=1e-7)


def test_the_interval_of_two_seeds_stays_within_what_is_possible() -> None:
    mean = significance.mean_accuracy([0.2, 0.9])
    assert (mean.low, mean.high) == (0, 1)


def test_one_run_has_no_spread() -> None:
    with pytest.raises(ValueError, match="at least two runs. Received: 1"):
        significance.mean_accuracy([0.6])


def accuracy(correct: int) -> Accuracy:
    return Accuracy(correct, 100, *accuracy_interval(correct, 100))


def curve(epochs: int, **columns: object) -> pd.DataFrame:
    table = pd.DataFrame({"epochs": range(1, epochs + 1), "val_accuracy": 0.5, "loss": 1.0})
    return table.assign(steps=10 * table["epochs"], seconds=60.0 * table["epochs"], **columns)


def test_compared_runs_differ_in_colour_or_dash() -> None:
    curves = {f"run {number}": curve(2) for number in range(20)}
    traces = comparison_figures.compare_figure(curves, "val_accuracy", "epochs").data
    assert len({(trace.line.color, trace.line.dash) for trace in traces}) == 20


@pytest.mark.parametrize(
    ("epochs", "last", "title"),
    [(2, 120, "Training time, s"), (4, 4, "Training time, min"), (240, 4, "Training time, h")],
)
def test_time_is_told_in_a_unit_that_fits(epochs: int, last: float, title: str) -> None:
    curves = {"short": curve(1), "long": curve(epochs)}
    figure = comparison_figures.compare_figure(curves, "loss", "seconds")
    assert figure.data[1].x[-1] == last
    assert figure.layout.xaxis.title.text == title


def test_a_band_goes_from_the_lowest_to_the_highest() -> None:
    banded = {"A, B": curve(2, low=[0.1, 0.2], high=[0.8, 0.9])}
    band, mean = comparison_figures.compare_figure(banded, "loss", "steps").data
    assert list(band.x) == [10, 20, 20, 10]
    assert list(band.y) == pytest.approx([0.8, 0.9, 0.2, 0.1])
    assert band.legendgroup == mean.legendgroup
    assert (band.showlegend, list(mean.y)) == (False, [1, 1])


def test_an_unknown_metric_or_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="Received: 'speed'"):
        comparison_figures.compare_figure({}, "speed", "epochs")
    with pytest.raises(ValueError, match="Received: 'days'"):
        comparison_figures.compare_figure({}, "loss", "days")


def test_accuracies_stay_within_what_is_possible() -> None:
    figure = comparison_figures.compare_figure({"a": curve(1)}, "val_accuracy", "epochs")
    assert figure.layout.yaxis.minallowed == 0
    assert 1 <= figure.layout.yaxis.maxallowed < 1.05
    low, high = comparison_figures.interval_figure({"A": {"val": accuracy(100)}}).layout.xaxis.range
    assert (0.9 < low < 0.97) and (1 < high < 1.05)


def test_every_interval_is_drawn_from_its_low_to_its_high_end() -> None:
    accuracies = {"A": {"val": accuracy(50), "test": accuracy(60)}, "B": {"val": accuracy(70)}}
    val, test = comparison_figures.interval_figure(accuracies).data
    assert (list(val.y), list(test.y)) == (["A", "B"], ["A"])
    assert test.x[0] - test.error_x.arrayminus[0] == pytest.approx(accuracy(60).low)
    assert test.x[0] + test.error_x.array[0] == pytest.approx(accuracy(60).high)


def test_the_figures_leave_the_ground_to_the_page() -> None:
    for figure in (
        comparison_figures.compare_figure({"a": curve(1)}, "loss", "epochs"),
        comparison_figures.interval_figure({"A": {"val": accuracy(50)}}),
    ):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.height
