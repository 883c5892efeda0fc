"""Scores of slices: how they are cut, their intervals, tests and the largest gap."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.__main__ import main
from fer_core.errors import FerError
from fer_core.evaluation.metrics import accuracy_interval
from fer_core.evaluation.significance import holm
from fer_core.evaluation.slices import (
    SliceColumn,
    SliceReport,
    Slices,
    cut,
    describe_gap,
    evaluate_slices,
    parse_borders,
    slice_record,
)
from fer_core.evaluation.slices.contrast import (
    gap_of_images,
    p_values_of_images,
    p_values_of_subjects,
)
from fer_core.evaluation.slices.resampling import SubjectCounts
from fer_core.runs.run import Run

CLASSES = ("angry", "happy", "sad")


def answers(right: np.ndarray) -> pd.DataFrame:
    """Predictions whose true classes cycle; wrong ones are of the next class."""
    truth = np.arange(len(right)) % 3
    names = np.array(CLASSES)
    predicted = np.where(right, truth, (truth + 1) % 3)
    return pd.DataFrame({"expression": names[truth], "predicted": names[predicted]})


def three_slices(correct: tuple[int, ...], images: tuple[int, ...]) -> SliceReport:
    right = np.concatenate([np.arange(n) < c for c, n in zip(correct, images, strict=True)])
    codes = np.repeat(range(len(images)), images)
    slices = Slices("sex", tuple("abc"[: len(images)]), codes, "")
    return evaluate_slices(answers(right), CLASSES, slices)


def test_the_worst_slice_is_first_and_one_with_few_images_claims_nothing() -> None:
    table = three_slices((90, 40, 0), (100, 80, 7)).table
    assert table["slice"].tolist() == ["b", "a", "c"]
    assert table["accuracy"].tolist()[:2] == [0.5, 0.9]
    assert table.loc[2, ["accuracy", "recall", "f1", "p_value", "corrected"]].isna().all()
    assert not table["enough"][2] and table["images"][2] == 7


def test_accuracy_has_wilsons_interval_and_the_rest_is_all_other_images() -> None:
    worst = three_slices((90, 40, 0), (100, 80, 7)).table.iloc[0]
    assert (worst["accuracy_low"], worst["accuracy_high"]) == pytest.approx(
        accuracy_interval(40, 80)
    )
    assert worst["rest"] == pytest.approx(90 / 107)


def test_tests_match_values_computed_by_hand() -> None:
    # 20 of 40 against 30 of 40: chi-square = 80 × (20 × 10 − 20 × 30)² ÷ (50 × 30 × 40 × 40).
    (p_value,) = p_values_of_images(np.array([20]), np.array([40]), np.array([50, 80]))
    assert p_value == pytest.approx(0.020921, abs=1e-6)  # of 5.3333, one degree of freedom
    # 3 of 3 against 0 of 3, exactly: 2 of the 20 ways are as far apart.
    (p_value,) = p_values_of_images(np.array([3]), np.array([3]), np.array([3, 6]))
    assert p_value == pytest.approx(0.1)


def test_holms_correction_is_over_the_tested_slices_and_two_slices_are_one_test() -> None:
    table = three_slices((20, 30, 33), (40, 40, 40)).table
    smallest = table["p_value"].min()
    assert table.loc[table["p_value"].idxmin(), "corrected"] == pytest.approx(3 * smallest)
    table = three_slices((20, 30), (40, 40)).table
    assert table["corrected"].tolist() == pytest.approx([0.020921] * 2, abs=1e-6)


def test_the_largest_gap_has_newcombes_interval() -> None:
    report = three_slices((48, 56), (80, 70))  # the first example of Newcombe's table II
    gap = report.gap
    assert gap is not None and (gap.worst, gap.best) == ("a", "b")
    assert (gap.low, gap.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert "60.0%" in describe_gap(report) and "20.0 points" in describe_gap(report)


def test_macro_scores_leave_out_classes_without_images_in_a_slice() -> None:
    table = answers(np.ones(90, bool))
    table.loc[table.index[:40], ["expression", "predicted"]] = "happy"
    table.loc[0, "predicted"] = "sad"
    codes = (np.arange(90) >= 40).astype(int)
    worst = evaluate_slices(table, CLASSES, Slices("sex", ("a", "b"), codes, "")).table.iloc[0]
    assert worst["classes"] == 1 and worst["recall"] == pytest.approx(39 / 40)
    assert worst["f1"] == pytest.approx(2 * 39 / 79)
    assert worst["recall_low"] < worst["recall"] < worst["recall_high"]


def test_copies_of_subjects_do_not_narrow_the_intervals_over_subjects() -> None:
    right = np.random.default_rng(0).random(60) < 0.7
    codes = np.arange(60) % 2
    tables = []
    for times in (1, 20):
        chosen = np.repeat(np.arange(60), times)
        report = evaluate_slices(
            answers(right)[:60].iloc[chosen],
            CLASSES,
            Slices("sex", ("a", "b"), codes[chosen], ""),
            subjects=chosen,
        )
        tables.append(report.table[["accuracy_low", "accuracy_high", "p_value"]])
        assert report.subjects == 60 and report.table["subjects"].tolist() == [30, 30]
    pd.testing.assert_frame_equal(*tables, atol=1e-6)


def test_a_slice_with_few_subjects_claims_nothing_however_many_images_it_has() -> None:
    subjects = np.repeat(range(14), 50)
    codes = (subjects >= 4).astype(int)
    report = evaluate_slices(
        answers(np.arange(700) % 3 > 0),
        CLASSES,
        Slices("sex", ("a", "b"), codes, ""),
        subjects=subjects,
    )
    assert report.table["enough"].tolist() == [True, False] and report.gap is None


def test_faultless_subjects_still_have_an_interval_of_some_width() -> None:
    subjects = np.repeat(range(10), 10)
    slices = Slices("sex", ("a", "b"), np.arange(100) % 2, "")
    table = evaluate_slices(answers(np.ones(100, bool)), CLASSES, slices, subjects=subjects).table
    assert table["accuracy_low"].tolist() == pytest.approx([accuracy_interval(10, 10)[0]] * 2)


def test_without_differences_slices_are_claimed_to_differ_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(5)
    claims = {"images": 0, "gaps": 0, "subjects": 0}
    images, subjects = np.full(3, 90), np.arange(24)
    for _ in range(400):
        correct = rng.binomial(images, 0.6)
        p_values = p_values_of_images(correct, images, np.array([correct.sum(), 270]))
        claims["images"] += min(holm(p_values)) < 0.05
        ends = (correct.min(), correct.max())
        claims["gaps"] += gap_of_images(ends, (90, 90), pairs=3)[0] > 0
        right = rng.binomial(10, rng.beta(3, 2, 24))  # some people are harder
        counts = np.stack([np.full(24, 10), right], axis=1)
        pairs = SubjectCounts(np.repeat([0, 1], 12), subjects, counts, 24)
        claims["subjects"] += p_values_of_subjects(pairs, [0])[0] < 0.05
    # 0.05 × 400 = 20 expected; 36 and more happen once in 2,000 times.
    assert max(claims.values()) <= 36
    assert min(claims.values()) >= 3  # so that they can claim something


def test_numbers_are_cut_at_quantiles_or_borders_and_few_of_them_are_categories() -> None:
    ages = SliceColumn("age", np.array([*range(10, 70), np.nan], float))
    thirds = cut(ages)
    assert np.bincount(thirds.codes[:-1]).tolist() == [20, 20, 20] and thirds.without_value == 1
    given = cut(ages, borders=parse_borders("18, 30"))
    assert given.names == ("below 18", "18 to below 30", "30 and above")
    assert np.bincount(given.codes[:-1]).tolist() == [8, 12, 40]
    skin = SliceColumn("skin", np.tile([1.0, 2.0, 10.0], 20))
    assert cut(skin).names == ("1", "2", "10")
    assert len(cut(skin, bins=2).names) == 2


def test_unknown_values_are_in_no_slice() -> None:
    sex = cut(SliceColumn("sex", np.array(["f", "m", "", "NA", "f"], object)))
    assert sex.codes.tolist() == [0, 1, -1, -1, 0]


@pytest.mark.parametrize(
    ("column", "options"),
    [
        (SliceColumn("id", np.array([f"{n}" for n in range(500)] + ["x"], object)), {}),
        (SliceColumn("sex", np.array(["f", "f", ""], object)), {}),
        (SliceColumn("sex", np.array(["f", "m"], object)), {"bins": 3}),
        (SliceColumn("age", np.array([3.0, 4.0])), {"borders": (7.0,)}),
        (SliceColumn("age", np.array([3.0, 4.0])), {"bins": 1}),
    ],
)
def test_a_column_that_cannot_be_cut_is_refused(column: SliceColumn, options: dict) -> None:
    with pytest.raises(FerError, match=column.name):
        cut(column, **options)


@pytest.mark.parametrize("text", ["a", "30, 18", "inf", "18,,x"])
def test_borders_that_are_no_ascending_numbers_are_refused(text: str) -> None:
    with pytest.raises(FerError, match="Borders"):
        parse_borders(text)


def test_the_terminal_scores_a_run_by_a_joined_column_and_by_a_measured_one(
    trained_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = trained_run.predictions("val")
    assert predictions is not None
    images = predictions["path"].tolist()
    table = "\n".join(["file,side", *(f"{path},{n % 2}" for n, path in enumerate(images))])
    (tmp_path / "sides.csv").write_text(table)
    assert main(["metadata", "faces", str(tmp_path / "sides.csv")]) == 0
    for column, number in (("side", 2), ("brightness", 3)):
        capsys.readouterr()
        command = ["slices", trained_run.id, "--by", column, "--minimum", "2", "--json"]
        assert main(command) == 0
        found = json.loads(capsys.readouterr().out)
        assert sum(each["images"] for each in found["slices"]) == len(images)
        assert len(found["slices"]) == number and found["gap"] is not None
    assert main(["slices", trained_run.id, "--by", "camera"]) == 1
    assert "side" in capsys.readouterr().err


def test_a_record_is_json_and_unknown_numbers_are_null() -> None:
    record = json.loads(json.dumps(slice_record(three_slices((90, 0), (100, 7))), allow_nan=False))
    assert record["slices"][1]["accuracy"] is None and record["gap"] is None
