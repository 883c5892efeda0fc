"""The score of a file of predictions, worked out once: lists show those of a thousand runs."""

import contextlib
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from fer_core.errors import FerError
from fer_core.evaluation.metrics import Accuracy, Score, score
from fer_core.runs import read_predictions
from fer_core.storage import Count, cached_by_mtime, paths, read_record, stamp, write_json


@dataclass(frozen=True)
class _Counts:
    """Holds the counts that a score is computed from, as the cache stores them."""

    stamp: list[int]  # of the predictions that were counted
    correct: Count
    total: Count
    clean_correct: Count | None
    clean_total: Count | None
    seen: Count = 0
    unseen_correct: Count | None = None
    unseen_total: Count | None = None

    def score(self) -> Score:
        """Returns the score; raises a ValueError where these counts are impossible."""
        return Score(
            Accuracy.of(self.correct, self.total),
            _accuracy(self.clean_correct, self.clean_total),
            self.seen,
            _accuracy(self.unseen_correct, self.unseen_total),
        )


def _accuracy(correct: int | None, total: int | None) -> Accuracy | None:
    return None if correct is None or total is None else Accuracy.of(correct, total)


def read_score(predictions_file: Path) -> Score | None:
    """Returns the score, from the cache or computed from the predictions.

    None where there are no predictions, or they are damaged.
    """
    now = list(stamp(predictions_file))
    if not any(now):
        return None
    known = _cache_file(predictions_file)
    with contextlib.suppress(FerError):  # damaged
        counts = read_record(known, _Counts)
        if counts is not None and counts.stamp == now:
            return counts.score()
    found = _count(predictions_file)
    if found is not None:
        _keep(known, now, found)
    return found


score_of = cached_by_mtime(read_score)


def _count(predictions_file: Path) -> Score | None:
    try:
        table = read_predictions(predictions_file)
        return None if table is None else score(table)
    except FerError:  # the Evaluate page says what is wrong
        return None


def _keep(known: Path, now: list[int], found: Score) -> None:
    clean, unseen = found.clean, found.unseen
    counts = _Counts(
        now,
        found.accuracy.correct,
        found.accuracy.total,
        clean.correct if clean else None,
        clean.total if clean else None,
        found.seen,
        unseen.correct if unseen else None,
        unseen.total if unseen else None,
    )
    with contextlib.suppress(OSError):  # a full disk; it will be counted again
        known.parent.mkdir(parents=True, exist_ok=True)
        write_json(known, asdict(counts), durable=False)


def _cache_file(predictions_file: Path) -> Path:
    name = hashlib.sha256(str(predictions_file).encode()).hexdigest()[:32]
    return paths.cache_root() / "scores" / f"{name}.json"
