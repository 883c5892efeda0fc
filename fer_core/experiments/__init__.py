"""Experiments: groups of ordinary runs that belong together, such as seeds, folds and sweeps."""

from fer_core.experiments.estimate import Estimate, estimate
from fer_core.experiments.experiment import (
    Experiment,
    Trial,
    list_experiments,
    open_experiment,
    unreadable_experiments,
)
from fer_core.experiments.fold_results import (
    FOLD,
    FoldComparison,
    FoldResult,
    FoldResults,
    compare_folds,
    comparison_record,
    fold_results,
    results_record,
)
from fer_core.experiments.folds import CrossValidation, plan_cross_validation
from fer_core.experiments.plan import (
    FOLDS,
    GRID,
    MAX_TITLE_CHARS,
    RANDOM,
    SEEDS,
    TPE,
    Plan,
)
from fer_core.experiments.pruning import Pruning
from fer_core.experiments.space import Dimension, Settings, grid, random_settings
from fer_core.experiments.submit import (
    delete_experiment,
    resume_experiment,
    stop_experiment,
    submit_experiment,
)
from fer_core.experiments.summary import (
    TrialSummary,
    best_trial,
    open_test,
    optimism,
    summarize,
    test_choice,
)
from fer_core.experiments.sweep import (
    KINDS,
    VARIABLE,
    is_number,
    is_whole,
    make_plan,
    parse_dimension,
)
from fer_core.experiments.tpe import problem as tpe_problem

__all__ = [
    "KINDS",
    "VARIABLE",
    "TrialSummary",
    "best_trial",
    "is_number",
    "is_whole",
    "make_plan",
    "open_test",
    "optimism",
    "parse_dimension",
    "summarize",
    "test_choice",
    "CrossValidation",
    "FOLD",
    "FOLDS",
    "FoldComparison",
    "FoldResult",
    "FoldResults",
    "GRID",
    "MAX_TITLE_CHARS",
    "RANDOM",
    "SEEDS",
    "TPE",
    "Dimension",
    "Estimate",
    "Experiment",
    "Plan",
    "Pruning",
    "Settings",
    "Trial",
    "compare_folds",
    "comparison_record",
    "delete_experiment",
    "estimate",
    "fold_results",
    "grid",
    "list_experiments",
    "open_experiment",
    "plan_cross_validation",
    "random_settings",
    "results_record",
    "resume_experiment",
    "stop_experiment",
    "submit_experiment",
    "tpe_problem",
    "unreadable_experiments",
]
