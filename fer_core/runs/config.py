"""Defines a run's settings and the table of architectures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fer_core.errors import FerError
from fer_core.storage import check_record

LARGEST_EPOCHS = 10_000
MIXED = "mixed_bfloat16"  # computes in half precision, keeps weights and outputs in float32
PRECISIONS = ("float32", MIXED)
OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("constant", "cosine")
VGG19_BLOCKS = 5
LARGEST_IMAGE = 512  # pixels a side; 35,887 RGB faces of that size already fill 28 GB


@dataclass(frozen=True)
class Architecture:
    """A model that can be built."""

    family: str  # "cnn" or "vgg19"
    channels: int  # 1 gray, 3 RGB
    smallest: int  # least height and width in pixels
    description: str


ARCHITECTURES = {
    "cnn_classic": Architecture(
        "cnn",
        1,
        46,
        "Four convolutions, each followed by pooling, and a dense layer of 1024 units.",
    ),
    "cnn_classic_wide": Architecture(
        "cnn", 1, 24, "Two convolutions before the first pooling layer; seven times the parameters."
    ),
    "vgg19_dropout": Architecture(
        "vgg19", 3, 32, "VGG19 with frozen weights, a dense layer of 256 units and dropout."
    ),
    "cnn_residual": Architecture(
        "cnn",
        1,
        32,
        "Six residual blocks with batch normalization; global average pooling to 256 features.",
    ),
    "vgg19_finetuned": Architecture(
        "vgg19",
        3,
        32,
        "VGG19 with its upper blocks unfrozen; global average pooling to 512 features.",
    ),
}


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise FerError(f"`{name}` must be from {low:g} to {high:g}. Received: {value}")


def _among(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise FerError(f"`{name}` must be {' or '.join(choices)}. Received: {value!r}")


@dataclass(frozen=True)
class Augmentation:
    """Random transforms of training images, drawn for every image in every epoch.

    Shear and zoom have the meaning of `shear_range` and `zoom_range` of Keras's
    `ImageDataGenerator`.
    """

    rotation: float = 0.0  # degrees, drawn from [-rotation, rotation]
    shift: float = 0.0  # fraction of height and of width, drawn from [-shift, shift] for each
    shear: float = 0.0  # degrees, drawn from [-shear, shear]
    zoom: float = 0.0  # factor drawn from [1 - zoom, 1 + zoom], separately for height and width
    flip: bool = False  # horizontally, with probability 0.5
    contrast: float = 0.0  # factor drawn from [1 - contrast, 1 + contrast], about the image's mean
    brightness: float = 0.0  # added; a fraction of white, drawn from [-brightness, brightness]
    erasing: float = 0.0  # fraction of the images in which a rectangle is painted over

    def __post_init__(self) -> None:
        _within("rotation", self.rotation, 0, 180)
        _within("shift", self.shift, 0, 0.9)
        _within("shear", self.shear, 0, 60)
        _within("zoom", self.zoom, 0, 0.9)
        for name in ("contrast", "brightness", "erasing"):
            _within(name, getattr(self, name), 0, 1)

    @property
    def is_none(self) -> bool:
        """Tells whether images are left unchanged."""
        return self == Augmentation()

    @property
    def moves(self) -> bool:
        """Tells whether there is a geometric transform."""
        return any((self.rotation, self.shift, self.shear, self.zoom, self.flip))


@dataclass(frozen=True)
class TrainConfig:
    """All settings of a run, stored as `config.json` and never changed.

    Raises:
        FerError: a setting is out of range, or not possible with the architecture.
    """

    dataset: str = ""
    recipe: str = ""
    architecture: str = "cnn_classic"
    image_size: tuple[int, int] = (48, 48)  # height, width in pixels
    class_names: tuple[str, ...] = ()  # expressions to train on; empty: all of the dataset
    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 1e-4
    learning_rate_decay: float = 0.0  # per step: rate / (1 + decay × step)
    optimizer: str = "adam"  # one of OPTIMIZERS; sgd uses Nesterov momentum of 0.9
    schedule: str = "constant"  # of the learning rate, one of SCHEDULES
    warmup: float = 0.0  # epochs over which the learning rate rises from 0
    weight_decay: float = 0.0  # of kernels, decoupled: times the learning rate, per step
    label_smoothing: float = 0.0  # fraction of a target that is spread over all classes
    mixup: float = 0.0  # alpha of the Beta distribution of the mixing weight; 0 = no mixup
    votes: float = 0.0  # fraction of a target that is FER+ votes instead of the label
    teachers: tuple[str, ...] = ()  # ids of runs to distill from
    distillation: float = 0.7  # fraction of a target that is the teachers' mean prediction
    augmentation: Augmentation = field(default_factory=Augmentation)
    class_weights: bool = False  # weight each class by total / (classes × its images)
    weights: str = "none"  # of the backbone: "imagenet", "none", or the path of a notop .h5 file
    precision: str = "float32"  # one of PRECISIONS; saved models compute in float32 in any case
    head_epochs: int = 0  # epochs at the beginning in which only the head is trained
    head_learning_rate: float = 1e-3  # in these epochs
    unfrozen_blocks: int = 0  # of VGG19's five, from the top; trained after the head-only epochs
    feature_views: int = 0  # views of each image whose frozen features are cached; 0 = no cache
    seed: int = 0  # of initial weights, shuffling, augmentation and dropout
    validation_fraction: float | None = None  # of train; None: as the dataset specifies
    overlay: bool = False  # apply the dataset's corrections as of submission
    early_stopping: int = 0  # patience in epochs, on validation accuracy; 0 = off
    average_views: bool = False  # also predict with test-time augmentation at the end
    test_at_end: bool = False  # open the sealed test split when training is complete
    deterministic: bool = True  # resumed or not, the final weights are the same bit for bit
    tensorboard: bool = False  # also write TensorBoard event files
    initial_run: str = ""  # id of the run whose weights to start from; empty: random weights

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise FerError(
                f"`architecture` must be one of {', '.join(ARCHITECTURES)}. "
                f"Received: {self.architecture!r}"
            )
        self._check_image_size()
        _within("epochs", self.epochs, 1, LARGEST_EPOCHS)
        _within("batch_size", self.batch_size, 1, 4096)
        _within("learning_rate", self.learning_rate, 1e-8, 10)
        _within("learning_rate_decay", self.learning_rate_decay, 0, 1)
        _among("optimizer", self.optimizer, OPTIMIZERS)
        _among("schedule", self.schedule, SCHEDULES)
        _among("precision", self.precision, PRECISIONS)
        self._check_regularization()
        if self.validation_fraction is not None:
            _within("validation_fraction", self.validation_fraction, 0.01, 0.9)
        self._check_frozen()
        _within("early_stopping", self.early_stopping, 0, LARGEST_EPOCHS)
        _within("seed", self.seed, 0, 2**31 - 1)
        if self.class_names and len(set(self.class_names)) < 2:
            raise FerError(
                "`class_names` must have at least two expressions, or be empty for all. "
                f"Received: {', '.join(self.class_names)}"
            )
        for run_id in filter(None, (self.initial_run, *self.teachers)):
            if Path(run_id).name != run_id:  # it names a folder inside that of the runs
                raise FerError(f"The id of a run must be a name. Received: {run_id[:100]!r}")
        if self.family != "vgg19" and self.weights != "none":
            raise FerError(
                f"`weights` are available for the VGG19 family only. "
                f"Received: weights={self.weights!r} for {self.architecture}"
            )

    def _check_regularization(self) -> None:
        _within("warmup", self.warmup, 0, self.epochs)
        _within("weight_decay", self.weight_decay, 0, 1)
        _within("label_smoothing", self.label_smoothing, 0, 0.9)
        _within("mixup", self.mixup, 0, 10)
        _within("votes", self.votes, 0, 1)
        _within("distillation", self.distillation, 0, 1)
        if self.learning_rate_decay and (self.schedule == "cosine" or self.warmup):
            raise FerError(
                "`learning_rate_decay` requires the constant schedule and no `warmup`. "
                f"Received: {self.learning_rate_decay:g} with {self.schedule} and "
                f"warmup={self.warmup:g}"
            )

    def _check_frozen(self) -> None:
        _within("head_learning_rate", self.head_learning_rate, 1e-8, 10)
        _within("head_epochs", self.head_epochs, 0, self.epochs)
        _within("unfrozen_blocks", self.unfrozen_blocks, 0, VGG19_BLOCKS)
        if self.architecture != "vgg19_finetuned" and (self.head_epochs or self.unfrozen_blocks):
            raise FerError(
                "`head_epochs` and `unfrozen_blocks` are available for vgg19_finetuned only. "
                f"Received: {self.head_epochs} and {self.unfrozen_blocks} for {self.architecture}"
            )
        _within("feature_views", self.feature_views, 0, 64)
        if self.feature_views and not self.freezes_at(0):
            raise FerError(
                "`feature_views` require a frozen backbone. "
                f"Received: feature_views={self.feature_views} for {self.architecture}"
            )

    def _check_image_size(self) -> None:
        smallest = ARCHITECTURES[self.architecture].smallest
        for name, pixels in zip(("height", "width"), self.image_size, strict=True):
            if not smallest <= pixels <= LARGEST_IMAGE:
                raise FerError(
                    f"The image {name} must be from {smallest} to {LARGEST_IMAGE} pixels for "
                    f"{self.architecture}. Received: {pixels}"
                )

    @property
    def family(self) -> str:
        """Returns the architecture's family, "cnn" or "vgg19"."""
        return ARCHITECTURES[self.architecture].family

    def freezes_at(self, epoch: int) -> bool:
        """Tells whether the whole backbone is frozen in that epoch."""
        if self.architecture == "vgg19_finetuned":
            return epoch < self.head_epochs or not self.unfrozen_blocks
        return self.architecture == "vgg19_dropout"

    @property
    def channels(self) -> int:
        """Returns the channels of the model's input: 1 for gray, 3 for RGB."""
        return ARCHITECTURES[self.architecture].channels

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of `config.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TrainConfig":
        """Reverses `to_dict`; missing settings take their default.

        Raises:
            FerError: a setting is unknown, of the wrong type, or out of range.
        """
        return check_record(cls, data)


def weights_file(config: TrainConfig) -> Path | None:
    """Returns the backbone's weights file if the settings name one by path, else None.

    Raises:
        FerError: there is no such file, or it is not an .h5 file.
    """
    if config.weights in ("none", "imagenet"):
        return None
    path = Path(config.weights).expanduser()
    if path.suffix.lower() not in (".h5", ".hdf5") or not path.is_file():
        raise FerError(
            "`weights` must be imagenet, none, or the path of a VGG19 .h5 file without the top. "
            f"Received: {config.weights}"
        )
    return path
