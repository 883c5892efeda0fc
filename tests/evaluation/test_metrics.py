"""Scores, against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from fer_core.evaluation import metrics

CLASSES = ("angry", "happy", "sad")


def predictions(pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """One row per (truth, answer), the answer with probability 0.8."""
    rows = [
        {"path": f"{number}.png", "row": "", "expression": truth}
        | {f"p_{name}": 0.8 if name == answer else 0.1 for name in CLASSES}
        for number, (truth, answer) in enumerate(pairs)
    ]
    return pd.DataFrame(rows)


SEVEN = predictions(
    [
        ("angry", "angry"),
        ("angry", "sad"),
        ("angry", "sad"),
        ("happy", "happy"),
        ("happy", "happy"),
        ("sad", "sad"),
        ("sad", "angry"),
    ]
)


def test_confusion_has_a_row_per_truth_in_label_order() -> None:
    assert metrics.confusion(SEVEN, CLASSES).tolist() == [[1, 0, 2], [0, 2, 0], [1, 0, 1]]


def test_confusion_agrees_with_scikit_learn() -> None:
    labels = ["sad", "angry", "happy"]
    expected = confusion_matrix(SEVEN["expression"], metrics.predicted(SEVEN), labels=labels)
    assert metrics.confusion(SEVEN, labels).tolist() == expected.tolist()


def test_confusion_omits_images_of_other_classes() -> None:
    assert metrics.confusion(SEVEN, ["happy", "sad"]).tolist() == [[2, 0], [0, 1]]


def test_accuracy_counts_correct_predictions() -> None:
    accuracy = metrics.accuracy(SEVEN)
    assert (accuracy.correct, accuracy.total) == (4, 7)
    assert accuracy.value == pytest.approx(4 / 7)


def test_an_accuracy_is_formatted_with_its_interval() -> None:
    accuracy = metrics.Accuracy(2347, 3589, 0.6382, 0.6694)
    assert str(accuracy) == "65.4% (63.8% to 66.9%, 3,589 images)"


def test_ties_are_predicted_as_the_first_class() -> None:
    table = pd.DataFrame({"expression": ["sad"], "p_angry": [0.5], "p_sad": [0.5]})
    assert metrics.predicted(table).tolist() == ["angry"]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.959964
        (5, 10, 0.2366, 0.7634),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Statistics in Medicine 17, table I
        (15, 148, 0.0624, 0.1605),  # the same
    ],
)
def test_the_interval_is_a_wilson_interval(
    correct: int, total: int, low: float, high: float
) -> None:
    assert metrics.accuracy_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_more_confidence_needs_a_wider_interval() -> None:
    narrow, wide = (metrics.accuracy_interval(50, 100, confidence=c) for c in (0.9, 0.99))
    assert wide[0] < narrow[0] < 0.5 < narrow[1] < wide[1]


@pytest.mark.parametrize(("correct", "total"), [(0, 0), (3, 2), (-1, 2)])
def test_an_impossible_count_is_refused(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"Received: {correct} correct of {total}"):
        metrics.accuracy_interval(correct, total)


def test_scoring_does_not_modify_predictions() -> None:
    before = SEVEN.copy()
    metrics.confusion(SEVEN, CLASSES)
    metrics.accuracy(SEVEN)
    pd.testing.assert_frame_equal(SEVEN, before)
    assert isinstance(metrics.confusion(SEVEN, CLASSES), np.ndarray)


def test_the_clean_score_omits_leaked_images() -> None:
    some = SEVEN.assign(leaked=[True, False, False, True, False, False, False])
    clean = metrics.without_leaks(some)
    assert clean["path"].tolist() == ["1.png", "2.png", "4.png", "5.png", "6.png"]
    assert metrics.accuracy(clean).correct == 2
    for unknown in (SEVEN, SEVEN.assign(leaked=False), SEVEN.assign(leaked=True)):
        assert metrics.without_leaks(unknown) is None


def test_the_score_tells_images_of_subjects_that_were_trained_on() -> None:
    some = metrics.score(SEVEN.assign(seen_subject=[True, False, False, True, False, False, False]))
    assert some.seen == 2 and some.unseen is not None
    assert (some.unseen.correct, some.unseen.total) == (2, 5)
    everything = metrics.score(SEVEN.assign(seen_subject=True))
    assert (everything.seen, everything.unseen) == (7, None)
    assert everything.describe_seen() and some.describe_seen()
    for none in (SEVEN, SEVEN.assign(seen_subject=False)):
        assert metrics.score(none).describe_seen() == ""


def test_top_two_accuracy_counts_the_two_most_probable_classes() -> None:
    table = pd.DataFrame(
        {
            "expression": ["angry", "angry", "sad", "sad", "other"],
            "p_angry": [0.5, 0.3, 0.4, 0.4, 0.5],
            "p_happy": [0.3, 0.5, 0.4, 0.2, 0.4],
            "p_sad": [0.2, 0.2, 0.2, 0.4, 0.1],
        }
    )
    # Right, second, third, second of equals, no class of the network.
    assert metrics.top_accuracy(table).correct == 3
    assert metrics.top_accuracy(table, 1).correct == 1
    assert metrics.top_accuracy(table, 1).correct == metrics.accuracy(table).correct
    assert metrics.top_accuracy(table, 3).correct == 4


def test_top_two_ties_follow_label_order() -> None:
    table = pd.DataFrame(
        {"expression": ["sad"], "p_angry": [1.0], "p_happy": [1.0], "p_sad": [1.0]}
    )
    assert metrics.top_accuracy(table, 2).correct == 0


def test_vectorized_intervals_match_single_ones() -> None:
    low, high = metrics.wilson(np.array([5, 81, 0]), np.array([10, 263, 0]))
    assert low[:2] == pytest.approx([0.2366, 0.2553], abs=5e-5)
    assert high[:2] == pytest.approx([0.7634, 0.3662], abs=5e-5)
    assert np.isnan([low[2], high[2]]).all()
