"""Plotly figures: functions that take data and return a `go.Figure`, without Streamlit."""

from fer_core.figures import comparison
from fer_core.figures.bars import class_balance_figure, group_sizes_figure, probability_figure
from fer_core.figures.calibration import coverage_figure, reliability_figure
from fer_core.figures.comparison import compare_figure, interval_figure
from fer_core.figures.confusion import confusion_figure
from fer_core.figures.experiments import Axis, importance_figure, parallel_figure, rate_figure
from fer_core.figures.feature_map import map_figure
from fer_core.figures.groups import condition_figure, participant_figure
from fer_core.figures.history import HISTORY_HEIGHT, history_figure
from fer_core.figures.slices import MAX_DRAWN_SLICES, slice_figure
from fer_core.figures.style import METRICS
from fer_core.figures.timeline import (
    RECENT_HEIGHT,
    TIMELINE_ORIGIN,
    recent_figure,
    timeline_figure,
    timeline_times,
)
from fer_core.figures.warm_up import warm_up

__all__ = [
    "Axis",
    "HISTORY_HEIGHT",
    "MAX_DRAWN_SLICES",
    "METRICS",
    "RECENT_HEIGHT",
    "TIMELINE_ORIGIN",
    "class_balance_figure",
    "compare_figure",
    "comparison",
    "condition_figure",
    "confusion_figure",
    "coverage_figure",
    "group_sizes_figure",
    "history_figure",
    "importance_figure",
    "interval_figure",
    "map_figure",
    "parallel_figure",
    "participant_figure",
    "probability_figure",
    "rate_figure",
    "recent_figure",
    "reliability_figure",
    "slice_figure",
    "timeline_figure",
    "timeline_times",
    "warm_up",
]
