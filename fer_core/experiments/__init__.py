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
from fer_core.experiments.importance import LEAST_TRIALS, Importance, importance
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
from fer_core.experiments.rate_finder import (
    HIGHEST,
    LOWEST,
    STEPS,
    RateTest,
    newest_rate_test,
    read_rate_test,
    run_folder,
    save_rate_test,
    submit_rate_test,
)
from fer_core.experiments.space import Dimension, Settings, grid, random_settings
from fer_core.experiments.submit import (
    delete_experiment,
    resume_experiment,
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
    "CrossValidation",
    "Dimension",
    "Estimate",
    "Experiment",
    "FOLD",
    "FOLDS",
    "FoldComparison",
    "FoldResult",
    "FoldResults",
    "GRID",
    "Importance",
    "HIGHEST",
    "KINDS",
    "LOWEST",
    "RateTest",
    "STEPS",
    "newest_rate_test",
    "read_rate_test",
    "run_folder",
    "save_rate_test",
    "submit_rate_test",
    "LEAST_TRIALS",
    "MAX_TITLE_CHARS",
    "Plan",
    "Pruning",
    "RANDOM",
    "SEEDS",
    "Settings",
    "TPE",
    "Trial",
    "TrialSummary",
    "VARIABLE",
    "best_trial",
    "compare_folds",
    "comparison_record",
    "delete_experiment",
    "estimate",
    "fold_results",
    "grid",
    "importance",
    "is_number",
    "is_whole",
    "list_experiments",
    "make_plan",
    "open_experiment",
    "open_test",
    "optimism",
    "parse_dimension",
    "plan_cross_validation",
    "random_settings",
    "results_record",
    "resume_experiment",
    "submit_experiment",
    "summarize",
    "test_choice",
    "tpe_problem",
    "unreadable_experiments",
]
