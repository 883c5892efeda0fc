"""Scores by FER+'s labels."""

from pathlib import Path

import pandas as pd

from fer_core.evaluation.ferplus import with_ferplus_labels
from fer_core.expressions import EXPRESSIONS
from tests.datasets.test_ferplus import voted_faces


def predictions_of(dataset_index: pd.DataFrame) -> pd.DataFrame:
    """Returns the predictions of a model that knows the labels of the dataset."""
    table = dataset_index[["path", "row", "expression"]].reset_index(drop=True)
    return table.assign(
        **{f"p_{name}": (table["expression"] == name).astype(float) for name in EXPRESSIONS}
    )


def test_predictions_get_the_labels_of_the_votes(workspace: Path) -> None:
    dataset = voted_faces()
    predictions = predictions_of(dataset.index)
    stranger = predictions[:1].assign(path="elsewhere.png")
    labeled = with_ferplus_labels(pd.concat([predictions[::-1], stranger]), dataset)
    expected = dataset.with_ferplus_labels().index
    assert labeled["path"].tolist() == expected["path"].tolist()[::-1]
    assert labeled["expression"].tolist() == expected["expression"].tolist()[::-1]
