"""Defines the label and the help of every setting, for the form and the command line."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """The label and help of a field of `TrainConfig` or `Augmentation`."""

    label: str
    help: str
    step: float | None = None  # of the form's − and + buttons; by default 1 for integers


# The command line's names of settings where they differ from the field's.
OPTION_NAMES = {"overlay": "corrections", "average_views": "tta"}

SETTINGS = {
    "architecture": Setting("Architecture", "The layers of the model."),
    "image_size": Setting(
        "Image size",
        "Height and width in pixels to which faces are resized; 48 and 100 are usual. The minimum "
        "is 46 for the classic CNN, 24 for the wide one and 32 for VGG19.",
    ),
    "class_names": Setting(
        "Expressions", "The classes to train on, at least two. Empty means all classes."
    ),
    "epochs": Setting("Epochs", "Passes over the training images."),
    "batch_size": Setting("Batch size", "Images per training step."),
    "learning_rate": Setting(
        "Learning rate",
        "The step size of the optimizer. If it is too large, the loss jumps or becomes infinite.",
        step=1e-4,
    ),
    "learning_rate_decay": Setting(
        "Learning rate decay",
        "After n steps the learning rate is divided by 1 + decay × n.",
        step=1e-6,
    ),
    "optimizer": Setting(
        "Optimizer",
        "Adam adapts the step size of each weight. SGD uses Nesterov momentum of 0.9 and needs a "
        "larger learning rate.",
    ),
    "schedule": Setting(
        "Learning rate schedule",
        "constant, or cosine: falls to a thousandth of the learning rate in the last epoch.",
    ),
    "warmup": Setting("Warm-up", "Epochs over which the learning rate rises from 0.", step=0.5),
    "weight_decay": Setting(
        "Weight decay",
        "Decoupled from the gradient: with Adam this is AdamW. Each step shrinks the weights by "
        "this value times the learning rate.",
        step=1e-3,
    ),
    "label_smoothing": Setting(
        "Label smoothing",
        "The fraction of each target that is spread evenly over all expressions. Makes the model "
        "less overconfident.",
        step=0.05,
    ),
    "mixup": Setting(
        "Mixup",
        "Blends pairs of images and their targets. A larger alpha blends more evenly; 0.2 is "
        "usual, 0 = off.",
        step=0.1,
    ),
    "votes": Setting(
        "FER+ votes",
        "The fraction of each target that comes from the votes of FER+'s ten annotators instead "
        "of the label. Needs a dataset that was added with the FER+ votes.",
        step=0.1,
    ),
    "teachers": Setting(
        "Teachers",
        "Knowledge distillation: runs whose mean prediction for each training image becomes part "
        "of its target. They must have the same expressions.",
    ),
    "distillation": Setting(
        "Distillation weight",
        "The fraction of each target that is the teachers' prediction instead of the label.",
        step=0.1,
    ),
    "class_weights": Setting(
        "Class weights",
        "Gives rare expressions a larger weight in the loss, so that all classes count the same.",
    ),
    "weights": Setting(
        "VGG19 weights",
        "imagenet (Keras downloads 80 MB once), none (random), or the path of an .h5 file without "
        "the top on this machine.",
    ),
    "precision": Setting(
        "Precision",
        "mixed_bfloat16 computes in half precision, which is faster on processors that support it "
        "and slower on others. The saved model computes in float32.",
    ),
    "head_epochs": Setting(
        "Head-only epochs",
        "Epochs at the start in which only the new layers on top are trained, so that their large "
        "first gradients do not damage VGG19's pretrained weights.",
    ),
    "head_learning_rate": Setting(
        "Head learning rate", "The constant learning rate of the head-only epochs.", step=1e-4
    ),
    "unfrozen_blocks": Setting(
        "Unfrozen blocks",
        "How many of VGG19's five blocks are fine-tuned, from the top. The others keep their "
        "ImageNet weights.",
    ),
    "feature_views": Setting(
        "Cached views per image",
        "Computes VGG19's frozen layers once for this many augmented views of each image, then "
        "trains only the head on the cached features. 1 uses the images without augmentation; "
        "0 = no cache, with new augmentation in every epoch.",
    ),
    "seed": Setting(
        "Seed",
        "Sets initial weights, shuffling, augmentation and dropout. It does not change the splits.",
    ),
    "validation_fraction": Setting(
        "Validation fraction",
        "The fraction of the training images that is held out for validation if the dataset has "
        "no validation split. It is always the same images of a dataset.",
        step=0.05,
    ),
    "overlay": Setting(
        "Use corrections",
        "Excludes and relabels images as decided on the Datasets page, in all splits. Scores are "
        "then not comparable with those on the uncorrected dataset. A run keeps the corrections "
        "of the time it was submitted.",
    ),
    "early_stopping": Setting(
        "Early stopping",
        "Stops after this many epochs without a better validation accuracy; 0 = off.",
    ),
    "average_views": Setting(
        "Test-time augmentation (10 views)",
        "Also evaluates the trained model on ten shifted and mirrored views of each image and "
        "averages the predictions: about one point more accurate, ten times slower.",
    ),
    "test_at_end": Setting(
        "Open the test split at the end",
        "Evaluates the sealed test split once training is complete. Leave it sealed while you are "
        "still choosing between settings.",
    ),
    "deterministic": Setting(
        "Deterministic",
        "Makes runs reproducible: a run that was interrupted and resumed ends with exactly the "
        "same weights as one that was not.",
    ),
    "tensorboard": Setting(
        "TensorBoard files",
        "Also writes the curves as TensorBoard event files in the run's directory. Needs the "
        "package tensorboard.",
    ),
    "initial_run": Setting(
        "Start from",
        "A run whose trained weights to start from, with the same architecture and image size. "
        "Classes are matched by name; weights of new classes start at random.",
    ),
    "rotation": Setting("Rotation", "Up to ± this many degrees.", step=1.0),
    "shift": Setting("Shift", "Up to ± this fraction of the width and of the height.", step=0.05),
    "shear": Setting(
        "Shear",
        "Up to ± this many degrees, like shear_range of Keras's ImageDataGenerator. The classic "
        "value of 0.2 is a fifth of a degree and hardly visible.",
        step=1.0,
    ),
    "zoom": Setting(
        "Zoom",
        "Scales width and height separately by a factor from 1 − zoom to 1 + zoom, like zoom_range "
        "of Keras's ImageDataGenerator.",
        step=0.05,
    ),
    "flip": Setting("Flip", "Mirrors half of the images horizontally."),
    "contrast": Setting(
        "Contrast",
        "Scales the contrast by a factor from 1 − contrast to 1 + contrast.",
        step=0.05,
    ),
    "brightness": Setting("Brightness", "Adds up to ± this fraction of white.", step=0.05),
    "erasing": Setting(
        "Random erasing",
        "The fraction of the images in which a rectangle is replaced with noise.",
        step=0.05,
    ),
}
