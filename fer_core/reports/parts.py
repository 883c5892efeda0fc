"""The parts of a report, as values: sections of paragraphs, lists, tables, charts and images.

Their texts are plain; the template escapes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

_FEW_ROWS = 15  # that are printed on one page


@dataclass(frozen=True)
class Paragraph:
    """Holds a paragraph."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True)
class Points:
    """Holds a list of sentences."""

    sentences: Sequence[str]
    kind: str = "points"


@dataclass(frozen=True)
class Commands:
    """Holds commands, one a line."""

    lines: Sequence[str]
    kind: str = "commands"


@dataclass(frozen=True)
class Table:
    """Holds a table whose first column names the rows."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: bool = False  # whether cells hold words, not numbers
    shades: Sequence[Sequence[float]] | None = None  # of the cells after the first, in [0, 1]
    kind: str = "table"

    @property
    def size(self) -> str:
        """Returns the class of its length, by which it is laid out when printed."""
        if len(self.rows) <= _FEW_ROWS:
            return "few-rows"
        return "many-rows" if self.texts else "some-rows"


@dataclass(frozen=True)
class Chart:
    """Holds a chart, which its table tells to those who do not see it."""

    svg: Markup
    table: Table  # the numbers, with the chart's caption
    is_beside_table: bool = False  # whether the section shows the numbers anyway
    kind: str = "chart"


@dataclass(frozen=True)
class Charts:
    """Holds charts that stand side by side where there is room."""

    charts: Sequence[Chart]
    kind: str = "charts"


@dataclass(frozen=True)
class Face:
    """Holds an image of a face with what is said of it."""

    source: str  # a data URL
    caption: str


@dataclass(frozen=True)
class Faces:
    """Holds a gallery."""

    faces: Sequence[Face]
    kind: str = "faces"


Part = Paragraph | Points | Commands | Table | Charts | Faces


@dataclass(frozen=True)
class Section:
    """Holds a section; one without parts is left out."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Report:
    """Holds a whole report."""

    title: str
    subtitle: str
    made: str  # by what and when
    results: Sequence[tuple[str, str, str]]  # label, number, explanation
    sections: Sequence[Section] = field(default_factory=tuple)
