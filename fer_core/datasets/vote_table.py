"""Labels images by the majority of several raters' votes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets.corrections import Key, positions_of
from fer_core.datasets.ferplus import VOTES
from fer_core.datasets.splits import EXCLUDED
from fer_core.errors import FerError
from fer_core.storage import check_ranges, read_csv, write_text

VOTES_FILE = "rater_votes.csv"  # a run's own copy
CANNOT_TELL, NO_FACE = "cannot tell", "no face"  # answers besides a dataset's classes
_MAX_VOTES = 1_000_000


@dataclass(frozen=True, eq=False)
class VoteTable:
    """Holds how often each answer was given to each image."""

    keys: tuple[Key, ...]
    answers: tuple[str, ...]
    counts: np.ndarray  # int64 (images, answers)

    @cached_property
    def majority(self) -> np.ndarray:
        """Returns the number of the answer with more than half of an image's votes, else -1."""
        return majority_of(self.counts)

    def labels(self, class_names: Sequence[str]) -> np.ndarray:
        """Returns the expression with the majority of votes, else "": an array of str objects.

        Args:
            class_names: the answers that are expressions.
        """
        names = [name if name in class_names else "" for name in self.answers]
        return np.array([*names, ""], object)[self.majority]

    def applied(self, index: pd.DataFrame, class_names: Sequence[str]) -> pd.DataFrame:
        """Returns a copy of the index with the majorities as labels; the order of rows is kept.

        Images that have votes, but no majority for an expression, get the split EXCLUDED: ties,
        and those most of whose raters cannot tell, or see no face. Images without votes keep
        label and split. The votes for expressions take the place of FER+'s.
        """
        places = positions_of(index, self.keys)
        positions = [position for found in places.values() for position in found]
        numbers = {key: number for number, key in enumerate(self.keys)}
        rows = [numbers[key] for key, found in places.items() for _ in found]
        labels = self.labels(class_names)[rows]
        expressions = index["expression"].to_numpy(object, copy=True)
        splits = index["split"].to_numpy(object, copy=True)
        expressions[positions] = np.where(labels == "", expressions[positions], labels)
        splits[positions] = np.where(labels == "", EXCLUDED, splits[positions])
        counts = np.zeros((len(index), len(self.answers)), int)
        counts[positions] = self.counts[rows]
        others = [name for name in index if not str(name).startswith(VOTES)]
        texts = {"expression": expressions, "split": splits}
        return index[others].assign(
            **{f"{VOTES}{name}": counts[:, number] for number, name in enumerate(self.answers)},
            **{name: pd.Series(values, index.index, dtype="str") for name, values in texts.items()},
        )

    def save(self, path: Path) -> None:
        """Writes the table as CSV: path, row, and a column per answer."""
        table = pd.DataFrame(self.keys, columns=["path", "row"]).astype({"row": "Int64"})
        table[[f"{VOTES}{name}" for name in self.answers]] = self.counts
        text = StringIO()
        table.to_csv(text, index=False, lineterminator="\n")
        write_text(path, text.getvalue())


def read_votes(path: Path) -> VoteTable:
    """Reads a table that `VoteTable.save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        FerError: it is damaged.
    """
    table = read_csv(path, dtype={"path": "str", "row": "Int64"}, na_values={"row": [""]})
    columns = [str(name) for name in table if str(name).startswith(VOTES)]
    if not columns or not {"path", "row"} <= set(table):
        raise FerError(f"{path.name} must have the columns path, row and {VOTES}… .")
    check_ranges(table, dict.fromkeys(columns, (0, _MAX_VOTES)))
    rows = table["row"].to_numpy(dtype=np.int64, na_value=-1).tolist()
    keys = zip(table["path"].tolist(), rows, strict=True)
    return VoteTable(
        tuple((path, None if row < 0 else row) for path, row in keys),
        tuple(name.removeprefix(VOTES) for name in columns),
        table[columns].to_numpy(np.int64),
    )


def majority_of(counts: np.ndarray) -> np.ndarray:
    """Returns the column with more than half of a row's sum, else -1: an array of int."""
    if not counts.shape[1]:
        return np.full(len(counts), -1)
    return np.where(2 * counts.max(axis=1) > counts.sum(axis=1), counts.argmax(axis=1), -1)
