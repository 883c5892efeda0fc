"""Reads subjects and sequences from file names by a pattern that a person types.

RE2 matches it, in a time that grows with the length of the names alone: no pattern can make it
try for hours, as nested repeats make other engines do.
"""

from collections.abc import Sequence

import pandas as pd

from fer_core.datasets.split_groups import GROUP, GROUP_NOUNS, SUBJECT
from fer_core.errors import FerError
from fer_core.text import counted, is_one_line, shortened, some

MAX_PATTERN = 500  # characters
EXAMPLE = r"(?P<subject>S\d+)_"
_LARGE = 0.9  # of the images: a subject with so many leaves little to validate on


def parse_pattern(text: str) -> str:
    """Returns a pattern without blanks around it, after checking it.

    Raises:
        FerError: it is no regular expression, or names neither subject nor group.
    """
    text = text.strip()
    if len(text) > MAX_PATTERN or not is_one_line(text):
        raise FerError(
            f"A pattern of subjects must be one line of at most {MAX_PATTERN} characters. "
            f"Received: {shortened(text)!r}"
        )
    _groups_of(text, pd.Series([], dtype=str))
    return text


def read_pattern(text: str, paths: Sequence[str] | pd.Series) -> pd.DataFrame:
    """Returns the columns subject and group that a pattern names; "" where it does not fit.

    Args:
        text: a regular expression, which is searched in each path.
        paths: of images, with slashes.

    Raises:
        FerError: as `parse_pattern`.
    """
    return _groups_of(parse_pattern(text), pd.Series(paths, dtype=str))


def describe_pattern(found: pd.DataFrame, paths: pd.Series) -> list[str]:
    """Says how many subjects and sequences a pattern finds, and warns of what is odd.

    Args:
        found: as `read_pattern` returns it, for these paths.

    Raises:
        FerError: it finds nothing, or the same in all images.
    """
    notes = []
    for column in found:
        names = found.loc[found[column] != "", column]
        one, several = GROUP_NOUNS[str(column)]
        if names.empty:
            raise FerError(
                f"The pattern of subjects must fit file names. It finds no {one} in any of "
                f"{counted(len(paths), 'image')}, such as {some(paths.iloc[:2].tolist())}."
            )
        if names.nunique() == 1 and len(names) == len(paths):
            raise FerError(
                f"The pattern of subjects must tell {several} apart. It gives all "
                f"{counted(len(paths), 'image')} the same {one}, {shortened(names.iloc[0])}."
            )
        notes.append(_described(names, len(paths), one, several))
        notes += _warnings(names, len(paths), one, several)
    return notes


def _groups_of(text: str, paths: pd.Series) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import compute

    try:
        struct = compute.extract_regex(pa.array(paths.tolist(), pa.string()), pattern=text)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        if "unnamed" in reason:
            reason = "every group must have a name; write (?:…) for those that only group"
        raise FerError(
            f"The pattern of subjects must be a regular expression of RE2: {shortened(reason)}. "
            f"Received: {shortened(text)!r}"
        ) from error
    names = [field.name for field in struct.type]
    if not {*names} <= {SUBJECT, GROUP} or not names or len(set(names)) < len(names):
        raise FerError(
            "The pattern of subjects must have a group named subject, or one named group for "
            f"sequences, or both, such as {EXAMPLE} and no other. Received: {shortened(text)!r}"
        )
    try:
        columns = {name: compute.struct_field(struct, name).to_pylist() for name in names}
    except UnicodeDecodeError as error:  # RE2's \C fits a byte; letters may have more
        raise FerError(
            "The pattern of subjects must fit whole letters: leave out \\C. Received: "
            f"{shortened(text)!r}"
        ) from error
    found = pd.DataFrame(columns, index=paths.index, dtype=object)
    return found.fillna("").astype("str")[[name for name in (SUBJECT, GROUP) if name in columns]]


def _described(names: pd.Series, images: int, one: str, several: str) -> str:
    missing = images - len(names)
    rest = f"; {counted(missing, 'image')} without" if missing else ""
    number = counted(names.nunique(), one, several)
    return f"Recognized {number} by the chosen pattern, such as {shortened(names.iloc[0])}{rest}."


def _warnings(names: pd.Series, images: int, one: str, several: str) -> list[str]:
    sizes = names.value_counts()
    if sizes.iloc[0] >= _LARGE * images:
        return [
            f"Warning: {sizes.iloc[0]:,} of {images:,} images ({sizes.iloc[0] / images:.0%}) are "
            f"of one {one}, {shortened(str(sizes.index[0]))}: little is left to validate on."
        ]
    if len(sizes) == len(names) > 1:
        return [
            f"Warning: the pattern finds a different {one} in each of {len(names):,} images, so "
            f"it keeps no images of the same {one} together."
        ]
    return []
