"""Defines a run's settings and the table of architectures."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fer_core import access
from fer_core.datasets import MOST_FOLDS, UNITS, Fold
from fer_core.errors import FerError
from fer_core.runs.setting import check_settings, check_within, setting, settings_of
from fer_core.storage import check_record
from fer_core.tasks import kinds

LARGEST_EPOCHS = kinds.MAX_EPOCHS
MIXED = "mixed_bfloat16"  # computes in half precision, keeps weights and outputs in float32
PRECISIONS = {"float32": "float32", MIXED: f"{MIXED} (half precision)"}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}
FERPLUS, RATERS = "ferplus", "raters"
LABELS = {"dataset": "Of the dataset", FERPLUS: "FER+ majority", RATERS: "Raters' majority"}
WIDEST_UNIT = "auto"  # until a run is created
FOLD_UNITS = {WIDEST_UNIT: "The widest that is known"} | {
    unit: one.capitalize() for unit, (one, _) in UNITS.items()
}
SCHEDULES = {"constant": "Constant", "cosine": "Cosine"}
VGG19_BLOCKS = 5
LARGEST_IMAGE = 512  # pixels a side; 35,887 RGB faces of that size already fill 28 GB


@dataclass(frozen=True)
class Architecture:
    """Describes a model that can be built."""

    family: str  # "cnn", "vgg19", "ensemble" or "imported"
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
    "cnn_vgg": Architecture(
        "cnn",
        1,
        32,
        "Eight convolutions with batch normalization; global average pooling to 320 features.",
    ),
    "cnn_residual_unpooled": Architecture(
        "cnn",
        1,
        32,
        "Eight residual blocks, the first two at full resolution; global average pooling to 256 "
        "features.",
    ),
    "cnn_residual_large": Architecture(
        "cnn",
        1,
        32,
        "The blocks of ResNet-18, the first two at full resolution; global average pooling to 512 "
        "features.",
    ),
    "vgg19_finetuned": Architecture(
        "vgg19",
        3,
        32,
        "VGG19 with its upper blocks unfrozen; global average pooling to 512 features.",
    ),
}

IMPORTED_RECIPE = "imported"  # of a run whose model another program trained; it has no settings
# Of runs that no recipe builds. The models of ensembles are made of those of other runs, ...
ENSEMBLES = {
    1: "ensemble",  # by the channels of the input
    3: "ensemble_color",
}
# ... and the layers of imported models are those of a file.
IMPORTED = {
    1: "imported",
    3: "imported_color",
}
_FROM_MODELS = {
    name: Architecture(family, channels, 1, description)
    for family, description, names in (
        ("ensemble", "The weighted mean of other models' answers.", ENSEMBLES),
        ("imported", "The layers of an imported model.", IMPORTED),
    )
    for channels, name in names.items()
}


def _transform(label: str, help: str, *, high: float = 1, step: float = 0.05) -> Any:
    """Returns the field of a transform that is off by default."""
    return setting(0.0, label, help, low=0, high=high, step=step, group="augmentation")


@dataclass(frozen=True)
class Augmentation:
    """Holds the random transforms of training images, drawn for every image in every epoch."""

    rotation: float = _transform("Rotation", "Up to ± this many degrees.", high=180, step=1.0)
    shift: float = _transform(
        "Shift", "Up to ± this fraction of the width and of the height.", high=0.9
    )
    shear: float = _transform(
        "Shear",
        "Up to ± this many degrees, like shear_range of Keras's ImageDataGenerator. The classic "
        "value of 0.2 is a fifth of a degree and hardly visible.",
        high=60,
        step=1.0,
    )
    zoom: float = _transform(
        "Zoom",
        "Scales width and height separately by a factor from 1 − zoom to 1 + zoom, like zoom_range "
        "of Keras's ImageDataGenerator.",
        high=0.9,
    )
    flip: bool = setting(
        False, "Flip", "Mirrors half of the images horizontally.", group="augmentation"
    )
    contrast: float = _transform(
        "Contrast", "Scales the contrast by a factor from 1 − contrast to 1 + contrast."
    )
    brightness: float = _transform("Brightness", "Adds up to ± this fraction of white.")
    erasing: float = _transform(
        "Random erasing", "The fraction of the images in which a rectangle is replaced with noise."
    )
    crop: float = _transform(
        "Random crop",
        "Cuts off up to this fraction of height and width, at random positions, and resizes the "
        "rest: with 0.17 a face of 48 pixels is cut to 40 or more. With Shift, the crop may reach "
        "over the border, whose pixels are repeated.",
        high=0.5,
    )
    exposure: float = _transform(
        "Exposure",
        "Multiplies the light by up to 2 to the power of ± this many stops. What becomes brighter "
        "than white is clipped.",
        high=3,
        step=0.25,
    )
    gamma: float = _transform(
        "Gamma",
        "Raises the pixels, as fractions of white, to a power from 1 / (1 + gamma) to 1 + gamma.",
        high=3,
    )
    color_cast: float = _transform(
        "Color cast",
        "Dims red, green and blue separately by up to this fraction, as colored light does. In "
        "gray images this changes the brightness.",
        high=0.9,
    )
    blur: float = _transform(
        "Blur", "Gaussian blur with a standard deviation of up to this many pixels.", high=5
    )
    low_resolution: float = _transform(
        "Low resolution",
        "Reduces height and width by up to this fraction and enlarges the image again: with 0.5 a "
        "face of 48 pixels looks like one of 24 to 48.",
        high=0.9,
    )
    low_light: float = _transform(
        "Low light",
        "The fraction of the images that are darkened to a half to a tenth of their brightness, "
        "with sensor noise.",
    )
    jpeg: float = _transform(
        "JPEG artifacts",
        "The fraction of the images that are compressed as JPEG files of a quality from 10 to 60.",
    )

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def is_none(self) -> bool:
        """Tells whether images are left unchanged."""
        return self == Augmentation()

    @property
    def moves(self) -> bool:
        """Tells whether there is a geometric transform."""
        return any((self.rotation, self.shift, self.shear, self.zoom, self.flip, self.crop))

    @property
    def has_camera_effects(self) -> bool:
        """Tells whether there is a flaw of a camera or of its light: see `camera_effects`."""
        light = (self.exposure, self.gamma, self.color_cast, self.low_light)
        return any((*light, self.blur, self.low_resolution, self.jpeg))


def _takes_pixels(config: "TrainConfig") -> bool:
    return not config.feature_views


def _is_finetuned(config: "TrainConfig") -> bool:
    return config.architecture == "vgg19_finetuned"


@dataclass(frozen=True)
class TrainConfig:
    """Holds all settings of a run, stored as `config.json` and never changed.

    The form and the command line have whatever is a `setting` here.

    Raises:
        FerError: a setting is out of range, or not possible with the architecture.
    """

    dataset: str = ""
    recipe: str = ""
    architecture: str = setting("cnn_classic", "Architecture", "The layers of the model.")
    image_size: tuple[int, int] = setting(
        (48, 48),
        "Image size",
        "Height and width in pixels to which faces are resized; 48 and 100 are usual. The minimum "
        "is 46 for the classic CNN, 24 for the wide one and 32 for VGG19.",
        metavar=("HEIGHT", "WIDTH"),
    )
    class_names: tuple[str, ...] = setting(
        (),
        "Expressions",
        "The classes to train on, at least two. Empty means all classes.",
        metavar="EXPRESSION",
    )
    labels: str = setting(
        "dataset",
        "Labels",
        "dataset, or ferplus: the expression with more than half of FER+'s votes, contempt among "
        "them; single votes are removed, and images without such a majority left out. Needs a "
        "dataset that was added with the FER+ votes. Or raters: the expression with more than half "
        "of the votes of the dataset's own raters; an image that most of them cannot tell, or "
        "without such a majority, is left out, and one without votes keeps its label. A run keeps "
        "the votes as they were at its start.",
        choices=LABELS,
    )
    epochs: int = setting(
        50,
        "Epochs",
        "Passes over the training images.",
        low=1,
        high=LARGEST_EPOCHS,
        group="optimization",
    )
    batch_size: int = setting(
        64, "Batch size", "Images per training step.", low=1, high=4096, group="optimization"
    )
    learning_rate: float = setting(
        1e-4,
        "Learning rate",
        "The step size of the optimizer. If it is too large, the loss jumps or becomes infinite.",
        low=1e-8,
        high=10,
        step=1e-4,
        group="optimization",
    )
    learning_rate_decay: float = setting(
        0.0,
        "Learning rate decay",
        "After n steps the learning rate is divided by 1 + decay × n.",
        low=0,
        high=1,
        step=1e-6,
        group="optimization",
    )
    optimizer: str = setting(
        "adam",
        "Optimizer",
        "Adam adapts the step size of each weight. SGD uses Nesterov momentum of 0.9 and needs a "
        "larger learning rate.",
        choices=OPTIMIZERS,
        group="optimization",
    )
    schedule: str = setting(
        "constant",
        "Learning rate schedule",
        "constant, or cosine: falls to a thousandth of the learning rate in the last epoch.",
        choices=SCHEDULES,
        group="optimization",
    )
    warmup: float = setting(  # at most `epochs`
        0.0,
        "Warm-up",
        "Epochs over which the learning rate rises from 0.",
        step=0.5,
        group="optimization",
    )
    weight_decay: float = setting(
        0.0,
        "Weight decay",
        "Decoupled from the gradient: with Adam this is AdamW. Each step shrinks the weights by "
        "this value times the learning rate.",
        low=0,
        high=1,
        step=1e-3,
        group="regularization",
    )
    label_smoothing: float = setting(
        0.0,
        "Label smoothing",
        "The fraction of each target that is spread evenly over all expressions. Makes the model "
        "less overconfident.",
        low=0,
        high=0.9,
        step=0.05,
        group="regularization",
    )
    mixup: float = setting(  # alpha of the Beta distribution of the mixing weight
        0.0,
        "Mixup",
        "Blends pairs of images and their targets. A larger alpha blends more evenly; 0.2 is "
        "usual, 0 = off.",
        low=0,
        high=10,
        step=0.1,
        group="regularization",
    )
    cutmix: float = setting(  # alpha of the Beta distribution of the area that is kept
        0.0,
        "CutMix",
        "Pastes a rectangle of another image into each, and mixes their targets by area; 1 is "
        "usual, 0 = off. Together with mixup, half of the images get one, half the other.",
        low=0,
        high=10,
        step=0.1,
        group="regularization",
        applies=_takes_pixels,
    )
    ema: float = setting(
        0.0,
        "Weight averaging (EMA)",
        "Validates and saves a moving average of the weights, with batch normalization statistics "
        "of its own. After each step this fraction of the average is kept; 0.999 is usual, 0 = "
        "off. The curves of validation lag behind at first.",
        low=0,
        high=0.99999,
        step=1e-3,
        group="regularization",
        applies=_takes_pixels,
    )
    sharpness: float = setting(  # radius in the space of the weights
        0.0,
        "Sharpness-aware minimization",
        "Takes each step with the gradient at the worst weights within this distance, which "
        "favors flat minima; 0.05 is usual, 0 = off. Steps take twice as long. TensorFlow only.",
        low=0,
        high=1,
        step=0.01,
        group="regularization",
        applies=_takes_pixels,
    )
    votes: float = setting(
        0.0,
        "FER+ votes",
        "The fraction of each target that comes from the votes of FER+'s ten annotators instead "
        "of the label, or with raters' labels, from the raters' votes for expressions. Needs a "
        "dataset that was added with the FER+ votes, or raters' labels.",
        low=0,
        high=1,
        step=0.1,
        group="regularization",
    )
    vote_head: float = setting(  # weight in the loss; the label's is 1
        0.0,
        "FER+ vote head",
        "Also trains a second output, from the same features, on the distribution of FER+'s votes; "
        "its loss is added with this weight, 0 = off. The saved model predicts the label alone. "
        "Needs a dataset that was added with the FER+ votes, or raters' labels.",
        low=0,
        high=10,
        step=0.1,
        group="regularization",
        applies=_takes_pixels,
    )
    teachers: tuple[str, ...] = setting(  # ids
        (),
        "Teachers",
        "Knowledge distillation: runs whose mean prediction for each training image becomes part "
        "of its target. They must have the same expressions.",
        metavar="RUN",
    )
    distillation: float = setting(
        0.7,
        "Distillation weight",
        "The fraction of each target that is the teachers' prediction instead of the label.",
        low=0,
        high=1,
        step=0.1,
    )
    augmentation: Augmentation = field(default_factory=Augmentation)
    class_weights: bool = setting(  # total / (classes × its images)
        False,
        "Class weights",
        "Gives rare expressions a larger weight in the loss, so that all classes count the same.",
        group="regularization",
    )
    weights: str = setting(
        "none",
        "VGG19 weights",
        "imagenet (Keras downloads 80 MB once), none (random), or the path of an .h5 file without "
        "the top on this machine.",
        group="optimization",
        applies=lambda config: config.family == "vgg19" and not config.initial_run,
    )
    precision: str = setting(
        "float32",
        "Precision",
        f"{MIXED} computes in half precision, which is faster on processors that support it "
        "and slower on others. The saved model computes in float32.",
        choices=PRECISIONS,
        group="computation",
    )
    head_epochs: int = setting(  # at most `epochs`
        0,
        "Head-only epochs",
        "Epochs at the start in which only the new layers on top are trained, so that their large "
        "first gradients do not damage VGG19's pretrained weights.",
        group="optimization",
        applies=_is_finetuned,
    )
    head_learning_rate: float = setting(
        1e-3,
        "Head learning rate",
        "The constant learning rate of the head-only epochs.",
        low=1e-8,
        high=10,
        step=1e-4,
        group="optimization",
        applies=_is_finetuned,
    )
    unfrozen_blocks: int = setting(
        0,
        "Unfrozen blocks",
        "How many of VGG19's five blocks are fine-tuned, from the top. The others keep their "
        "ImageNet weights.",
        low=0,
        high=VGG19_BLOCKS,
        group="optimization",
        applies=_is_finetuned,
    )
    feature_views: int = setting(
        0,
        "Cached views per image",
        "Computes VGG19's frozen layers once for this many augmented views of each image, then "
        "trains only the head on the cached features. 1 uses the images without augmentation; "
        "0 = no cache, with new augmentation in every epoch.",
        low=0,
        high=64,
        group="optimization",
        applies=lambda config: config.freezes_at(0),
    )
    early_stopping: int = setting(
        0,
        "Early stopping",
        "Stops after this many epochs without a better validation accuracy; 0 = off.",
        low=0,
        high=LARGEST_EPOCHS,
        group="optimization",
    )
    seed: int = setting(
        0,
        "Seed",
        "Sets initial weights, shuffling, augmentation and dropout. It does not change the splits.",
        low=0,
        high=2**31 - 1,
        group="optimization",
    )
    validation_fraction: float | None = setting(
        None,  # as the dataset specifies
        "Validation fraction",
        "The fraction of the training images that is held out for validation if the dataset has "
        "no validation split. It is always the same images of a dataset.",
        low=0.01,
        high=0.9,
        step=0.05,
    )
    folds: int = setting(
        0,
        "Folds",
        "Validates on one of this many folds and trains on the others, instead of on the dataset's "
        "own splits; 0 = off. The folds are drawn from training and validation together; the test "
        "split stays untouched.",
        low=0,
        high=MOST_FOLDS,
    )
    fold: int = setting(  # from 1 to `folds`; 0 without folds
        0, "Fold", "The fold that validates, from 1.", low=0, high=MOST_FOLDS
    )
    fold_unit: str = setting(
        WIDEST_UNIT,
        "Folds by",
        "What is never in two folds: a subject, a group (a sequence or video), a cluster of copies "
        "or a single image. auto: the widest that is known of most images.",
        choices=FOLD_UNITS,
    )
    fold_seed: int = setting(
        0, "Seed of the folds", "Sets how the folds are drawn.", low=0, high=2**31 - 1
    )
    overlay: bool = setting(
        False,
        "Use corrections",
        "Excludes and relabels images as decided on the Datasets page, in all splits. Scores are "
        "then not comparable with those on the uncorrected dataset. A run keeps the corrections "
        "of the time it was submitted.",
        option="corrections",
    )
    test_at_end: bool = setting(
        False,
        "Open the test split at the end",
        "Evaluates the sealed test split once training is complete. Leave it sealed while you are "
        "still choosing between settings.",
        group="computation",
    )
    average_views: bool = setting(
        False,
        "Test-time augmentation (10 views)",
        "Also evaluates the trained model on ten shifted and mirrored views of each image and "
        "averages the predictions: about one point more accurate, ten times slower.",
        group="computation",
        option="tta",
    )
    deterministic: bool = setting(
        True,
        "Deterministic",
        "Makes runs reproducible: a run that was interrupted and resumed ends with exactly the "
        "same weights as one that was not. Not with JAX on a GPU, which may round differently in "
        "every run.",
        group="computation",
    )
    tensorboard: bool = setting(
        False,
        "TensorBoard files",
        "Also writes the curves as TensorBoard event files in the run's directory. Needs the "
        "package tensorboard.",
        group="computation",
    )
    initial_run: str = setting(
        "",
        "Start from",
        "A run whose trained weights to start from, with the same architecture and image size. "
        "Classes are matched by name; weights of new classes start at random.",
    )

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES | _FROM_MODELS:
            raise FerError(
                f"`architecture` must be one of {', '.join(ARCHITECTURES)}. "
                f"Received: {self.architecture!r}"
            )
        self._check_image_size()
        check_settings(self)
        self._check_schedule()
        self._check_frozen()
        self._check_cached()
        self._check_folds()
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

    def _check_schedule(self) -> None:
        check_within("warmup", self.warmup, 0, self.epochs)
        if self.learning_rate_decay and (self.schedule == "cosine" or self.warmup):
            raise FerError(
                "`learning_rate_decay` requires the constant schedule and no `warmup`. "
                f"Received: {self.learning_rate_decay:g} with {self.schedule} and "
                f"warmup={self.warmup:g}"
            )

    def _check_frozen(self) -> None:
        check_within("head_epochs", self.head_epochs, 0, self.epochs)
        if self.architecture != "vgg19_finetuned" and (self.head_epochs or self.unfrozen_blocks):
            raise FerError(
                "`head_epochs` and `unfrozen_blocks` are available for vgg19_finetuned only. "
                f"Received: {self.head_epochs} and {self.unfrozen_blocks} for {self.architecture}"
            )
        if self.feature_views and not self.freezes_at(0):
            raise FerError(
                "`feature_views` require a frozen backbone. "
                f"Received: feature_views={self.feature_views} for {self.architecture}"
            )

    def _check_cached(self) -> None:
        needing_pixels = ("cutmix", "ema", "sharpness", "vote_head")
        names = [name for name in needing_pixels if getattr(self, name)]
        if self.feature_views and names:
            raise FerError(
                f"`{names[0]}` requires training on pixels, without cached features. "
                f"Received: {getattr(self, names[0]):g} with feature_views={self.feature_views}"
            )

    def _check_folds(self) -> None:
        if self.folds == 1 or not min(1, self.folds) <= self.fold <= self.folds:
            raise FerError(
                "`folds` must be at least 2, with a `fold` from 1 to that number, or both 0. "
                f"Received: folds={self.folds} and fold={self.fold}"
            )

    def _check_image_size(self) -> None:
        smallest = self._architecture.smallest
        for name, pixels in zip(("height", "width"), self.image_size, strict=True):
            if not smallest <= pixels <= LARGEST_IMAGE:
                raise FerError(
                    f"The image {name} must be from {smallest} to {LARGEST_IMAGE} pixels for "
                    f"{self.architecture}. Received: {pixels}"
                )

    @property
    def family(self) -> str:
        """Returns the architecture's family: "cnn", "vgg19", "ensemble" or "imported"."""
        return self._architecture.family

    @property
    def is_trained(self) -> bool:
        """Tells whether training made the model: not of an ensemble, nor of an import."""
        return self.family != "ensemble" and self.recipe != IMPORTED_RECIPE

    @property
    def validates_on(self) -> Fold | None:
        """Returns the fold that validates; None with the dataset's own splits."""
        if not self.folds:
            return None
        return Fold(self.fold - 1, self.folds, self.fold_unit, self.fold_seed)

    def freezes_at(self, epoch: int) -> bool:
        """Tells whether the whole backbone is frozen in that epoch."""
        if self.architecture == "vgg19_finetuned":
            return epoch < self.head_epochs or not self.unfrozen_blocks
        return self.architecture == "vgg19_dropout"

    @property
    def channels(self) -> int:
        """Returns the channels of the model's input: 1 for gray, 3 for RGB."""
        return self._architecture.channels

    @property
    def _architecture(self) -> Architecture:
        return (ARCHITECTURES | _FROM_MODELS)[self.architecture]

    def setting(self, name: str) -> Any:
        """Returns a setting by its name, also one of augmentation."""
        return getattr(self if hasattr(self, name) else self.augmentation, name)

    def with_settings(self, settings: Mapping[str, Any]) -> "TrainConfig":
        """Returns settings in which some are replaced, by name, those of augmentation too.

        Raises:
            FerError: as `from_dict`.
        """
        record = self.to_dict()
        for name, value in settings.items():
            place = record["augmentation"] if name in record["augmentation"] else record
            place[name] = value
        try:
            return self.from_dict(record)
        except FerError as error:  # says what is wrong with it, without a subject
            raise FerError(f"A setting {error}") from error

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


SETTINGS = settings_of(TrainConfig) | settings_of(Augmentation)


def weights_file(config: TrainConfig) -> Path | None:
    """Returns the backbone's weights file if the settings name one by path, else None.

    Raises:
        FerError: there is no such file, it is not an .h5 file, or it must not be read: one
            sentence for all, which does not tell strangers what exists.
    """
    if config.weights in ("none", "imagenet"):
        return None
    path = Path(os.path.expanduser(config.weights))  # noqa: PTH111 (Path's raises)
    is_weights = path.suffix.lower() in (".h5", ".hdf5")
    if not (is_weights and access.current().may_read(path) and os.path.isfile(path)):  # noqa: PTH113
        raise FerError(
            "`weights` must be imagenet, none, or the path of a VGG19 .h5 file without the top. "
            f"Received: {config.weights}"
        )
    return path
