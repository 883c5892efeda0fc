"""Combines several runs into one: the weighted mean of their calibrated probabilities."""

from fer_core.ensembles.ensemble import (
    EQUAL,
    FITTED,
    check_members,
    ensemble_of,
    ensembles_in_progress,
    submit_ensemble,
)

__all__ = [
    "EQUAL",
    "FITTED",
    "check_members",
    "ensemble_of",
    "ensembles_in_progress",
    "submit_ensemble",
]
