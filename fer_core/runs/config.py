"""The settings of one run, and the table of architectures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from fer_core.errors import FerError

LARGEST_EPOCHS = 10_000
MIXED = "mixed_bfloat16"  # computes in half precision, keeps weights and scores in float32
PRECISIONS = ("float32", MIXED)
OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("constant", "cosine")
VGG19_BLOCKS = 5
LARGEST_IMAGE = 512  # pixels a side; 35,887 RGB faces of that size already fill 28 GB


@dataclass(frozen=True)
class Architecture:
    """A network that can be built; what cannot be built smaller says so in `smallest`."""

    family: str  # "cnn" or "vgg19"
    channels: int  # 1 gray, 3 RGB
    smallest: int  # least height and width in pixels
    description: str


ARCHITECTURES = {
    "cnn_classic": Architecture(
        "cnn", 1, 46, "Four convolutions, each pooled, and a dense layer of 1024."
    ),
    "cnn_classic_wide": Architecture(
        "cnn", 1, 24, "Two convolutions before the first pooling; seven times the parameters."
    ),
    "vgg19_dropout": Architecture(
        "vgg19", 3, 32, "VGG19 with frozen weights, a dense layer of 256 and dropout."
    ),
    "cnn_residual": Architecture(
        "cnn", 1, 32, "Six residual blocks with batch normalisation, averaged to 256 features."
    ),
    "vgg19_finetuned": Architecture(
        "vgg19", 3, 32, "VGG19 whose upper blocks learn, averaged to 512 features."
    ),
}


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise FerError(f"`{name}` must be from {low:g} to {high:g}. Received: {value}")


def _among(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise FerError(f"`{name}` must be {' or '.join(choices)}. Received: {value!r}")


def known(record: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data, found to be what the record of that dataclass can be made of.

    Raises:
        FerError: a name that the record does not have, as one of a newer version; or a value of
            another type.
    """
    if not isinstance(data, Mapping):
        raise FerError(f"There must be names with values. Received: {type(data).__name__}")
    unknown = set(data) - {entry.name for entry in fields(record)}
    if unknown:
        raise FerError(
            f"It holds unknown names: {', '.join(sorted(unknown))}. A newer version of the program "
            "may know them."
        )
    kinds = get_type_hints(record)
    for name, value in data.items():
        if not _fits(value, kinds[name]):
            raise FerError(f"`{name}` must be of another type. Received: {value!r}")
    return dict(data)


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(part, get_args(kind)[0]) for part in value)
    kinds = get_args(kind) or (kind,)
    return type(value) in kinds or (type(value) is int and float in kinds)


