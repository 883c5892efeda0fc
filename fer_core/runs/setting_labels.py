"""What every setting of a run is called and what it means, for the form and the terminal."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """The words for a field of `TrainConfig` or `Augmentation`."""

    label: str
    help: str
    step: float | None = None  # of the form's − and + buttons; by default 1 for whole numbers


SETTINGS = {
    "architecture": Setting("Architecture", "The network that is trained."),
    "image_size": Setting(
        "Image size",
        "Height and width in pixels to which faces are resized; 48 and 100 are usual. The classic "
        "CNN needs 46, the wide one 24, VGG19 32.",
    ),
    "class_names": Setting(
        "Expressions", "At least two, to leave the others out; none named means all."
    ),
    "epochs": Setting("Epochs", "How often the network sees every training image."),
    "batch_size": Setting("Batch size", "Images between two corrections of the weights."),
    "learning_rate": Setting(
        "Learning rate",
        "How large each correction is. Too large, and the loss jumps or becomes infinite.",
        step=1e-4,
    ),
    "learning_rate_decay": Setting(
        "Learning rate decay",
        "After n corrections the learning rate is divided by 1 + decay × n.",
        step=1e-6,
    ),
    "optimizer": Setting(
        "Optimizer",
        "How corrections are made: Adam scales each by its own history; SGD goes on in the "
        "direction of the last ones (Nesterov's momentum of 0.9) and wants a larger learning rate.",
    ),
    "schedule": Setting(
        "Learning rate over time",
        "constant, or falling along a cosine to a thousandth at the last epoch.",
    ),
    "warmup": Setting(
        "Warm-up", "Epochs at the beginning in which the learning rate rises from 0.", step=0.5
    ),
    "weight_decay": Setting(
        "Weight decay",
        "With every correction each weight loses this share of itself, times the learning rate; "
        "Adam with it is AdamW.",
        step=1e-3,
    ),
    "label_smoothing": Setting(
        "Label smoothing",
        "This share of every target is spread over all expressions, so that the network is less "
        "sure of itself.",
        step=0.05,
    ),
    "mixup": Setting(
        "Mixup",
        "Images are laid over one another, and their targets likewise; the larger the number the "
        "more evenly. 0.2 is usual, 0 means never.",
        step=0.1,
    ),
    "votes": Setting(
        "FER+ votes",
        "This share of every target comes from the votes of FER+'s ten annotators instead of the "
        "label; for data sets that were added with FER+'s table beside.",
        step=0.1,
    ),
    "teachers": Setting(
        "Teachers",
        "Runs that know the same expressions. What they answer together to each training image "
        "becomes a part of its target: one network learns what several know.",
    ),
    "distillation": Setting(
        "Share of the teachers",
        "This share of every target is the teachers' answer instead of the label.",
        step=0.1,
    ),
    "class_weights": Setting(
        "Class weights",
        "Rare expressions count more in the loss, so that all classes weigh the same.",
    ),
    "weights": Setting(
        "Weights of VGG19",
        "imagenet (Keras downloads 80 MB once), none (random), or the path of a .h5 file without "
        "top on this machine.",
    ),
    "precision": Setting(
        "Precision",
        "mixed_bfloat16 computes in half precision, which is faster on processors made for it and "
        "slower on others; the saved network computes in float32.",
    ),
    "head_epochs": Setting(
        "Epochs of the head",
        "At the beginning of all epochs the new layers on top learn alone, so that their first, "
        "wild corrections do not spoil what VGG19 knows.",
    ),
    "head_learning_rate": Setting(
        "Learning rate of the head", "In these epochs; it stays the same.", step=1e-4
    ),
    "unfrozen_blocks": Setting(
        "Blocks that learn",
        "Of VGG19's five, counted from the top; the others keep their ImageNet weights.",
    ),
    "feature_views": Setting(
        "Views of each image",
        "VGG19's frozen layers are computed once for so many augmented views of every image, and "
        "kept; each epoch draws among them and trains the head alone. 1 takes the images as they "
        "are; 0 computes everything anew, with new augmentation, in every epoch.",
    ),
    "seed": Setting(
        "Seed", "Decides initial weights, shuffling, augmentation and dropout; never the splits."
    ),
    "validation_fraction": Setting(
        "Validation fraction",
        "Share of the training images that is kept to choose the best epoch, where the data set "
        "brings no validation split; always the same images for one data set.",
        step=0.05,
    ),
    "overlay": Setting(
        "Use corrections",
        "Leaves images out and gives others another expression, as was decided on the Data sets "
        "page: in training, validation and test alike, so that scores are those of other images "
        "than without. A run keeps the corrections that were there when it was asked for.",
    ),
    "early_stopping": Setting(
        "Early stopping",
        "Ends after that many epochs without a better validation accuracy; 0 = never.",
    ),
    "average_views": Setting(
        "Average views at the end",
        "Also asks the finished network for ten views of every image, shifted and mirrored, and "
        "averages what it answers: about a point better, at ten times the time.",
    ),
    "test_at_end": Setting(
        "Open the test split at the end",
        "The test split is sealed: it is evaluated once. Leave it sealed while you still choose "
        "between settings.",
    ),
    "deterministic": Setting(
        "Exactly repeatable",
        "A run that was killed and resumed ends with the very weights of one that was not, bit "
        "for bit. Without it some sums may be taken in another order.",
    ),
    "tensorboard": Setting(
        "TensorBoard files",
        "Writes the curves as TensorBoard event files too, into the run's folder. Needs the "
        "package tensorboard.",
    ),
    "initial_run": Setting(
        "Start from",
        "The run whose trained weights it begins with, of the same architecture and image size. "
        "Classes are matched by their names; what the run has not seen begins at random.",
    ),
    "rotation": Setting("Rotation", "Up to ± this many degrees.", step=1.0),
    "shift": Setting("Shift", "Up to ± this fraction of width and of height.", step=0.05),
    "shear": Setting(
        "Shear",
        "Up to ± this many degrees, as shear_range of Keras's ImageDataGenerator means it: the "
        "classic 0.2 is a fifth of a degree and hardly to be seen.",
        step=1.0,
    ),
    "zoom": Setting(
        "Zoom",
        "Width and height are each scaled by a factor from 1 − zoom to 1 + zoom, as zoom_range of "
        "Keras's ImageDataGenerator means it.",
        step=0.05,
    ),
    "flip": Setting("Flip", "Every second image is mirrored left to right."),
    "contrast": Setting(
        "Contrast", "Times a factor from 1 − contrast to 1 + contrast, about the mean.", step=0.05
    ),
    "brightness": Setting("Brightness", "Up to ± this share of white is added.", step=0.05),
    "erasing": Setting(
        "Erasing", "In this share of the images a rectangle of noise hides a part.", step=0.05
    ),
}
