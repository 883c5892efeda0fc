"""Puts the votes of all raters side by side, and tells how well they agree."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from fer_core.datasets.corrections import positions_of
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.ferplus import VOTES, has_votes
from fer_core.datasets.raters.agreement import (
    MISSING,
    Interval,
    answer_agreement,
    cohen_kappa,
    disagreement,
    fleiss_kappa,
    intervals,
    krippendorff_alpha,
)
from fer_core.datasets.raters.answers import answer_of_ferplus, answers_for
from fer_core.datasets.raters.votes import rater_names, read_rater
from fer_core.datasets.split_groups import SUBJECT
from fer_core.datasets.vote_table import CANNOT_TELL, NO_FACE, VoteTable, majority_of
from fer_core.errors import FerError

MOST_PAIRS = 45  # of raters, of whom each pair is compared: ten raters have as many
PAIR_COLUMNS = ("first", "second", "images", "agreement", "kappa", "low", "high")


@dataclass(frozen=True, eq=False)
class Ratings:
    """Holds the votes on a dataset's images: of raters who are known, or only how many (FER+)."""

    positions: np.ndarray  # int (images,), ascending: those in the index that have votes
    answers: tuple[str, ...]
    counts: np.ndarray  # int (images, answers)
    raters: tuple[str, ...] = ()  # empty if only the counts are known
    given: np.ndarray | None = None  # int (images, raters): number of the answer, or MISSING
    notes: tuple[str, ...] = ()  # sentences: which votes were left out

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def votes(self) -> int:
        """Returns the number of votes."""
        return int(self.counts.sum())

    @property
    def is_rated_twice(self) -> np.ndarray:
        """Returns a mask of the images with two votes or more."""
        return self.counts.sum(axis=1) >= 2

    @cached_property
    def disagreement(self) -> np.ndarray:
        """Returns the share of the pairs of votes on each image that differ; NaN below two."""
        return disagreement(self.counts)

    def only(self, positions: np.ndarray) -> "Ratings":
        """Returns the ratings of these images only."""
        kept = np.isin(self.positions, positions)
        given = None if self.given is None else self.given[kept]
        return Ratings(
            self.positions[kept], self.answers, self.counts[kept], self.raters, given, self.notes
        )

    def most_disputed(self) -> np.ndarray:
        """Returns the rows of images on which votes differ, the most disputed first."""
        disputed = np.flatnonzero(self.disagreement > 0)
        votes = self.counts[disputed].sum(axis=1)
        return disputed[np.lexsort((disputed, -votes, -self.disagreement[disputed]))]

    def votes_on(self, row: int) -> list[tuple[str, str]]:
        """Returns rater and answer of each vote on an image; empty if nobody knows whose it is."""
        if self.given is None:
            return []
        pairs = zip(self.raters, self.given[row].tolist(), strict=True)
        return [(rater, self.answers[answer]) for rater, answer in pairs if answer != MISSING]

    def table(self, dataset: Dataset) -> VoteTable:
        """Returns the counts as a table for training."""
        return VoteTable(tuple(dataset.keys(self.positions)), self.answers, self.counts)


@dataclass(frozen=True)
class Agreement:
    """Holds how well raters agree on the images that two or more of them have rated."""

    images: int
    votes: int  # on these images
    unit: str  # what the bootstrap resamples: "images" or "subjects"
    units: int
    fleiss: Interval
    alpha: Interval
    answers: pd.DataFrame  # by answer: votes, share, agreement, kappa


def read_ratings(dataset: Dataset) -> Ratings:
    """Reads the votes of all raters of a dataset.

    Raises:
        DamagedFileError: a file cannot be read.
    """
    raters = rater_names(dataset)
    read = [read_rater(dataset, rater) for rater in raters]
    keys = list(dict.fromkeys(key for each in read for key in each.answers))
    index = dataset.stored_index
    places = positions_of(index, keys)
    answers = answers_for(dataset.class_names)
    numbers = {name: number for number, name in enumerate(answers)}
    given = np.full((len(index), len(raters)), MISSING, np.int16)
    gone = unknown = 0
    for number, each in enumerate(read):
        for key, answer in each.answers.items():
            if key not in places:
                gone += 1
            elif answer not in numbers:
                unknown += 1
            else:
                given[places[key], number] = numbers[answer]
    positions = np.flatnonzero((given != MISSING).any(axis=1))
    given = given[positions]
    counts = np.stack([(given == n).sum(axis=1) for n in range(len(answers))], axis=1)
    damaged = sum(each.damaged for each in read)
    notes = _notes(dataset.name, gone, unknown, damaged)
    return Ratings(positions, answers, counts, tuple(raters), given, notes)


def ferplus_ratings(dataset: Dataset) -> Ratings:
    """Returns FER+'s votes as ratings; only how many they are of each answer is known.

    Raises:
        FerError: the dataset has no such votes.
    """
    index = dataset.stored_index
    if not has_votes(index):
        raise FerError(f"{dataset.name} was added without FER+'s votes.")
    columns = [str(name) for name in index if str(name).startswith(VOTES)]
    counts = index[columns].fillna(0).to_numpy(int).clip(min=0)
    positions = np.flatnonzero(counts.sum(axis=1))
    answers = tuple(answer_of_ferplus(name.removeprefix(VOTES)) for name in columns)
    return Ratings(positions, answers, counts[positions])


