"""Leaves out entries of a plan that an index cannot hold."""

import dataclasses

import pandas as pd

from fer_core.datasets.layouts import ImportPlan
from fer_core.errors import FerError
from fer_core.text import counted, is_one_line, some

MAX_IMAGES = 2_000_000  # of a dataset; AffectNet, the largest of the field, has one million
MAX_NAME = 255  # characters of a class or split, as of a folder
_MAX_PATH = 4096  # characters; no file has a longer one


def check_entries(plan: ImportPlan) -> ImportPlan:
    """Returns the plan without images whose path, class or split would spoil a table.

    Raises:
        FerError: there are too many images, or none is left.
    """
    index = plan.index
    if len(index) > MAX_IMAGES:
        raise FerError(
            f"A dataset must have at most {MAX_IMAGES:,} images. Received: {len(index):,}"
        )
    usable = _are_usable(index["path"], _MAX_PATH)
    for column in ("expression", "source_class", "source_split", "subject", "group"):
        if column in index:
            usable &= _are_usable(index[column], MAX_NAME)
    if usable.all():
        return plan
    odd = index["path"][~usable].tolist()
    sentence = (
        f"Skipped {counted(len(odd), 'image')} (path, class, split or subject with line breaks, "
        f"control characters or more than {MAX_NAME} characters): {some(odd)}."
    )
    if not usable.any():
        raise FerError(f"No image can be added. {sentence}")
    kept = index[usable].reset_index(drop=True)
    return dataclasses.replace(plan, index=kept).noting(sentence)


def _are_usable(texts: pd.Series, max_length: int) -> pd.Series:
    known = {text: len(text) <= max_length and is_one_line(text) for text in texts.unique()}
    return texts.map(known).astype(bool)
