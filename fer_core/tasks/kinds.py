"""Maps each kind of task to the function that does it and the lane in which it waits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of task."""

    function: str  # "module:name" of a function that takes the Task
    lane: str  # tasks of one lane run one after another, different lanes in parallel
    low_latency: bool = False  # predicts one face or frame at a time; see `subprocess_env`


KINDS = {
    # Training may take hours: opening a dataset must not have to wait for it.
    "train": Kind("fer_core.training.trainer:run_training", "training"),
    "open_test": Kind("fer_core.training.test_split:run_open_test", "light"),
    "evaluate": Kind("fer_core.inference.cross_dataset_task:run_evaluation", "light"),
    "map": Kind("fer_core.inference.feature_map_task:run_map", "light"),
    "import": Kind("fer_core.datasets.importing.import_task:run_import", "light"),
    "draw": Kind("fer_core.datasets.synthetic.generate:run_draw", "light"),
    # Takes minutes for 400,000 images.
    "examine": Kind("fer_core.datasets.quality.scan_task:run_scan", "examining"),
    # Takes about as long as the video plays.
    "video": Kind("fer_core.inference.video_task:run_video", "video", low_latency=True),
}
