"""Describes every column of a batch's tables: the data dictionary."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fer_core.evaluation import DETECTED, DOUBTFUL, NO_FACE, WHOLE_PICTURE
from fer_core.markers import mean_columns

TEXT, INTEGER, NUMBER = "text", "integer", "number"  # what a column holds
FRONTAL_DEGREES = 30
_FRONTAL = f"the face within {FRONTAL_DEGREES} degrees of the direction to the camera"
_POSE = {  # errors as measured: see `vision.HeadPose`
    "yaw": "turn to the right of the image, about 4 degrees exact",
    "pitch": "turn upward, about 6 degrees exact",
    "roll": "tilt, clockwise, about 2 degrees exact",
}


@dataclass(frozen=True)
class Column:
    """Describes a column of a table, as the data dictionary does."""

    name: str
    meaning: str
    unit: str = ""
    kind: str = NUMBER


def describe_summary(
    class_names: Sequence[str], clip_columns: Sequence[str] = (), *, baseline: bool = False
) -> list[Column]:
    """Describes the columns of the summary: a row per file and person.

    Args:
        clip_columns: of the table of clips.
        baseline: a baseline is subtracted in some columns.
    """
    return [
        *_file(clip_columns),
        Column("person", "Name, or the number of the track if it has none", kind=TEXT),
        Column("tracks", "Numbers of the tracks that are this person", kind=TEXT),
        Column("is_main", "1 for the person with most frames of the file", "0 or 1", INTEGER),
        Column("frames", "Processed frames in which the person is seen", "frames", INTEGER),
        Column("seconds", "Time for which the person is seen; 0 in a photo", "s"),
        Column("first_seconds", "When the person is first seen", "s"),
        Column("last_seconds", "When the person is last seen", "s"),
        *(
            Column(f"share_{name}", f"Share of the frames with the answer {name}", "0 to 1")
            for name in class_names
        ),
        Column("not_sure_share", "Share of the frames with the answer not sure", "0 to 1"),
        Column("not_sure_seconds", "Time for which the answer is not sure", "s"),
        Column(
            "transitions",
            "Changes from one expression to another while the person is seen; frames with the "
            "answer not sure are passed over",
            "count",
            INTEGER,
        ),
        Column("frontal_share", f"Share of the frames with {_FRONTAL}", "0 to 1"),
        *(Column(f"mean_{name}", f"Mean {meaning}", "degrees") for name, meaning in _POSE.items()),
        Column("longest_spell_expression", "Expression of the longest spell", kind=TEXT),
        Column("longest_spell_seconds", "Longest time with the same expression throughout", "s"),
        Column("longest_spell_start", "When the longest spell begins", "s"),
        *_probabilities(class_names),
        *(_minus_baseline(class_names) if baseline else ()),
    ]


def _probabilities(class_names: Sequence[str]) -> list[Column]:
    means = [
        Column(f"mean_{name}", f"Mean probability of {name}, of the single frames", "0 to 1")
        for name in class_names
    ]
    peaks = [
        column
        for name in class_names
        for column in (
            Column(f"peak_{name}", f"Greatest smoothed probability of {name}", "0 to 1"),
            Column(f"peak_{name}_seconds", f"When {name} is most probable", "s"),
        )
    ]
    return means + peaks


def describe_markers(
    class_names: Sequence[str], clip_columns: Sequence[str] = (), *, baseline: bool = False
) -> list[Column]:
    """Describes the columns of the means around markers: three rows per marker and person."""
    return [
        *_file(clip_columns),
        Column("marker", "Label of the marker", kind=TEXT),
        Column("marker_seconds", "Time of the marker", "s"),
        Column("window_seconds", "How long before and after the marker frames count", "s"),
        Column("person", "As in the summary", kind=TEXT),
        Column("period", "before, after, or change: after minus before", kind=TEXT),
        Column("frames", "Frames of the person in that period", "frames", INTEGER),
        *(
            Column(column, f"Mean probability of {name}, of the single frames", "-1 to 1")
            for column, name in _means(class_names, minus_baseline=False)
        ),
        *(_minus_baseline(class_names) if baseline else ()),
    ]


def _minus_baseline(class_names: Sequence[str]) -> list[Column]:
    return [
        Column(
            "baseline",
            "What is subtracted in the columns that say so; empty if the person has no baseline",
            kind=TEXT,
        ),
        *(
            Column(column, f"Mean probability of {name}, minus that of the baseline", "-1 to 1")
            for column, name in _means(class_names, minus_baseline=True)
        ),
    ]


def _means(class_names: Sequence[str], *, minus_baseline: bool) -> Iterator[tuple[str, str]]:
    columns = mean_columns(class_names, minus_baseline=minus_baseline)
    return zip(columns, class_names, strict=True)


def describe_files(clip_columns: Sequence[str] = ()) -> list[Column]:
    """Describes the columns of the table of files."""
    return [
        *_file(clip_columns),
        Column("problem", "Why the file has no results; empty if it has", kind=TEXT),
        Column("notes", "What else is to be known of it", kind=TEXT),
        Column("start_seconds", "Where the clip should begin", "s"),
        Column("end_seconds", "Where the clip should end; empty for the end of the file", "s"),
        Column("frames", "Processed frames", "frames", INTEGER),
        Column("seconds", "Time of the last frame read", "s"),
        Column("tracks", "Faces that were followed, before any were merged", "count", INTEGER),
        Column("width", "Width, upright", "pixels", INTEGER),
        Column("height", "Height, upright", "pixels", INTEGER),
        Column("damaged", "Parts of the file that could not be decoded", "count", INTEGER),
    ]


def describe_frames(class_names: Sequence[str], clip_columns: Sequence[str] = ()) -> list[Column]:
    """Describes the columns of the table of frames: a row per face, or frame without one."""
    box = {
        "x": "Left edge of the box",
        "y": "Upper edge of the box",
        "width": "Width of the box",
        "height": "Height of the box",
    }
    return [
        *_file(clip_columns),
        Column("person", "As in the summary; empty in a frame without a face", kind=TEXT),
        Column("seconds", "Time since the beginning of the video; 0 in a photo", "s"),
        Column("frame", "Number of the frame in the video, from 0", "count", INTEGER),
        Column("face", "Track: the same for a face followed through a file; from 1", kind=INTEGER),
        *(Column(name, meaning, "pixels of the file", INTEGER) for name, meaning in box.items()),
        Column("confidence", "Of the detector that the box holds a face", "0 to 1"),
        Column(
            "detection",
            f'"{DETECTED}"; "{DOUBTFUL}" where the detector is less certain of the face; '
            f'"{WHOLE_PICTURE}" where the photo was taken as the face',
            kind=TEXT,
        ),
        Column(
            "blurred",
            "1 for a face that is blurrier than 99 % of the training images",
            "0 or 1",
            INTEGER,
        ),
        *(
            Column(f"p_{name}", f"Probability of {name} in this frame", "0 to 1")
            for name in class_names
        ),
        *(
            Column(f"smoothed_{name}", f"Probability of {name}, smoothed over time", "0 to 1")
            for name in class_names
        ),
        *(Column(name, f"The head's {text}", "degrees") for name, text in _POSE.items()),
        Column("expression", "The most probable one, of the smoothed probabilities", kind=TEXT),
        Column(
            "answer",
            'The expression; "not sure" below the threshold, and for doubtful or blurred faces '
            f'unless the threshold is 0; "{NO_FACE}" without a face',
            kind=TEXT,
        ),
    ]


def reserved_columns(class_names: Sequence[str]) -> set[str]:
    """Returns the names that no column of a table of clips may have."""
    every = (
        describe_summary(class_names, baseline=True),
        describe_markers(class_names),
        describe_files(),
        describe_frames(class_names),
    )
    return {column.name for columns in every for column in columns}


def _file(clip_columns: Sequence[str]) -> list[Column]:
    return [
        Column("file", "Path of the file in the folder, or in the upload", kind=TEXT),
        *(Column(name, "From the table of clips", kind=TEXT) for name in clip_columns),
    ]
