"""Finds which column of a table is which: by its name, by what is in it, or as chosen."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from fer_core.datasets.layouts.choices import Choices, Question
from fer_core.datasets.layouts.class_names import is_expression
from fer_core.datasets.layouts.csv_reader import (
    PIXELS,
    Table,
    is_image_name,
    plain_name,
    shown_header,
)
from fer_core.datasets.layouts.numberings import parse_number
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.expressions import is_known
from fer_core.text import some

# Names as `plain_name` writes them; of several, the first counts.
_IMAGES = (
    *("path", "imagepath", "imgpath", "filepath", "pth", "subdirectoryfilepath", "image"),
    *("img", "file", "filename", "imagename", "imgname", "imagefile", "imagefilename", "name"),
    *("imageid", "imgid", "images", "photo", "picture", "fname"),
)
_LABELS = (
    *("expression", "emotion", "label", "labels", "class", "category", "target"),
    *("expressions", "emotions", "facialexpression", "facialemotion", "expressionlabel"),
    *("emotionlabel", "labelname", "classname", "emotionname", "emo", "exp", "expr", "classid"),
)
_SPLITS = ("usage", "split", "subset", "set", "partition", "phase", "datasplit", "fold")
_SUBJECTS = (
    *("subject", "subjectid", "subjectname", "subj", "person", "personid", "participant"),
    *("participantid", "identity", "identityid", "actor", "actorid", "speaker", "speakerid"),
)
_GROUPS = (
    *("sequence", "sequenceid", "sequencename", "seq", "seqid", "video", "videoid", "videoname"),
    *("clip", "clipid", "movie", "movieid"),
)
_FLAGS = ("", "0", "1", "true", "false", "yes", "no")  # "video: 1" names no video
_FLAG_SCORES = {"": 0, "0": 0, "1": 1, "true": 1, "false": 0, "yes": 1, "no": 0}
_PIXEL_CELLS = ("pixels", "pixel", "pixelvalues", "imagepixels")
_MOST_SEARCHED = 200  # columns of any name
_FEWEST_PIXELS = 256  # columns, of one pixel each
# Corners, and corner with size.
_EDGES = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
    ("faceboxleft", "faceboxtop", "faceboxright", "faceboxbottom"),
    ("faceleft", "facetop", "faceright", "facebottom"),
)
_SIZES = (
    ("facex", "facey", "facewidth", "faceheight"),
    ("x", "y", "width", "height"),
    ("x", "y", "w", "h"),
    ("left", "top", "width", "height"),
    ("bboxx", "bboxy", "bboxwidth", "bboxheight"),
    ("bboxx", "bboxy", "bboxw", "bboxh"),
)
_NO_LABELS = ("unknown", "nf", "none", "uncertain", "noface", "notface", "unlabeled")
MAX_WORD = 500  # characters of a class or split to keep; none that is longer is imported
_SHOWN = 2_000  # characters of a cell that tell what is in its column
_MAX_VOTES = 1_000_000
_MOSTLY = 0.9  # of the rows


@dataclass(frozen=True)
class Columns:
    """Numbers the columns of a table; -1 stands for those it does not have."""

    image: int = -1
    label: int = -1
    split: int = -1
    subject: int = -1
    group: int = -1  # a sequence or video
    pixels: tuple[int, ...] = ()  # one cell of all pixels, or a cell for each
    box: tuple[int, ...] = ()  # of the face
    box_has_size: bool = False  # the last two of `box` are width and height, not an edge
    scores: dict[str, int] = field(default_factory=dict)  # class → its column of votes or 0 and 1
    questions: tuple[Question, ...] = ()

    def roles(self, table: Table) -> dict[str, str]:
        """Returns the names of the columns that can be chosen, by what they hold."""
        places = {"image": self.image, "label": self.label, "split": self.split, **self.groups}
        places["pixels"] = self.pixels[0] if len(self.pixels) == 1 else -1
        return {role: table.header[place] for role, place in places.items() if place >= 0}

    @property
    def groups(self) -> dict[str, int]:
        """Returns the columns that tell which images belong together, by their name here."""
        columns = {"subject": self.subject, "group": self.group}
        return {name: number for name, number in columns.items() if number >= 0}

    def unused(self, table: Table) -> list[str]:
        """Returns the names of the columns that nothing is read from."""
        used = {self.image, self.label, self.split, self.subject, self.group}
        used |= {*self.pixels, *self.box, *self.scores.values()}
        names = table.header if table.has_header else ()
        return [name for i, name in enumerate(names) if i not in used and plain_name(name)]

    @property
    def has_labels(self) -> bool:
        """Returns whether the table tells the expressions."""
        return self.label >= 0 or bool(self.scores)


def find_columns(table: Table, choices: Choices) -> Columns:
    """Finds the columns of a table.

    Raises:
        FerError: a chosen column is not there.
    """
    rows = table.sample()
    chosen = {role: _chosen(table, name) for role, name in choices.columns.items()}
    pixels = _pixel_columns(table, rows)
    if "pixels" in chosen:
        pixels = (chosen["pixels"],) if chosen["pixels"] >= 0 else ()
    image = chosen.get("image", -1 if pixels else _image_column(table, rows))
    split = chosen.get("split", _split_column(table, rows))
    box, has_size = _box(table)
    subject, group = (
        chosen.get(role, _naming(table, rows, names, image))
        for role, names in (("subject", _SUBJECTS), ("group", _GROUPS))
    )
    taken = {image, split, subject, group, *pixels, *box} - {-1}
    scores = _scores(table, rows, taken)
    label, questions = chosen.get("label", -1), []
    if label < 0:
        found = _label_columns(table, rows, taken | set(scores.values()))
        label = found[0] if found else -1
        if len(found) > 1:
            questions.append(_which_label(table, found))
    if label >= 0 and not _is_vote_table(scores):
        scores = {}
    return Columns(
        image, label, split, subject, group, pixels, box, has_size, scores, tuple(questions)
    )


def whole_votes(cells: pd.Series) -> pd.Series:
    """Returns the votes in cells as whole numbers; 0 for what is none."""
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    usable = numbers.between(0, _MAX_VOTES)  # neither NaN nor infinite
    return numbers.where(usable, 0).round().astype("Int64")


def no_labels_question(table: Table, what: str) -> Question:
    """Asks which columns hold the images and the expressions."""
    return Question(
        "columns",
        f"{table.path.name} must have a column of {what} and one of expressions. Its columns are "
        f"{shown_header(table)}. Choose which column is which.",
        tuple(table.header[:50]),
        "--columns image=NAME,label=NAME",
    )


def _chosen(table: Table, name: str) -> int:
    """Returns the number of a column by its name, or by its number from 1; of no name, -1."""
    if not name:
        return -1
    number = table.column([plain_name(name)])
    if number is not None:
        return number
    if name.isdecimal() and 1 <= int(name) <= len(table.header):
        return int(name) - 1
    raise FerError(
        f"A chosen column must be one of {table.path.name}: {shown_header(table)}. "
        f"Received: {name!r}"
    )


def _cells(rows: Sequence[Sequence[str]], column: int) -> list[str]:
    return [text[:_SHOWN] for row in rows if (text := row[column].strip())]


def _share(texts: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(bool(test(text)) for text in texts) / len(texts) if texts else 0.0


def _pixel_columns(table: Table, rows: list[list[str]]) -> tuple[int, ...]:
    """Returns the column whose cells are all pixels of an image, or the columns of a pixel each."""
    named = table.column(_PIXEL_CELLS)
    if named is not None:
        return (named,)
    for column in range(min(len(table.header), 50)):
        if _share(_cells(rows, column), PIXELS.match) > _MOSTLY:
            return (column,)
    if len(table.header) <= _FEWEST_PIXELS:
        return ()
    if table.has_header:
        return tuple(i for i, name in enumerate(table.header) if _is_pixel_name(name))
    # Without a header: the label stands before or behind the pixels.
    texts = [i for i in range(len(table.header)) if not _are_numbers(_cells(rows, i))]
    label = texts[:1] or [min((0, len(table.header) - 1), key=lambda i: len(set(_cells(rows, i))))]
    return tuple(i for i in range(len(table.header)) if i not in {*texts, *label})


def _is_pixel_name(name: str) -> bool:
    plain = plain_name(name)
    return any(plain.removeprefix(word).isdecimal() for word in ("pixel", "px", "p", ""))


def _are_numbers(texts: Sequence[str]) -> bool:
    return all(text.replace(".", "", 1).isdecimal() for text in texts)


def _image_column(table: Table, rows: list[list[str]]) -> int:
    shares = {i: _share(_cells(rows, i), is_image_name) for i in range(len(table.header))}
    plain = [plain_name(name) for name in table.header]
    named = [plain.index(name) for name in _IMAGES if name in plain]
    likely = [i for i in named if shares[i] > _MOSTLY]
    by_content = [i for i, share in shares.items() if share > _MOSTLY]
    return next(iter([*likely, *named, *by_content]), -1)


def _split_column(table: Table, rows: list[list[str]]) -> int:
    """Returns the column that names splits, of any name; else one that is named like it."""
    named = table.column(_SPLITS)
    columns = range(min(len(table.header), _MOST_SEARCHED))
    found = [i for i in columns if _share(_cells(rows, i), parse_split) == 1]
    if named is None or named in found or not found:
        return found[0] if named is None and found else -1 if named is None else named
    return found[0]


def _naming(table: Table, rows: list[list[str]], names: Sequence[str], image: int) -> int:
    """Returns the column of one of these names if it names something in nearly all rows."""
    column = table.column(names)
    if column is None or column == image:
        return -1
    cells = [row[column].strip().lower() for row in rows]
    return column if _share(cells, bool) > _MOSTLY and not set(cells) <= set(_FLAGS) else -1


def _label_columns(table: Table, rows: list[list[str]], taken: set[int]) -> list[int]:
    """Returns the column of labels, or several if it is not plain which one it is."""
    plain = [plain_name(name) for name in table.header]
    free = [i for i in range(min(len(plain), _MOST_SEARCHED)) if i not in taken]
    named = [plain.index(name) for name in _LABELS if name in plain and plain.index(name) in free]
    words = [i for i in free if _share(_cells(rows, i), is_expression) > 0.5]
    both = [i for i in named if i in words]
    if both or named:  # words tell more than numbers
        return _distinct(rows, both) or named[:1]
    if words or table.has_header:
        return _distinct(rows, words)
    numbers = [i for i in free if _are_class_numbers(_cells(rows, i))]
    # In lists such as RAF-DB's, the label follows the image.
    return numbers[:1] or (free[:1] if table.delimiter == " " else [])


def _distinct(rows: list[list[str]], columns: list[int]) -> list[int]:
    """Returns the columns without those that repeat an earlier one."""
    contents = {i: [row[i].strip().lower() for row in rows] for i in columns}
    return [
        column
        for place, column in enumerate(columns)
        if not any(contents[column] == contents[earlier] for earlier in columns[:place])
    ]


def _are_class_numbers(texts: Sequence[str]) -> bool:
    return bool(texts) and all(parse_number(text) is not None for text in texts)


def _box(table: Table) -> tuple[tuple[int, ...], bool]:
    plain = [plain_name(name) for name in table.header]
    for names, has_size in [(each, False) for each in _EDGES] + [(each, True) for each in _SIZES]:
        if all(name in plain for name in names):
            return tuple(map(plain.index, names)), has_size
    return (), False


def score_of(text: str) -> float:
    """Returns a score, a vote or a flag such as "True" as a number; 0 for an empty cell.

    Raises:
        ValueError: it is none of these.
    """
    word = text.strip().lower()
    return float(_FLAG_SCORES.get(word, word))


def _scores(table: Table, rows: list[list[str]], taken: set[int]) -> dict[str, int]:
    """Returns the columns of one expression each, which hold votes, or 0 and 1.

    Named "happy", "emotion_happy" or "is_happy"; or by class numbers, if each row has one 1.
    """
    free = [i for i in range(min(len(table.header), _MOST_SEARCHED)) if i not in taken]
    named: dict[str, int] = {}
    for i in free:
        if (name := _score_name(table.header[i])) and _are_scores(_cells(rows, i)):
            named.setdefault(name, i)
    if sum(map(is_known, named)) >= 2:
        return named
    numbered = {table.header[i]: i for i in free if parse_number(table.header[i]) is not None}
    if len(numbered) < 2 or not all(_are_scores(_cells(rows, i)) for i in numbered.values()):
        return {}
    marks = [sorted(score_of(row[i]) for i in numbered.values()) for row in rows]
    return numbered if all(row[-1] == 1 and not any(row[:-1]) for row in marks) else {}


def _score_name(header: str) -> str:
    """Returns the only expression that a header names, or the word for none; else ""."""
    if is_known(header) or plain_name(header) in _NO_LABELS:
        return header.strip()
    words = [word for word in re.split(r"[\W_]+", header) if is_known(word)]
    return words[0] if len(words) == 1 else ""


def _are_scores(texts: Sequence[str]) -> bool:
    return all(text.lower() in _FLAG_SCORES for text in texts) or _are_numbers(texts)


def _is_vote_table(scores: dict[str, int]) -> bool:
    return {"nf", "unknown"} <= {plain_name(name) for name in scores}


def _which_label(table: Table, found: list[int]) -> Question:
    names = [table.header[i] for i in found]
    return Question(
        "columns",
        f"Several columns of {table.path.name} hold expressions: {some(names, 10)}. Choose which "
        "one is the label.",
        tuple(names),
        f"--columns label={names[0]}",
    )
