"""Declares each kind of task: the function that does it, its place, its lane, its arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fer_core.storage import paths
from fer_core.tasks import arguments
from fer_core.tasks.arguments import Argument

# Names of kinds, as in request.json.
TRAIN = "train"
OPEN_TEST = "open_test"
EVALUATE = "evaluate"
MAP = "map"
IMPORT = "import"
DRAW = "draw"
EXAMINE = "examine"
VIDEO = "video"

# What an upload is called in its task's directory: a request names no other file there.
VIDEO_STEM, VIDEO_SUFFIXES = "video", (".mp4", ".mov", ".webm", ".avi", ".m4v", ".mkv")
IMPORT_SUFFIXES = (".zip", ".csv")

MAX_EPOCHS = 10_000
MAX_FACES = 100_000  # to draw
MAX_FRAME_STEP = 100
_MAX_SEED = 2**63 - 1
_SPLIT = arguments.one_of("train", "val", "test", "all")
_VIDEO_SETTINGS = {
    "every": arguments.integer(1, MAX_FRAME_STEP, required=False),
    "time_constant": arguments.number(0, 60, required=False),
    "smallest_face": arguments.number(1, 100_000, required=False, optional=True),
    "confidence": arguments.number(0, 1, required=False, optional=True),
    "threshold": arguments.number(0, 1, required=False),
    "averaged": arguments.flag(required=False),
}


@dataclass(frozen=True)
class Kind:
    """A kind of task."""

    function: str  # "module:name" of a function that takes the Task
    lane: str  # tasks of one lane run one after another, different lanes in parallel
    arguments: Mapping[str, Argument]  # that a request may or must have
    root: Callable[[], Path] = paths.tasks_root  # the folder of all tasks of this kind
    low_latency: bool = False  # predicts one face or frame at a time; see `subprocess_env`


KINDS = {
    # Training may take hours: opening a dataset must not have to wait for it.
    TRAIN: Kind(
        "fer_core.training.trainer:run_training",
        "training",
        {
            "epochs": arguments.integer(1, MAX_EPOCHS, required=False),
            "since": arguments.integer(0, MAX_EPOCHS, required=False),
            "resumed_after": arguments.integer(0, MAX_EPOCHS, required=False),
        },
        root=paths.runs_root,
    ),
    OPEN_TEST: Kind(
        "fer_core.training.test_split:run_open_test", "light", {"run": arguments.name()}
    ),
    EVALUATE: Kind(
        "fer_core.inference.cross_dataset_task:run_evaluation",
        "light",
        {
            "run": arguments.name(),
            "dataset": arguments.name(),
            "split": _SPLIT,
            "views": arguments.flag(required=False),
        },
    ),
    MAP: Kind(
        "fer_core.inference.feature_map_task:run_map",
        "light",
        {
            "run": arguments.name(),
            "dataset": arguments.name(),
            "split": _SPLIT,
            "method": arguments.name(),
        },
    ),
    IMPORT: Kind(
        "fer_core.datasets.importing.import_task:run_import",
        "light",
        {
            "name": arguments.name(),
            "source": arguments.absolute_path(required=False),
            "upload": arguments.file_name(None, *IMPORT_SUFFIXES, required=False),
            "split_seed": arguments.integer(0, _MAX_SEED, required=False),
            "validation_fraction": arguments.number(0, 1, required=False),
            "test_fraction": arguments.number(0, 1, required=False),
        },
    ),
    DRAW: Kind(
        "fer_core.datasets.synthetic.generate:run_draw",
        "light",
        {
            "name": arguments.name(),
            "count": arguments.integer(1, MAX_FACES, required=False),
            "seed": arguments.integer(0, _MAX_SEED, required=False),
        },
    ),
    # Takes minutes for 400,000 images.
    EXAMINE: Kind(
        "fer_core.datasets.quality.scan_task:run_scan",
        "examining",
        {
            "dataset": arguments.name(),
            "faces": arguments.integer(0, 10**9, required=False),
        },
    ),
    # Takes about as long as the video plays.
    VIDEO: Kind(
        "fer_core.inference.video_task:run_video",
        "video",
        {
            "run": arguments.name(),
            "network": arguments.text(required=False),
            "name": arguments.text(required=False),
            "file": arguments.file_name(VIDEO_STEM, *VIDEO_SUFFIXES),
            "settings": arguments.record(_VIDEO_SETTINGS, required=False),
        },
        low_latency=True,
    ),
}