def agreement(dataset: Dataset, ratings: Ratings) -> Agreement:
    """Computes how well raters agree, with bootstrap intervals over images, or over subjects.

    Subjects are resampled if the index tells them for all of these images.
    """
    used = ratings.is_rated_twice
    counts = ratings.counts[used]
    groups, unit = _subjects(dataset, ratings.positions[used])
    fleiss, alpha = intervals([fleiss_kappa(counts), krippendorff_alpha(counts)], groups)
    shares, kappas = answer_agreement(counts)
    votes = counts.sum(axis=0)
    table = pd.DataFrame(
        {
            "votes": votes,
            "share": votes / max(1, votes.sum()),
            "agreement": shares,
            "kappa": kappas,
        },
        index=pd.Index(ratings.answers, name="answer"),
    )
    units = len(counts) if groups is None else int(groups.max(initial=-1)) + 1
    return Agreement(len(counts), int(votes.sum()), unit, units, fleiss, alpha, table)


def pairs_of_raters(dataset: Dataset, ratings: Ratings) -> pd.DataFrame:
    """Returns Cohen's kappa of each pair of raters, with its interval: PAIR_COLUMNS.

    Of many raters only the pairs with most images in common. Empty if nobody knows whose the votes
    are, as of FER+.
    """
    given = ratings.given
    if given is None:
        return pd.DataFrame(columns=PAIR_COLUMNS)
    known = (given != MISSING).astype(int)
    common = known.T @ known
    pairs = sorted(combinations(range(len(ratings.raters)), 2), key=lambda pair: -common[pair])
    rows = []
    for one, two in pairs[:MOST_PAIRS]:
        both = np.flatnonzero(known[:, one] & known[:, two])
        if len(both):
            names = ratings.raters[one], ratings.raters[two]
            compared = _compare(dataset, ratings, both, given[both, one], given[both, two])
            rows.append((*names, *compared))
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def raters_against_majority(dataset: Dataset, ratings: Ratings) -> pd.DataFrame:
    """Returns how each rater agrees with the majority of the others, where there is one.

    Columns: rater, votes, images (compared), agreement, kappa, low, high.
    """
    rows = []
    for number, rater in enumerate(ratings.raters):
        assert ratings.given is not None
        own = ratings.given[:, number]
        mine = np.eye(len(ratings.answers), dtype=int)[np.maximum(own, 0)]
        others = majority_of(ratings.counts - mine * (own != MISSING)[:, None])
        both = np.flatnonzero((own != MISSING) & (others != MISSING))
        compared = _compare(dataset, ratings, both, own[both], others[both])
        rows.append((rater, int((own != MISSING).sum()), *compared))
    return pd.DataFrame(rows, columns=["rater", "votes", *PAIR_COLUMNS[2:]])


def labels_against_majority(
    dataset: Dataset, ratings: Ratings
) -> tuple[int, float, Interval, np.ndarray]:
    """Compares the dataset's labels with the majorities of votes for an expression.

    Returns:
        The images that have such a majority, the share whose label is it, Cohen's kappa, and the
        rows of the ratings where they differ.
    """
    numbers = {name: number for number, name in enumerate(ratings.answers)}
    labels = dataset.stored_index["expression"].iloc[ratings.positions]
    own = labels.map(numbers).fillna(MISSING).to_numpy(int)
    majority = majority_of(ratings.counts)
    others = {CANNOT_TELL, NO_FACE}.difference(dataset.class_names)
    is_expression = [name not in others for name in ratings.answers]
    known = np.flatnonzero((majority != MISSING) & np.array([*is_expression, False])[majority])
    images, share, *kappa = _compare(dataset, ratings, known, own[known], majority[known])
    return images, share, Interval(*kappa), known[own[known] != majority[known]]


def _compare(
    dataset: Dataset, ratings: Ratings, rows: np.ndarray, one: np.ndarray, two: np.ndarray
) -> tuple[int, float, float, float, float]:
    """Returns images, agreement, and Cohen's kappa with its interval."""
    groups, _ = _subjects(dataset, ratings.positions[rows])
    (kappa,) = intervals([cohen_kappa(one, two, len(ratings.answers))], groups)
    share = float((one == two).mean()) if len(rows) else float("nan")
    return len(rows), share, kappa.value, kappa.low, kappa.high


def _subjects(dataset: Dataset, positions: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Returns the number of each image's subject and "subjects"; None, "images" if not known."""
    index = dataset.stored_index
    if SUBJECT not in index or not len(positions):
        return None, "images"
    names = index[SUBJECT].iloc[positions]
    if (names == "").any():
        return None, "images"
    return pd.factorize(names)[0], "subjects"


def _notes(name: str, gone: int, unknown: int, damaged: int) -> tuple[str, ...]:
    sentences = (
        (gone, f"{gone:,} votes are on images that {name} does not have any more; left out."),
        (unknown, f"{unknown:,} votes are for expressions that {name} does not have; left out."),
        (damaged, f"{damaged:,} damaged lines in files of votes were left out."),
    )
    return tuple(sentence for number, sentence in sentences if number)
