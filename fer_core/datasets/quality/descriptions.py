"""Titles, explanations and advice for each kind of finding."""

from dataclasses import dataclass

from fer_core.datasets.quality import thresholds
from fer_core.text import SPLIT_NAMES

# Pairs of splits that should share no image; shared images are excluded from the first.
PAIRS = (("train", "test"), ("train", "val"), ("val", "test"))

_NEARLY = (
    "the same photo mirrored, turned, zoomed or shifted a little, or with another brightness, "
    "contrast, sharpness or compression; or the next frame of a video. Once aligned, all parts of "
    "the face agree; another expression of the same person is no near duplicate."
)
_DUPLICATES = (
    "Excludes training images only: all of them if validation or test has the image too, "
    "otherwise all but one per group."
)
_ASKED = (
    "Excludes training images only. If labels differ within a group, you decide which one stays."
)


@dataclass(frozen=True)
class Description:
    """Holds the texts shown for one kind of finding."""

    title: str
    meaning: str
    advice: str = "Excludes all of them, in validation and test too."
    population: str = "images"  # what the share of affected images refers to


def _leak(one: str, other: str, *, exact: bool) -> Description:
    known, split = SPLIT_NAMES[one].lower(), SPLIT_NAMES[other].lower()
    what = (
        f"Images of the {split} split that are also in the {known} split, pixel for pixel."
        if exact
        else f"Images of the {split} split with a near duplicate in the {known} split, not "
        f"counting exact copies: {_NEARLY}"
    )
    harm = (
        f"The model may memorize them, so the {split} score is too optimistic."
        if one == "train"
        else "Choosing a model by its validation score also chooses it by these test images."
    )
    title = f"{'Leaks' if exact else 'Near leaks'}: {split} in {known}"
    advice = f"Excludes the {known} images of each group; the {split} split is unchanged."
    return Description(title, f"{what} {harm}", advice, f"{split} images")


DESCRIPTIONS = {
    "unreadable": Description(
        "Unreadable",
        "The file was deleted, damaged or truncated after the dataset was added. A dataset with "
        "unreadable images cannot be trained on. Images that were unreadable at import were "
        "skipped then.",
    ),
    "blank": Description(
        "Blank",
        f"A single shade: the standard deviation of the gray pixels (0 to 255) is below "
        f"{thresholds.BLANK:g}. A model cannot learn anything from them.",
    ),
    "flat": Description(
        "Very low contrast",
        f"The standard deviation of the gray pixels (0 to 255) is below "
        f"{thresholds.NEARLY_FLAT:g}. Some are faces in the dark, others are not faces.",
    ),
    "dark": Description(
        "Too dark",
        f"The mean of the gray pixels (0 to 255) is below {thresholds.DARK:g}; darkest first. "
        "Look for warning signs and black frames among the dark photos.",
    ),
    "bright": Description(
        "Too bright",
        f"The mean of the gray pixels (0 to 255) is above {thresholds.BRIGHT:g}; brightest first. "
        "Besides bright faces, these include notices that replace deleted photos.",
    ),
    "blurred": Description(
        "Blurred",
        f"At 48×48 pixels, the variance of the Laplacian is below {thresholds.BLURRED:g} times "
        "the variance of the pixels (about 0.5 for a typical face photo); most blurred first.",
    ),
    "size": Description(
        "Unusual size",
        f"If at least {thresholds.UNIFORM_SIZE_SHARE:.0%} of the images have one size, images of "
        f"any other size; otherwise images with a side below {thresholds.MIN_SIDE} pixels or an "
        f"aspect ratio above {thresholds.MAX_ASPECT_RATIO:g}. Smallest first.",
    ),
    "copies": Description(
        "Exact duplicates",
        "The same image more than once, pixel for pixel, even if the files differ. Duplicates "
        "get more weight in training.",
        _DUPLICATES,
    ),
    "copies-labels": Description(
        "Exact duplicates, labels differ",
        "The same image, pixel for pixel, with different labels: at most one of them is right.",
        _ASKED,
    ),
    "near": Description(
        "Near duplicates",
        f"Images that are nearly the same: {_NEARLY} Their exact copies are shown with them.",
        _DUPLICATES,
    ),
    "near-labels": Description(
        "Near duplicates, labels differ",
        f"Images that are nearly the same but have different labels: {_NEARLY} For frames of a "
        "video several labels may be right, for a photo at most one.",
        _ASKED,
    ),
    "augmented": Description(
        "Augmented copies",
        "By their names, flipped, turned or otherwise changed copies of other images: X_flip.jpg, "
        "X.jpg0.jpg, aug_0_1234.png. A copy must stay in the split of its source, or in training "
        "if the source is missing; elsewhere it leaks.",
        "Excludes the copies that are in another split than the one they must stay in.",
    ),
    "faceless": Description(
        "No face found",
        "MTCNN found no face with a confidence of 0.85 or more. It also misses some faces that are "
        "turned, covered or cut off, so check these images before excluding them.",
        population="images of a random sample",
    ),
}
for _one, _other in PAIRS:
    DESCRIPTIONS[f"leak-{_one}-{_other}"] = _leak(_one, _other, exact=True)
    DESCRIPTIONS[f"near-leak-{_one}-{_other}"] = _leak(_one, _other, exact=False)
