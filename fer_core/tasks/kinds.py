"""Declares each kind of task: the function that does it, its place, its lane, its arguments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from fer_core.errors import FerError
from fer_core.storage import Count, Fraction, Seconds, check_value, paths

# Names of kinds, as in request.json.
TRAIN = "train"
EXPERIMENT = "experiment"
OPEN_TEST = "open_test"
FIND_RATE = "find_rate"
EVALUATE = "evaluate"
MAP = "map"
IMPORT = "import"
PREVIEW = "preview"
LABELS = "labels"
DRAW = "draw"
EXAMINE = "examine"
VIDEO = "video"
BATCH = "batch"
EXPORT = "export"
ENSEMBLE = "ensemble"
INSPECT_MODEL = "inspect_model"
IMPORT_MODEL = "import_model"

MAX_EPOCHS = 10_000
MAX_FACES = 100_000  # to draw
MIN_MEMBERS, MAX_MEMBERS = 2, 10  # runs in an ensemble
MAX_FRAME_STEP = 100
MAX_FRAMES_PER_SECOND = 240.0

# What an upload is called in its task's directory: a request names no other file there.
VIDEO_STEM, VIDEO_SUFFIXES = "video", (".mp4", ".mov", ".webm", ".avi", ".m4v", ".mkv")

# Joined to a folder, it names an entry of that very folder. Hidden entries are half-written.
_NAME = r"^(?!\.)[^/\\:\x00-\x1f\x7f]+"
Name = Annotated[str, Meta(pattern=rf"{_NAME}\Z", max_length=255)]
_UPLOADS = "zip|tar|gz|tgz|csv|tsv|txt|lst"
_UploadName = Annotated[str, Meta(pattern=rf"{_NAME}\.({_UPLOADS})\Z", max_length=255)]
_VideoName = Annotated[str, Meta(pattern=rf"^{VIDEO_STEM}({'|'.join(VIDEO_SUFFIXES)})\Z")]
_Text = Annotated[str, Meta(max_length=1_000)]  # shown, never a path
_Epochs = Annotated[int, Meta(ge=1, le=MAX_EPOCHS)]
_Split = Literal["train", "val", "test", "all"]
_Choices = dict[str, _Text | Count | bool | dict[_Text, _Text]]  # `Choices.as_record`


@dataclass(frozen=True)
class _Train:
    epochs: _Epochs | None = None  # the goal of a run that is continued after `since` epochs
    since: Count | None = None
    resumed_after: Count | None = None  # epochs; of an automatic resume


@dataclass(frozen=True)
class _Experiment:
    resumed_after: Count | None = None  # epochs of all its runs; of an automatic resume


@dataclass(frozen=True)
class _FindRate:  # with the settings in the task's directory
    dataset: Name
    recipe: _Text


@dataclass(frozen=True)
class _OpenTest:
    run: Name


@dataclass(frozen=True)
class _Evaluate:
    run: Name
    dataset: Name
    split: _Split
    views: bool = False


@dataclass(frozen=True)
class _Map:
    run: Name
    dataset: Name
    split: _Split
    method: Name


@dataclass(frozen=True)
class _Import:
    name: Name
    source: str | None = None  # an absolute path; only read
    upload: _UploadName | None = None  # in the task's directory, and deleted at the end
    split_seed: Count = 0
    validation_fraction: Fraction = 0.0
    test_fraction: Fraction = 0.0
    choices: _Choices = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.source is None) == (self.upload is None):
            raise FerError("There must be either a `source` or an `upload`.")
        if self.source is not None and not Path(self.source).is_absolute():
            raise FerError("`source` must be an absolute path.")


@dataclass(frozen=True)
class _Labels:
    dataset: Name
    choices: _Choices  # instead of those of the import


@dataclass(frozen=True)
class _Draw:
    name: Name
    count: Annotated[int, Meta(ge=1, le=MAX_FACES)] = 1
    seed: Count = 0
    subjects: Annotated[int, Meta(ge=0, le=9999)] = 0


@dataclass(frozen=True)
class _Examine:
    dataset: Name
    faces: Count = 0


@dataclass(frozen=True)
class _VideoSettings:
    every: Annotated[int, Meta(ge=1, le=MAX_FRAME_STEP)] = 1
    time_constant: Seconds = 0.0
    smallest_face: Count | None = None
    confidence: Fraction | None = None
    threshold: Fraction = 0.0
    averaged: bool = False


@dataclass(frozen=True)
class _Video:
    run: Name
    file: _VideoName
    network: _Text = ""
    name: _Text = ""
    settings: _VideoSettings = _VideoSettings()


@dataclass(frozen=True)
class _Batch:
    run: Name
    source: str | None = None  # an absolute path of a folder, only read; None: uploads
    network: _Text = ""
    name: _Text = ""
    patterns: Annotated[list[_Text], Meta(max_length=100)] = field(default_factory=list)
    only_listed: bool = False
    whole_photos: bool = False
    per_second: Annotated[float, Meta(gt=0, le=MAX_FRAMES_PER_SECOND)] | None = None
    settings: _VideoSettings = _VideoSettings()
    baseline: _Text = ""
    window: Annotated[float, Meta(gt=0, le=1e7)] = 2.0  # seconds around a marker

    def __post_init__(self) -> None:
        if self.source is not None and not Path(self.source).is_absolute():
            raise FerError("`source` must be an absolute path.")


@dataclass(frozen=True)
class _Export:
    run: Name
    format: Name


@dataclass(frozen=True)
class _Ensemble:
    runs: Annotated[list[Name], Meta(min_length=MIN_MEMBERS, max_length=MAX_MEMBERS)]
    name: _Text
    weights: Literal["equal", "fitted"] = "equal"
    views: bool = False
    dataset: Name | None = None


@dataclass(frozen=True)
class _InspectModel:
    model: str  # an absolute path, only read; or, of an upload, the name of a file of the task
    weights: str = ""  # a second file, in the same way
    is_upload: bool = False
    dataset: Annotated[str, Meta(max_length=255)] = ""  # to try the model on

    def __post_init__(self) -> None:
        for name in filter(None, (self.model, self.weights)):
            if self.is_upload:
                check_value(Name, name)
            elif not Path(name).is_absolute():
                raise FerError("The files of a model must be named by absolute paths.")


@dataclass(frozen=True)
class _ImportModel:
    file: Name  # what the model's file was called
    choices: dict[str, _Text | float | list[_Text]]  # `ImportChoices`
    name: _Text = ""  # of the run


@dataclass(frozen=True)
class Kind:
    """Describes a kind of task."""

    function: str  # "module:name" of a function that takes the Task
    lane: str  # tasks of one lane run one after another, different lanes in parallel
    arguments: type  # a dataclass of the arguments that a request may or must have
    root: Callable[[], Path] = paths.tasks_root  # the folder of all tasks of this kind
    low_latency: bool = False  # predicts one face or frame at a time; see `subprocess_env`
    stop_seconds: float = 60.0  # that it may take to stop, before its process is ended


KINDS = {
    # Training may take hours: opening a dataset must not have to wait for it.
    TRAIN: Kind(
        "fer_core.training.trainer:run_training",
        "training",
        _Train,
        paths.runs_root,
        # A run that is stopped still predicts the validation images, from ten views if need be.
        stop_seconds=1800.0,
    ),
    # Waits for its runs for hours, and computes next to nothing.
    EXPERIMENT: Kind(
        "fer_core.experiments.driver:run_experiment",
        "experiment",
        _Experiment,
        paths.experiments_root,
    ),
    # Takes a minute, for which nobody wants to wait until the queue is empty.
    FIND_RATE: Kind("fer_core.training.rate_finder:run_rate_test", "find_rate", _FindRate),
    OPEN_TEST: Kind("fer_core.training.test_split:run_open_test", "light", _OpenTest),
    EVALUATE: Kind("fer_core.inference.cross_dataset_task:run_evaluation", "light", _Evaluate),
    MAP: Kind("fer_core.inference.feature_map_task:run_map", "light", _Map),
    IMPORT: Kind("fer_core.datasets.importing.import_task:run_import", "light", _Import),
    # Whoever looks at one need not wait for an import that takes minutes.
    PREVIEW: Kind("fer_core.inference.preview_task:run_preview", "preview", _Import),
    LABELS: Kind("fer_core.datasets.class_mapping:run_change", "light", _Labels),
    DRAW: Kind("fer_core.datasets.synthetic.generate:run_draw", "light", _Draw),
    # Takes minutes for 400,000 images.
    EXAMINE: Kind("fer_core.datasets.quality.scan_task:run_scan", "examining", _Examine),
    # Takes about as long as the video plays.
    VIDEO: Kind("fer_core.inference.video_task:run_video", "video", _Video, low_latency=True),
    # Takes hours, in which a single video must not have to wait.
    BATCH: Kind("fer_core.batches.batch_task:run_batch", "batch", _Batch, low_latency=True),
    INSPECT_MODEL: Kind(
        "fer_core.model_io.importing.inspection:run_inspection", "preview", _InspectModel
    ),
    # Takes a minute, for which an evaluation need not wait.
    EXPORT: Kind("fer_core.model_io.export_task:run_export", "export", _Export),
    # Takes minutes, in which no evaluation must have to wait.
    ENSEMBLE: Kind("fer_core.ensembles.ensemble_task:run_ensemble", "ensemble", _Ensemble),
    IMPORT_MODEL: Kind(
        "fer_core.model_io.importing.import_model:run_import_model", "export", _ImportModel
    ),
}
