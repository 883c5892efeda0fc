"""Raters' labels of images: their votes, samples to label, and how well the raters agree."""

from fer_core.datasets.raters.agreement import MISSING, Interval
from fer_core.datasets.raters.answers import answers_for
from fer_core.datasets.raters.exchange import (
    COLUMNS,
    MAX_IMPORT_BYTES,
    export_votes,
    import_votes,
)
from fer_core.datasets.raters.ratings import (
    Agreement,
    Ratings,
    agreement,
    ferplus_ratings,
    labels_against_majority,
    pairs_of_raters,
    raters_against_majority,
    read_ratings,
)
from fer_core.datasets.raters.samples import (
    MOST_IMAGES,
    Sample,
    draw_sample,
    read_sample,
    sample_file,
    sample_names,
)
from fer_core.datasets.raters.votes import (
    RaterVotes,
    Vote,
    add_votes,
    now,
    rater_name,
    rater_names,
    read_rater,
    votes_file,
)
from fer_core.datasets.vote_table import CANNOT_TELL, NO_FACE

__all__ = [
    "CANNOT_TELL",
    "COLUMNS",
    "MAX_IMPORT_BYTES",
    "MISSING",
    "MOST_IMAGES",
    "NO_FACE",
    "Agreement",
    "Interval",
    "RaterVotes",
    "Ratings",
    "Sample",
    "Vote",
    "add_votes",
    "agreement",
    "answers_for",
    "draw_sample",
    "export_votes",
    "ferplus_ratings",
    "import_votes",
    "labels_against_majority",
    "now",
    "pairs_of_raters",
    "rater_name",
    "rater_names",
    "raters_against_majority",
    "read_rater",
    "read_ratings",
    "read_sample",
    "sample_file",
    "sample_names",
    "votes_file",
]
