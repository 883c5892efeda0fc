"""Training runs: their settings, the directory of each, and what it holds."""

from fer_core.runs import records, submit, tensorboard
from fer_core.runs.config import (
    LARGEST_EPOCHS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    VGG19_BLOCKS,
    Augmentation,
    TrainConfig,
    weights_file,
)
from fer_core.runs.listing import count_runs, list_pretrained, list_runs, open_run, unreadable_runs
from fer_core.runs.recipes import RECIPES, settings_here
from fer_core.runs.records import (
    COMPLETED,
    EARLY_STOPPED,
    HISTORY_COLUMNS,
    KEY,
    LEAKED,
    STEPS_COLUMNS,
    STOPPED,
    Calibration,
    Notes,
    Result,
    read_predictions,
)
from fer_core.runs.run import VIEWS, Run
from fer_core.runs.run_data import (
    Rows,
    RunData,
    corrections_of,
    dataset_for,
    dataset_of,
    open_data_of,
    used_classes,
)
from fer_core.runs.setting_labels import SETTINGS
from fer_core.runs.submit import (
    check_finished,
    continue_run,
    open_test_task,
    resume_run,
    second_look,
    submit_run,
)
from fer_core.runs.tensorboard import EventFiles, open_event_files, problem
from fer_core.runs.writers import image_stats_file, save_image_stats, save_predictions, save_result

__all__ = [
    "Augmentation",
    "COMPLETED",
    "Calibration",
    "EARLY_STOPPED",
    "EventFiles",
    "HISTORY_COLUMNS",
    "KEY",
    "LARGEST_EPOCHS",
    "LEAKED",
    "Notes",
    "OPTIMIZERS",
    "PRECISIONS",
    "RECIPES",
    "Result",
    "Rows",
    "Run",
    "RunData",
    "SCHEDULES",
    "SETTINGS",
    "STEPS_COLUMNS",
    "STOPPED",
    "TrainConfig",
    "VGG19_BLOCKS",
    "VIEWS",
    "check_finished",
    "continue_run",
    "dataset_for",
    "dataset_of",
    "list_pretrained",
    "list_runs",
    "open_data_of",
    "open_event_files",
    "open_run",
    "open_test_task",
    "corrections_of",
    "problem",
    "read_predictions",
    "records",
    "resume_run",
    "save_predictions",
    "save_result",
    "save_image_stats",
    "second_look",
    "settings_here",
    "submit",
    "submit_run",
    "image_stats_file",
    "count_runs",
    "tensorboard",
    "unreadable_runs",
    "used_classes",
    "weights_file",
]
