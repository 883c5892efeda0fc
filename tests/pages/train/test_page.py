"""The page that starts runs."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import Augmentation
from fer_core.runs.listing import list_runs
from fer_core.runs.recipes import RECIPES, settings_here
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.tasks import queue
from fer_core.tasks import task as tasks
from fer_core.tasks.task import TaskState
from pages.components.shared.formatting import format_run, plain
from pages.components.train.settings_form import OPEN
from tests.datasets.test_ferplus import voted_faces
from tests.pages.conftest import rerun, unfold

PageOpener = Callable[..., AppTest]

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def page(workspace: object, open_page: PageOpener) -> AppTest:
    draw_dataset("faces", count=70)
    return open_page("train")


@pytest.fixture
def form(page: AppTest) -> AppTest:
    """The page with its settings open."""
    return unfold(page, OPEN)


def started() -> list[Run]:
    return [run for run in list_runs() if not run.is_pretrained]


def press_start(page: AppTest) -> None:
    next(button for button in page.button if button.label == "Start training").click().run()
    assert not page.exception


def number(page: AppTest, label: str) -> object:
    return next(entry for entry in page.number_input if entry.label == label)


def test_without_a_data_set_it_says_what_to_do(open_page: PageOpener) -> None:
    page = open_page("train")
    assert "no dataset yet" in page.info[0].value
    assert not page.button


@pytest.mark.parametrize("name", ["cnn_classic", "cnn_classic_wide"])
def test_a_recipe_is_started_exactly_as_it_is(page: AppTest, name: str) -> None:
    page.selectbox(key="recipe").set_value(name).run()
    press_start(page)
    (run,) = started()
    assert run.config == replace(settings_here(name), dataset="faces")
    assert run.state is TaskState.QUEUED
    assert page.query_params["run"] == run.id


def test_every_setting_can_be_changed(form: AppTest) -> None:
    form.selectbox(key="recipe").set_value("vgg19_finetuned").run()
    given = {"Epochs": 30, "Batch size": 8, "Learning rate": 0.01, "Seed": 5, "Image height": 64,
             "Warm-up": 1.5, "Early stopping": 2, "Image width": 100, "Cached views per image": 3,
             "Head-only epochs": 4, "Head learning rate": 0.02, "Unfrozen blocks": 1,
             "Weight decay": 0.2, "Label smoothing": 0.05, "Mixup": 0.4, "FER+ votes": 0.25,
             "Rotation": 10.0, "Shift": 0.15, "Shear": 5.0, "Zoom": 0.3, "Contrast": 0.1,
             "Brightness": 0.2, "Random erasing": 0.35}  # fmt: skip
    for label, value in given.items():
        number(form, label).set_value(value)
    form.multiselect[0].set_value(["happy", "sad"])
    form.text_input[0].set_value("none")
    chosen = {"precision": "mixed_bfloat16", "optimizer": "sgd", "schedule": "constant"}
    for name, value in chosen.items():
        form.selectbox(key=f"setting-vgg19_finetuned-{name}").set_value(value)
    for checkbox in form.checkbox:
        checkbox.set_value(checkbox.label in ("Class weights", "TensorBoard files"))
    press_start(form)
    (run,) = started()
    recipe = RECIPES["vgg19_finetuned"].config
    assert run.config == replace(
        recipe, dataset="faces", epochs=30, batch_size=8, learning_rate=0.01, seed=5,
        image_size=(64, 100), warmup=1.5, early_stopping=2, weights="none", feature_views=3,
        head_epochs=4, head_learning_rate=0.02, unfrozen_blocks=1, weight_decay=0.2,
        label_smoothing=0.05, mixup=0.4, votes=0.25, **chosen,
        augmentation=Augmentation(rotation=10.0, shift=0.15, shear=5.0, zoom=0.3, flip=False,
                                  contrast=0.1, brightness=0.2, erasing=0.35),
        class_names=("happy", "sad"), class_weights=True, test_at_end=False,
        average_views=False, deterministic=False, tensorboard=True,
    )  # fmt: skip


def test_several_seeds_are_several_runs(form: AppTest) -> None:
    number(form, "Seeds").set_value(2)
    press_start(form)
    second, first = started()
    assert (first.config.seed, second.config.seed) == (0, 1)
    assert form.query_params["run"] == first.id
    assert format_run(second).endswith("(seed 1)")


def test_labels_are_a_choice_where_a_dataset_has_votes(page: AppTest) -> None:
    page = unfold(page, OPEN)
    assert not any(field.label == "Labels" for field in page.selectbox)
    open_dataset("faces").delete()
    voted_faces()
    rerun(page)
    page.selectbox(key="recipe").set_value("ferplus").run()
    assert next(field for field in page.selectbox if field.label == "Labels").value == "ferplus"
    press_start(page)
    (run,) = started()
    assert run.config == replace(settings_here("ferplus"), dataset="faces")


def test_augmentation_is_shown_as_it_is_chosen_and_nothing_is_started(page: AppTest) -> None:
    assert not page.get("image")
    for words, recipe in (("All augmentation is off", "cnn_classic"), ("", "cnn_residual")):
        page.selectbox(key="recipe").set_value(recipe).run()
        next(button for button in page.button if button.label == "Show augmentation").click()
        rerun(page)
        assert len(page.get("image")) == 1
        off = any("All augmentation is off" in caption.value for caption in page.caption)
        assert off == bool(words)
    assert started() == []


def test_the_classic_decay_is_asked_for_where_it_belongs(form: AppTest) -> None:
    number(form, "Learning rate decay").set_value(0.001)
    press_start(form)
    assert started()[0].config.learning_rate_decay == 0.001
    labels = {entry.label for entry in form.number_input}
    assert "Head-only epochs" not in labels and "Cached views per image" not in labels


@pytest.mark.parametrize(
    ("recipe", "label", "value", "sentence"),
    [
        ("cnn_classic", "Image height", 20, "The image height must be from 46 to 512 pixels"),
        ("vgg19_dropout", "Image width", 31, "The image width must be from 32 to 512 pixels"),
        ("cnn_classic", "Epochs", 0, "`epochs` must be from 1 to 10000. Received: 0"),
        ("cnn_classic", "Zoom", 1.5, "`zoom` must be from 0 to 0.9. Received: 1.5"),
    ],
)
def test_what_is_impossible_is_refused_with_a_sentence(
    form: AppTest, recipe: str, label: str, value: float, sentence: str
) -> None:
    form.selectbox(key="recipe").set_value(recipe).run()
    number(form, label).set_value(value)
    press_start(form)
    assert plain(sentence) in form.error[0].value
    assert started() == []


def test_weights_that_are_no_file_are_refused_here(form: AppTest) -> None:
    form.selectbox(key="recipe").set_value("vgg19_dropout").run()
    form.text_input[0].set_value("/no/such/weights.h5")
    press_start(form)
    assert "Received: /no/such/weights.h5" in form.error[0].value
    assert started() == []


def test_one_expression_alone_is_refused(form: AppTest) -> None:
    form.multiselect[0].set_value(["happy"])
    press_start(form)
    assert "at least two expressions" in form.error[0].value


def test_two_presses_give_two_runs_in_the_queue(page: AppTest) -> None:
    press_start(page)
    press_start(page)
    assert [run.state for run in started()] == [TaskState.QUEUED] * 2


def test_a_run_can_be_taken_from_the_queue(page: AppTest) -> None:
    press_start(page)
    next(button for button in page.button if button.label == "Cancel this run").click().run()
    assert not page.exception
    assert [run.state for run in started()] == [TaskState.CANCELLED]


def test_a_run_is_still_watched_when_its_data_set_was_deleted(
    page: AppTest, open_page: PageOpener
) -> None:
    press_start(page)
    open_dataset("faces").delete()
    page = open_page("train")
    assert any(button.label == "Cancel this run" for button in page.button)


def test_a_data_set_that_is_being_added_is_shown(open_page: PageOpener) -> None:
    directory = tasks.new_directory(paths.tasks_root(), "draw")
    queue.submit(directory, "draw", {"name": "faces", "count": 70, "seed": 0})
    page = open_page("train")
    assert any("faces" in text.proto.text for text in page.get("progress"))


def test_a_press_meant_for_a_data_set_that_is_gone_starts_nothing(form: AppTest) -> None:
    draw_dataset("other", count=70, seed=1)
    number(form, "Epochs").set_value(7)
    open_dataset("faces").delete()
    press_start(form)
    assert started() == []


def test_what_a_recipe_was_started_with_stays_when_another_is_looked_at(form: AppTest) -> None:
    number(form, "Epochs").set_value(7)
    press_start(form)
    for name in ("cnn_classic_wide", "cnn_classic"):
        form.selectbox(key="recipe").set_value(name).run()
    assert number(form, "Epochs").value == 7
