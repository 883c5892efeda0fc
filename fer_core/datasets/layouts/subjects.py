"""Finds whom images show and which sequence they are from, in file names and tables."""

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import pandas as pd

from fer_core.datasets.layouts.choices import Choices, Question
from fer_core.datasets.layouts.csv_paths import read_groups
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.layouts.subject_patterns import describe_pattern, read_pattern
from fer_core.datasets.split_groups import GROUP, GROUP_NOUNS, SUBJECT
from fer_core.errors import FerError
from fer_core.text import counted

_NEARLY_ALL = 0.95  # of the images, that a pattern must fit
_SAMPLE = 1_000  # images that a pattern must fit before all are read
_REPEATED = 2.0  # images per name, without which a letter and a number count images
_START, _END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
_CODES = "AF|AN|DI|FE|HA|NE|SA|SU"


@dataclass(frozen=True)
class _Pattern:
    """Describes how the paths of a dataset's images tell subjects, sequences or both."""

    title: str
    regex: str  # with the groups `subject`, `group` or both
    is_code: bool = True  # of a known dataset; otherwise a name must be of several images ...
    fewest: int = 1  # ... and there must be so many names

    def read(self, paths: pd.Series) -> pd.DataFrame:
        """Returns a column for each group of the pattern; missing where it does not fit."""
        return paths.str.extract(re.compile(self.regex, re.IGNORECASE))


# Lucey et al. 2010 (CK+), Lyons et al. 1998, Lundqvist et al. 1998, Langner et al. 2010.
_PATTERNS = (
    _Pattern("CK+", rf"{_START}(?P<group>(?P<subject>S\d{{3}})_\d{{3}})_\d{{8}}(?!\d)"),
    _Pattern("JAFFE", rf"{_START}(?P<subject>[A-Z]{{2}})[._-](?:{_CODES})\d[._-]\d+"),
    _Pattern("KDEF", rf"{_START}[AB](?P<subject>[FM]\d\d)(?:{_CODES})(?:S|HL|HR|FL|FR){_END}"),
    _Pattern("RaFD", rf"{_START}Rafd\d+_(?P<subject>\d+)_"),
    _Pattern(
        "a word with a number",
        r"(?<![a-z])(?P<subject>(?:subject|subj|person|participant|actor)[-_ ]?\d+)(?!\d)",
        is_code=False,
    ),
    _Pattern(
        "a letter with a number",
        r"(?:^|/)(?P<subject>[SP]\d{1,4})(?=[/_-])",
        is_code=False,
        fewest=2,
    ),
    _Pattern(
        "a word with a number",
        r"(?<![a-z])(?P<group>(?:sequence|seq|video|clip)[-_ ]?\d+)(?!\d)",
        is_code=False,
    ),
)


def with_subjects(parsed: ParsedLayout, source: Source) -> ParsedLayout:
    """Adds the columns subject and group to a layout, where its tables or file names tell them.

    A pattern counts only if it fits nearly all names; one that a person chose always does, and
    goes before all else. If that finds nothing, or the same in all images, it is a question.
    """
    if source.choices.subjects:
        try:
            index, notes = with_chosen_pattern(parsed.index, source.choices.subjects)
        except FerError as error:
            question = Question("subjects", str(error))
            return replace(parsed, questions=(*parsed.questions, question))
        return replace(parsed, index=index, notes=(*parsed.notes, *notes))
    index, notes = parsed.index, []
    from_table = [name for name in (SUBJECT, GROUP) if name in index]
    if not from_table and parsed.root == source.folder:
        table = read_groups(source)
        if table is not None and len(table):
            index = index.merge(table, on="path", how="left")
            from_table = [name for name in (SUBJECT, GROUP) if name in index]
            index[from_table] = index[from_table].fillna("")
    if from_table:
        index = _with_own_groups(index)
        notes.append(_note(index, from_table, "a table"))
    for pattern in _PATTERNS:
        found = _found(pattern, index, source.choices)
        if len(found.columns):
            index = index.assign(**{str(name): found[name] for name in found})
            index = _with_own_groups(index) if list(found) == [GROUP] else index
            notes.append(_note(index, list(found), f"file names ({pattern.title})"))
    return replace(parsed, index=index, notes=(*parsed.notes, *notes))


def with_chosen_pattern(index: pd.DataFrame, pattern: str) -> tuple[pd.DataFrame, list[str]]:
    """Returns an index with the subjects or sequences that a pattern finds, and notes on them.

    Raises:
        FerError: as `describe_pattern`.
    """
    paths = _below_common_folder(index["path"])
    found = read_pattern(pattern, paths)
    notes = describe_pattern(found, paths)
    index = index.assign(**{str(name): found[name] for name in found})
    return (_with_own_groups(index) if GROUP in found else index), notes


def _found(pattern: _Pattern, index: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    """Returns the columns that a pattern adds; none if it does not fit, or they are known."""
    paths = _below_common_folder(index["path"])
    none = index.iloc[:, :0]
    if not _fits(pattern.read(paths.iloc[:: 1 + len(paths) // _SAMPLE])):
        return none
    found = pattern.read(paths)
    wanted = [name for name in found if name not in index and choices.columns.get(str(name)) != ""]
    if not wanted or not _fits(found):
        return none
    found = found[wanted].fillna("").apply(lambda texts: texts.str.upper())
    if pattern.is_code:
        return found
    names = found.iloc[:, 0]
    is_class = bool((names == index["class_name"].str.upper()).any())
    is_repeated = len(names) >= _REPEATED * names.nunique()
    is_enough = names.nunique() >= pattern.fewest
    return found if is_repeated and is_enough and not is_class else none


def _with_own_groups(index: pd.DataFrame) -> pd.DataFrame:
    """Puts the subject before the group, since sequences may be numbered for each subject."""
    if SUBJECT not in index or GROUP not in index:
        return index
    are_known = (index[SUBJECT] != "") & (index[GROUP] != "")
    return index.assign(group=index[GROUP].mask(are_known, index[SUBJECT] + "/" + index[GROUP]))


def _fits(found: pd.DataFrame) -> bool:
    return bool(found.notna().all(axis=1).mean() >= _NEARLY_ALL)


def _below_common_folder(paths: pd.Series) -> pd.Series:
    """Removes the folders of this machine from absolute paths."""
    if not paths.str.startswith("/").any():
        return paths
    folders = [PurePosixPath(path).parts[:-1] for path in (paths.min(), paths.max())]
    depth = sum(1 for one, other in zip(*folders, strict=False) if one == other)
    return paths.map(lambda path: "/".join(PurePosixPath(path).parts[depth:]))


def _note(index: pd.DataFrame, columns: list[str], origin: str) -> str:
    columns = [name for name in GROUP_NOUNS if name in columns]  # subjects first
    known = [index.loc[index[name] != "", name] for name in columns]
    parts = [
        f"{counted(names.nunique(), *GROUP_NOUNS[column])}"
        for column, names in zip(columns, known, strict=True)
    ]
    example = next((f", such as {names.iloc[0]}" for names in known if len(names)), "")
    missing = int((index[columns] == "").all(axis=1).sum())
    rest = f"; {counted(missing, 'image')} without" if missing else ""
    return f"Recognized {' and '.join(parts)} by {origin}{example}{rest}."
