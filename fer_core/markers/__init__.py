"""Marks times of videos: events, ranges to exclude and baselines, and means around events."""

from fer_core.markers.annotations import (
    MAX_LABEL,
    Annotations,
    Marker,
    NeutralPhoto,
    TimeRange,
    read_annotations,
    save_annotations,
)
from fer_core.markers.means import (
    AFTER,
    BEFORE,
    CHANGE,
    baseline_means,
    is_in_ranges,
    mean_columns,
    means_around,
    without_ranges,
)
from fer_core.markers.table import MarkedTimes, parse_times, read_marker_table
from fer_core.markers.times import MAX_SECONDS, format_seconds, parse_range, parse_seconds

__all__ = [
    "AFTER",
    "Annotations",
    "BEFORE",
    "CHANGE",
    "MAX_LABEL",
    "MAX_SECONDS",
    "MarkedTimes",
    "Marker",
    "NeutralPhoto",
    "TimeRange",
    "baseline_means",
    "format_seconds",
    "is_in_ranges",
    "mean_columns",
    "means_around",
    "parse_range",
    "parse_seconds",
    "parse_times",
    "read_annotations",
    "read_marker_table",
    "save_annotations",
    "without_ranges",
]
