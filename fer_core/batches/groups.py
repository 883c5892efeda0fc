"""Averages summaries over participants and conditions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_core.batches.clip_table import CONDITION, PARTICIPANT
from fer_core.evaluation import mean_accuracy

NOT_SURE_SHARE = "not_sure_share"


@dataclass(frozen=True)
class GroupMean:
    """Holds the mean of a measure over the participants of a condition."""

    condition: str  # "" if the table of clips has no conditions
    measure: str  # column of the summary
    participants: int
    value: float
    low: float | None  # of the 95 % t interval over participants; None for a single participant
    high: float | None


def share_columns(class_names: Sequence[str]) -> list[str]:
    """Returns the columns of the summary that add up to 1."""
    return [*(f"share_{name}" for name in class_names), NOT_SURE_SHARE]


def participant_means(summary: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Returns a row per participant and condition with the mean of each measure.

    Of each file only the main person counts: the one that is seen in most frames. Files of the same
    participant and condition are averaged by their numbers of frames.

    Args:
        summary: with a column `participant`; without one, each file is its own participant. Rows
            without a participant are left out.

    Returns:
        Columns participant, condition ("" without one), files, frames and the measures.
    """
    rows = summary[(summary["is_main"] == 1) & (summary["frames"] > 0)].reset_index(drop=True)
    names, conditions = rows.get(PARTICIPANT, rows["file"]), rows.get(CONDITION, "")
    keyed = rows.assign(**{PARTICIPANT: names, CONDITION: conditions})
    keyed = keyed[keyed[PARTICIPANT] != ""]
    keys = [PARTICIPANT, CONDITION]
    weighted = keyed[list(measures)].mul(keyed["frames"], axis=0).join(keyed[[*keys, "frames"]])
    sums = weighted.assign(files=1).groupby(keys, sort=False).sum()
    means = sums[list(measures)].div(sums["frames"], axis=0)
    return sums[["files", "frames"]].join(means).reset_index()


def condition_means(participants: pd.DataFrame, measures: Sequence[str]) -> list[GroupMean]:
    """Returns the mean of each measure over the participants of each condition.

    The interval is Student's t interval over participants, clipped to [0, 1]: it tells how well the
    mean of such participants is known, not how much frames differ.

    Args:
        participants: as `participant_means` returns them.
        measures: between 0 and 1.
    """
    return [
        _mean(str(condition), measure, rows[measure].to_numpy(float))
        for condition, rows in participants.groupby(CONDITION, sort=False)
        for measure in measures
    ]


def _mean(condition: str, measure: str, values: np.ndarray) -> GroupMean:
    if len(values) < 2:
        return GroupMean(condition, measure, len(values), float(values.mean()), None, None)
    found = mean_accuracy(values.tolist())
    return GroupMean(condition, measure, len(values), found.value, found.low, found.high)
