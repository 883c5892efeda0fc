"""The kinds of tasks: which function does each, and in which lane it waits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of task: the function that does it, and the lane in which it waits."""

    function: str  # "module:name" of a function that takes the Task
    lane: str  # tasks of one lane are done one after another, lanes side by side
    low_latency: bool = False  # whether it computes a face or a frame at a time


# Training may fill hours; opening a data set meanwhile must not wait for it.
KINDS = {
    "train": Kind("fer_core.training.trainer:run_training", "training"),
    "open_test": Kind("fer_core.training.test_split:run_open_test", "light"),
    "evaluate": Kind("fer_core.inference.cross_dataset_task:run_evaluation", "light"),
    "map": Kind("fer_core.inference.feature_map_task:run_map", "light"),
    "import": Kind("fer_core.datasets.importing.import_task:run_import", "light"),
    "draw": Kind("fer_core.datasets.synthetic.generate:run_draw", "light"),
    # Minutes at 400,000 images.
    "examine": Kind("fer_core.datasets.quality.scan_task:run_scan", "examining"),
    # About as long as the film takes.
    "video": Kind("fer_core.inference.video_task:run_video", "video", low_latency=True),
}
