"""Changes what the classes and splits of a dataset mean, after its import."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.index import write_index
from fer_core.datasets.layouts.choices import Choices, choices_of
from fer_core.datasets.layouts.class_names import name_key
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.plan import ImportPlan, make_plan
from fer_core.datasets.layouts.subjects import with_chosen_pattern
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.split_groups import GROUP, SUBJECT
from fer_core.datasets.split_notes import split_notes
from fer_core.datasets.splits import complete_splits
from fer_core.errors import FerError
from fer_core.expressions import sort_classes
from fer_core.storage import read_json, workspace, write_json
from fer_core.tasks import ProgressReporter, Task
from fer_core.text import some
from fer_core.vision import face_pixels

# How notes about classes and splits begin.
_MAPPING_NOTES = ("Class n", "Classes ", "These names ", "Splits ", "Splits, from ")
# ... and those about subjects and the splits drawn by them.
_SUBJECT_NOTES = (
    *("Recognized ", "Warning: ", "All images are of one ", "Not validated, since "),
    *("No validation split ", "No test split ", "No subject ", "No sequence "),
)


def run_change(task: Task) -> None:
    """Runs a task of kind "labels"; called by the worker.

    Raises:
        FerError: as `change_mapping`.
    """
    if task.request is None:
        raise FerError(f"The request of task {task.id} is missing or damaged. Start it again.")
    name = task.request.arguments["dataset"]
    ProgressReporter(task)(0, 1, "Changing classes and splits")
    change_mapping(name, choices_of(task.request.arguments["choices"]), instead=True)
    write_json(task.directory / "result.json", {"dataset": name})


def change_mapping(name: str, choices: Choices, *, instead: bool = False) -> Dataset:
    """Changes class, split and subject of a dataset's images, without importing them again.

    Runs keep what they were trained on: their fingerprint of the dataset differs then. Images
    that were left out at import stay out.

    Args:
        choices: in addition to those of the import, which they override.
        instead: the choices on classes and splits replace those of the import.

    Raises:
        FerError: the dataset is of an older version, a choice does not fit it or leaves a
            question open, or corrections name an expression that there would no longer be.
    """
    with FileLock(workspace() / "overlay.lock"):  # no correction may come in between
        dataset = open_dataset(name)
        stored = dataset.stored_index
        check_has_names(dataset)
        record = read_json(dataset.directory / "data_set.json")
        before = current_choices(dataset)
        if instead:
            before = replace(before, numbering="", classes={}, splits={})
        chosen = before.updated(choices)
        regroups = chosen.subjects != before.subjects
        plan = _plan(dataset, stored, chosen, regroups=regroups)
        plan.check_decided()
        _check_corrections(dataset, plan)
        index = _with_splits(plan, dataset, record, redraws=regroups)
        means = _mean_faces(dataset, stored, plan)
        notes = _other_notes(dataset, regroups)
        if regroups:
            notes += split_notes(plan.index, index, dataset.split_seed)
        changed = {
            "images": len(index),
            "choices": plan.choices.as_record(),
            "own_splits": sorted({*plan.index["split"]} - {""}),
            "notes": [*notes[:1], *plan.notes, *notes[1:]],
        }
        write_index(dataset.directory, index[_columns(stored, index)])
        np.save(dataset.directory / "mean_faces.npy", means)
        write_json(dataset.directory / "data_set.json", {**record, **changed})
    return open_dataset(name)


def current_choices(dataset: Dataset) -> Choices:
    """Returns the choices of a dataset without those on classes and splits that were left out."""
    stored, choices = dataset.stored_index, dataset.choices
    names = set(map(name_key, stored["source_class"].unique()))
    words = set(stored["source_split"].unique())
    return replace(
        choices,
        classes={name: each for name, each in choices.classes.items() if name_key(name) in names},
        splits={word: split for word, split in choices.splits.items() if word in words},
    )


def check_has_names(dataset: Dataset) -> None:
    """Checks that the names of classes in the data are known.

    Raises:
        FerError: the dataset is of an older version.
    """
    if "source_class" not in dataset.stored_index:
        raise FerError(
            f"{dataset.name} was added by an older version, which did not keep the names of "
            "classes. Add it again."
        )


def _other_notes(dataset: Dataset, regroups: bool) -> list[str]:
    """Returns the notes that a change leaves as they are; the first one is on the layout."""
    outdated = (*_MAPPING_NOTES, *(_SUBJECT_NOTES if regroups else ()))
    first, *others = dataset.notes or ("",)
    return [first, *(note for note in others if not note.startswith(outdated))]


def _columns(stored: pd.DataFrame, index: pd.DataFrame) -> list[str]:
    """Returns the columns to store, in order; a pattern of subjects may have added some."""
    kept = [name for name in stored if name in index]
    return [*kept, *(name for name in (SUBJECT, GROUP) if name in index and name not in kept)]


def _plan(
    dataset: Dataset, stored: pd.DataFrame, choices: Choices, *, regroups: bool
) -> ImportPlan:
    rows, notes = stored.rename(columns={"source_class": "class_name"}), list[str]()
    if regroups:
        rows, notes = with_chosen_pattern(rows, choices.subjects)
    parsed = ParsedLayout(
        dataset.layout,
        dataset.root,
        rows.assign(place=range(len(stored))),
        tuple(notes),
        lambda index: "",
        dataset.conventions,
    )
    return make_plan(parsed, choices)


def _check_corrections(dataset: Dataset, plan: ImportPlan) -> None:
    saved = dataset.saved_corrections
    used = {*saved.relabeled.values(), *saved.confirmed.values()}
    missing = sorted(used - set(plan.index["expression"]))
    if missing:
        raise FerError(
            f"Corrections of {dataset.name} name {some(missing)}, which would no longer be an "
            "expression of it. Undo these corrections first."
        )


def _with_splits(
    plan: ImportPlan, dataset: Dataset, record: dict[str, Any], *, redraws: bool
) -> pd.DataFrame:
    """Keeps drawn splits as they are; draws them if the data had them and no longer do.

    Args:
        redraws: draws them in any case, since other images belong together now.
    """
    before = dataset.stored_index["split"].to_numpy()[plan.index["place"]]
    own = plan.index["split"].to_numpy()
    keeps = record.get("own_splits") == sorted({*own} - {""}) and not redraws
    split = np.where(own == "", before, own) if keeps else own
    fraction, seed = dataset.validation_fraction, dataset.split_seed
    # The share of a drawn test split is not recorded, but its size is.
    test = float((before == "test").mean()) if redraws and "test" not in own else 0.0
    return complete_splits(plan.index.assign(split=split), fraction, seed, test)


def _mean_faces(dataset: Dataset, stored: pd.DataFrame, plan: ImportPlan) -> np.ndarray:
    """Combines the mean faces of old classes; reads images only of a class that was divided."""
    old = dataset.mean_faces()
    index = plan.index
    before = stored["expression"].to_numpy()[index["place"]]
    sizes = stored["expression"].value_counts()
    means = []
    for name in sort_classes(index["expression"].unique()):
        rows = index["expression"] == name
        parts = pd.Series(before[rows]).value_counts()
        if all(count == sizes[part] for part, count in parts.items()):
            faces = np.stack([old[str(part)] for part in parts.index]).astype(float)
            mean = np.asarray(np.average(faces, axis=0, weights=parts.to_numpy()))
        else:
            size = next(iter(old.values())).shape[:2]
            total = np.zeros((*size, 3))
            for place in index.loc[rows, "place"]:
                total += face_pixels(dataset.image(int(place)), size, channels=3)
            mean = total / int(rows.sum())
        means.append(np.rint(mean).astype(np.uint8))
    return np.stack(means)