@dataclass(frozen=True)
class Augmentation:
    """Random changes to training images, drawn anew for every image in every epoch.

    Shear and zoom mean what Keras's `ImageDataGenerator` means by `shear_range` and `zoom_range`.
    """

    rotation: float = 0.0  # degrees, drawn from [-rotation, rotation]
    shift: float = 0.0  # fraction of height and width, drawn from [-shift, shift] for each
    shear: float = 0.0  # degrees, drawn from [-shear, shear]
    zoom: float = 0.0  # factor drawn from [1 - zoom, 1 + zoom], apart for height and width
    flip: bool = False  # left and right, every second image
    contrast: float = 0.0  # factor drawn from [1 - contrast, 1 + contrast], about the image's mean
    brightness: float = 0.0  # added: drawn from ± this share of white
    erasing: float = 0.0  # share of the images in which a rectangle is painted over

    def __post_init__(self) -> None:
        _within("rotation", self.rotation, 0, 180)
        _within("shift", self.shift, 0, 0.9)
        _within("shear", self.shear, 0, 60)
        _within("zoom", self.zoom, 0, 0.9)
        for name in ("contrast", "brightness", "erasing"):
            _within(name, getattr(self, name), 0, 1)

    @property
    def is_none(self) -> bool:
        """Whether images stay as they are."""
        return self == Augmentation()

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return any((self.rotation, self.shift, self.shear, self.zoom, self.flip))


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a run does; kept as `config.json` and never changed.

    Raises:
        FerError: a setting is out of its range, or impossible with the architecture.
    """

    dataset: str = ""
    recipe: str = ""
    architecture: str = "cnn_classic"
    image_size: tuple[int, int] = (48, 48)  # height, width in pixels
    class_names: tuple[str, ...] = ()  # expressions to train on; none named: all of the data set
    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 1e-4
    learning_rate_decay: float = 0.0  # per step: rate / (1 + decay × step)
    optimizer: str = "adam"  # of OPTIMIZERS; sgd has Nesterov's momentum of 0.9
    schedule: str = "constant"  # of SCHEDULES: of the learning rate
    warmup: float = 0.0  # epochs in which the learning rate rises from 0
    weight_decay: float = 0.0  # of kernels: a share of each, times the learning rate, per step
    label_smoothing: float = 0.0  # share of a target that is spread over all classes
    mixup: float = 0.0  # alpha of the Beta distribution that images are mixed by; 0 = not mixed
    votes: float = 0.0  # share of a target that is FER+'s votes instead of the label
    teachers: tuple[str, ...] = ()  # ids of runs whose answers to the training images it learns
    distillation: float = 0.7  # share of a target that is their answer, where there are teachers
    augmentation: Augmentation = field(default_factory=Augmentation)
    class_weights: bool = False  # weigh each class by total / (classes × its images)
    weights: str = "none"  # of the backbone: "imagenet", "none", or the path of a notop .h5 file
    precision: str = "float32"  # of PRECISIONS; what is saved computes in float32 in any case
    head_epochs: int = 0  # of all, at the beginning, in which the head alone learns
    head_learning_rate: float = 1e-3  # of these
    unfrozen_blocks: int = 0  # of VGG19's five, from the top: they learn after the head
    feature_views: int = 0  # views of each image whose frozen features are kept; 0 = keep none
    seed: int = 0  # of initial weights, shuffling, augmentation and dropout
    validation_fraction: float | None = None  # of train; None as the data set says
    overlay: bool = False  # leave out and relabel what was corrected when the run is asked for
    early_stopping: int = 0  # epochs without a better validation accuracy; 0 = never
    average_views: bool = False  # at the end also predict with views of each image averaged
    test_at_end: bool = False  # open the sealed test split when training is complete
    deterministic: bool = True  # resumed or not, the same weights in the end, bit for bit
    tensorboard: bool = False  # write the curves as TensorBoard event files too
    initial_run: str = ""  # id of the run whose weights it begins with; empty: random ones

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
                "`class_names` must name at least two expressions, or none for all. "
                f"Received: {', '.join(self.class_names)}"
            )
        if self.family != "vgg19" and self.weights != "none":
            raise FerError(
                f"`weights` can be given for the VGG19 family only. "
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
                "`learning_rate_decay` goes with the constant schedule only, and without `warmup`. "
                f"Received: {self.learning_rate_decay:g} with {self.schedule} and "
                f"warmup={self.warmup:g}"
            )

    def _check_frozen(self) -> None:
        _within("head_learning_rate", self.head_learning_rate, 1e-8, 10)
        _within("head_epochs", self.head_epochs, 0, self.epochs)
        _within("unfrozen_blocks", self.unfrozen_blocks, 0, VGG19_BLOCKS)
        if self.architecture != "vgg19_finetuned" and (self.head_epochs or self.unfrozen_blocks):
            raise FerError(
                "`head_epochs` and `unfrozen_blocks` are of vgg19_finetuned only. "
                f"Received: {self.head_epochs} and {self.unfrozen_blocks} for {self.architecture}"
            )
        _within("feature_views", self.feature_views, 0, 64)
        if self.feature_views and not self.freezes_at(0):
            raise FerError(
                "`feature_views` can be kept while the backbone is frozen only. "
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
        """The architecture's family, "cnn" or "vgg19"."""
        return ARCHITECTURES[self.architecture].family

    def freezes_at(self, epoch: int) -> bool:
        """Whether the whole backbone, the network's largest part, stays as it is in that epoch."""
        if self.architecture == "vgg19_finetuned":
            return epoch < self.head_epochs or not self.unfrozen_blocks
        return self.architecture == "vgg19_dropout"

    @property
    def channels(self) -> int:
        """Channels of the network's input: 1 gray, 3 RGB."""
        return ARCHITECTURES[self.architecture].channels

    def to_dict(self) -> dict[str, Any]:
        """What `config.json` holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TrainConfig":
        """The settings that `to_dict` gave; settings that are missing take their default.

        Raises:
            FerError: an unknown setting, one of another type, or one that is out of range.
        """
        data = dict(data)
        data["augmentation"] = Augmentation(**known(Augmentation, data.get("augmentation", {})))
        for name in ("image_size", "class_names", "teachers"):
            if name in data:
                data[name] = tuple(data[name])
        return cls(**known(cls, data))


def weights_file(config: TrainConfig) -> Path | None:
    """The backbone's weights file that the settings name by path, or None.

    Raises:
        FerError: there is no such file, or it is no .h5 file.
    """
    if config.weights in ("none", "imagenet"):
        return None
    path = Path(config.weights).expanduser()
    if path.suffix.lower() not in (".h5", ".hdf5") or not path.is_file():
        raise FerError(
            "`weights` must be imagenet, none, or the path of a VGG19 .h5 file without top. "
            f"Received: {config.weights}"
        )
    return path
