"""Labels that are most likely wrong."""

import numpy as np
import pandas as pd
import pytest

from fer_core.evaluation.label_issues import find_label_issues

CLASSES = ("angry", "happy", "sad")


def predictions(count: int = 300, wrong: int = 12) -> pd.DataFrame:
    """Answers of a network that is mostly sure and right; the first few labels are wrong."""
    rng = np.random.default_rng(0)
    truth = np.arange(count) % 3
    shares = rng.dirichlet(np.ones(3), count)
    shares[np.arange(count), truth] += 4
    shares /= shares.sum(axis=1, keepdims=True)
    labels = truth.copy()
    labels[:wrong] = (labels[:wrong] + 1) % 3
    table = pd.DataFrame({"path": [f"{n}.png" for n in range(count)], "row": ""})
    table["expression"] = [CLASSES[label] for label in labels]
    table[[f"p_{name}" for name in CLASSES]] = shares
    return table


def test_wrong_labels_are_found_with_a_suggestion() -> None:
    found = find_label_issues(predictions())
    assert sorted(found.index) == list(range(12))
    assert found["predicted"].tolist() == [CLASSES[number % 3] for number in found.index]


def test_the_most_likely_label_issue_comes_first() -> None:
    table = predictions()
    found = find_label_issues(table)
    of_label = [table.loc[number, f"p_{table.loc[number, 'expression']}"] for number in found.index]
    assert found["label_quality"].tolist() == pytest.approx(of_label)
    assert found["label_quality"].is_monotonic_increasing


def test_a_temperature_makes_the_quality_less_extreme() -> None:
    sure, unsure = (
        find_label_issues(predictions(), value)["label_quality"] for value in (1.0, 3.0)
    )
    assert unsure.min() > sure.min()


def test_leaked_images_and_unknown_labels_are_no_label_issues() -> None:
    table = predictions().assign(leaked=False)
    table.loc[0, "leaked"] = True
    table.loc[1, "expression"] = "contempt"
    found = set(find_label_issues(table).index)
    assert found <= set(range(2, 12)) and len(found) >= 8


def test_a_class_without_images_is_allowed() -> None:
    table = predictions()
    found = find_label_issues(table[table["expression"] != "sad"])
    assert len(found) and set(found.index) <= set(range(12))


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 1)])
def test_fewer_than_two_classes_have_no_label_issues(rows: slice) -> None:
    found = find_label_issues(predictions().iloc[rows])
    assert len(found) == 0 and {"predicted", "label_quality"} <= set(found)
