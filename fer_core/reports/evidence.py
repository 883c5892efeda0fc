"""Says in sentences how far the results of a run carry."""

from fer_core.datasets import GROUP_NOUNS, describe_corrections, images_per_group
from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport
from fer_core.reports.material import Material
from fer_core.runs import EARLY_STOPPED, SETTINGS, STOPPED, Run
from fer_core.text import SPLIT_NAMES, counted

_FEW_SUBJECTS = 30  # below which intervals over images say little about people


def evidence_of(material: Material) -> list[str]:
    """Returns what a reader must know before trusting the numbers, the gravest first."""
    return [
        *material.problems,
        *_ending(material.run),
        *_changed(material),
        *_choice(material.run),
        *_shared(material),
        *_subjects(material),
        *_labels(material),
        *_quality(material),
        "All intervals are 95 % intervals over images. They tell how much another sample of such "
        "images may differ, not how much another training, seed or population may.",
    ]


def _ending(run: Run) -> list[str]:
    result = run.result
    if not run.config.is_trained:
        return []
    if result is None:
        return [f"Training is not complete: the run is {run.state}. Its numbers are provisional."]
    notes = [result.remark] if result.remark else []
    if result.reason == EARLY_STOPPED:
        notes.append("Training stopped early, as set, since validation did not improve.")
    elif result.reason == STOPPED:  # the remark says why a run was pruned
        notes.append(f"Training was stopped by hand after {counted(result.epochs, 'epoch')}.")
    return notes


def _changed(material: Material) -> list[str]:
    """Tells whether the images and labels are still those of the training."""
    run, dataset = material.run, material.dataset
    if dataset is None or not run.fingerprint:
        return []
    try:
        is_same = dataset.fingerprint() == run.fingerprint
    except (FerError, OSError):
        return [
            "Image files of the dataset are missing now, so what is said of it may be outdated."
        ]
    if is_same or run.config.class_names:
        return []
    return [
        "The dataset has changed since the run was trained: its fingerprint is another one. What "
        "is said of subjects and quality is of today's images."
    ]


def _choice(run: Run) -> list[str]:
    notes = [run.fold_note] if run.fold_note else []
    if run.config.is_trained and len(run.history):
        epochs = counted(len(run.history), "epoch")
        notes.append(
            f"The validation split chose the best of {epochs}, fitted the temperature and may have "
            "chosen the settings. Its scores are therefore somewhat optimistic."
        )
    openings = run.test_openings if run.test_opened else []
    if len(openings) > 1:
        notes.append(
            f"The test split was opened {len(openings)} times, the last time on "
            f"{openings[-1]:%Y-%m-%d}: its scores are optimistic, since it may have influenced "
            "choices."
        )
    elif openings:
        notes.append(
            f"The test split was opened once, on {openings[0]:%Y-%m-%d}, and chose nothing."
        )
    elif run.has_test:
        notes.append("The test split is sealed: no number here is of images that chose nothing.")
    elif run.class_names:
        notes.append("There is no test split: no number here is of images that chose nothing.")
    return notes


def _shared(material: Material) -> list[str]:
    notes = []
    for split, tta in material.evaluations:
        if not tta:
            notes += _shared_in(SPLIT_NAMES[split], material.evaluations[split, tta])
    return notes


def _shared_in(name: str, found: EvaluationReport) -> list[str]:
    score = found.score
    notes = []
    if "leaked" not in found.predictions:
        notes.append(f"{name}: whether images are also in the training split is not recorded.")
    elif score.clean is not None:
        notes.append(
            f"{name}: {counted(score.leaked, 'image')} of {score.accuracy.total:,} are also in the "
            f"training split, pixel for pixel. Without them the accuracy is {score.clean}."
        )
    elif found.predictions["leaked"].any():
        notes.append(f"{name}: all images are also in the training split, pixel for pixel.")
    else:
        notes.append(f"{name}: no image is also in the training split, pixel for pixel.")
    if seen := score.describe_seen():
        notes.append(f"{name}: {seen}")
    return notes


def _subjects(material: Material) -> list[str]:
    if material.index is None:
        return []
    subjects = images_per_group(material.index, "subject")
    if not len(subjects):
        return [
            "The dataset does not tell whom an image shows. The same people may be in several "
            "splits; on people who are not in the training images, the accuracy may be lower."
        ]
    notes = []
    for split in ("val", "test"):
        rows = material.index[material.index["split"] == split]
        number = len(images_per_group(rows, "subject"))
        if (split, False) in material.evaluations and 0 < number < _FEW_SUBJECTS:
            notes.append(
                f"{SPLIT_NAMES[split]} has images of {counted(number, *GROUP_NOUNS['subject'])} "
                "only. Images of one person resemble each other, so intervals over images are too "
                "narrow for statements about people."
            )
    return notes


def _labels(material: Material) -> list[str]:
    config, notes = material.run.config, []
    if material.corrections is not None and (said := describe_corrections(material.corrections)):
        notes.append(
            f"Corrections are applied to all splits ({said}), so the scores do not compare with "
            "those on the published labels."
        )
    if config.labels != "dataset":
        labels = (SETTINGS["labels"].choices or {}).get(config.labels, config.labels)
        notes.append(f"The labels are not those of the dataset: {labels}.")
    return notes


def _quality(material: Material) -> list[str]:
    if material.dataset is not None and material.findings is None:
        return [
            "The images were not scanned for near duplicates and other problems, or have changed "
            "since: near duplicates between the splits are unknown."
        ]
    return []
