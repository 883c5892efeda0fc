"""The page that shows what a run confuses."""

import json

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation import metrics as evaluation
from fer_core.evaluation.calibration import save_calibration
from fer_core.evaluation.predictions import find_images
from fer_core.release.card import write_card
from fer_core.runs.run import Run
from fer_core.storage import paths, read_json
from fer_core.storage.files import write_json, write_text
from fer_core.tasks import task as tasks
from tests.pages.conftest import PageOpener, RunFactory, drawn_run, predictions, rerun
from tests.tasks.requests import write_request


def show_test(page: AppTest) -> AppTest:
    """Turns to the test split."""
    page.segmented_control[0].set_value("test")
    return rerun(page)


def leak(run: Run, images: int) -> None:
    """The first images of validation, all rightly answered, are among the training images too."""
    table = run.predictions("val")
    table["leaked"] = table.index < images
    table.to_csv(run.predictions_file("val"), index=False)


def shown(page: AppTest) -> list[tuple[str, list[float]]]:
    """Label and probabilities of the tiles in the gallery."""
    (gallery,) = page.get("bidi_component")
    return [
        (tile["label"], [bar["share"] for bar in tile["bars"]])
        for tile in json.loads(gallery.proto.json)["tiles"]
    ]


def choice(page: AppTest, label: str) -> Selectbox:
    (found,) = [box for box in page.selectbox if box.label == label]
    return found


def asked_to_open(run: Run) -> tasks.Task:
    """A task as `open_test_task` makes it, with no supervisor to take it."""
    directory = tasks.new_directory(paths.tasks_root(), "open-test")
    write_request(directory, "open_test", run=run.id)
    return tasks.Task(directory)


def test_without_a_run_the_page_says_what_to_do(open_page: PageOpener) -> None:
    page = open_page("evaluate")
    assert "There is no trained model yet" in page.info[0].value
    assert page.get("page_link")[0].proto.label == "Train a model"


def test_validation_is_shown_with_its_interval(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    accuracy, _ = open_page("evaluate").metric
    assert (accuracy.label, accuracy.value) == ("Validation accuracy", "60.0%")
    assert accuracy.delta == "51.7% to 67.7%"  # Wilson's, of 84 right in 140


def test_a_clean_accuracy_stands_beside_the_one_that_leaks_flatter(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    leak(run, 40)
    _, clean, _ = open_page("evaluate").metric
    assert (clean.label, clean.value, clean.delta) == (
        "Without leaked images",
        "44.0%",
        "34.7% to 53.8%",
    )
    said = [caption.value for caption in open_page("train", run=run.id).caption]
    sentence = (
        "Without the 40 images that are also in the training split: 44.0% (34.7% to 53.8%, 100"
    )
    assert any(sentence in words for words in said)


def test_images_of_subjects_that_were_trained_on_are_told_beside_every_accuracy(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    table = run.predictions("val")
    table["seen_subject"] = table.index < 40  # all of them right
    table.to_csv(run.predictions_file("val"), index=False)
    for name in ("evaluate", "train", "predict"):
        said = [caption.value for caption in open_page(name, run=run.id).caption]
        assert any("Without the 40 images of subjects" in words for words in said), name
        assert any("44.0% (34.7% to 53.8%, 100" in words for words in said), name
    (row,) = open_page("runs").dataframe[0].value.to_dict("records")
    assert row["val_seen"] == "40 of 140"


def test_how_often_the_truth_is_among_two_is_told(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    top_two = open_page("evaluate").metric[1]
    known = evaluation.top_accuracy(run.predictions("val"), 2)
    assert (top_two.label, top_two.value) == ("Top-2 accuracy", f"{known.value:.1%}")


def test_averaged_views_are_told_beside(open_page: PageOpener, finished_run: RunFactory) -> None:
    run = finished_run()
    predictions(140, 0.7).to_csv(run.predictions_file("val", tta=True), index=False)
    said = [caption.value for caption in open_page("evaluate").caption]
    assert any("test-time augmentation (10 views): 70.0%" in words for words in said)


def test_a_network_that_ships_shows_its_card(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run(opened=True)
    assert not open_page("evaluate").expander
    write_card(run, "A small network")
    (card,) = open_page("evaluate").expander
    assert card.label == "Model card"
    assert "\n#### Out-of-scope use" in card.markdown[0].value
    assert card.markdown[0].value.startswith("### A small network")
    assert "is not an emotion" in card.markdown[0].value


def test_scores_per_expression_are_those_of_the_predictions(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    frames = [frame.value for frame in open_page("evaluate").dataframe]
    (report,) = [frame for frame in frames if "recall" in frame]
    assert report.loc["happy", "recall"] == pytest.approx(60)
    assert report["images"].tolist() == [20] * 7 + [140]
    assert report.loc["happy", "recall_interval"] == "38.7% to 78.1%"  # Wilson's, of 12 in 20


def test_the_matrix_can_show_shares_and_numbers(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = open_page("evaluate")
    printed = []
    for unit in ("Percent", "Images"):
        page.segmented_control[1].set_value(unit)
        chart = rerun(page).get("plotly_chart")[0]
        printed.append(json.loads(chart.spec)["data"][1]["texttemplate"])
    assert printed == ["%{customdata[1]:.0%}", "%{customdata[0]:,}"]


def test_wrong_answers_are_shown_with_their_probabilities_the_surest_first(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    table = run.predictions("val")
    wrong = table[evaluation.predicted(table) != table["expression"]]
    shares = wrong.filter(like="p_")
    surest = wrong.loc[shares.max(axis=1).sort_values(ascending=False).index]
    answered = evaluation.predicted(surest)
    tiles = shown(open_page("evaluate"))
    assert [label for label, _ in tiles] == [
        f"{truth} → {answer}" for truth, answer in zip(surest["expression"], answered, strict=True)
    ][:9]
    assert tiles[0][1] == pytest.approx(surest.filter(like="p_").iloc[0].tolist())


def test_a_cell_is_chosen_without_a_click_and_framed_in_the_matrix(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    table = run.predictions("val")
    answers = evaluation.predicted(table)
    truth, answer = table["expression"][139], answers[139]
    page = open_page("evaluate")
    choice(page, "True expression").set_value(truth)
    choice(page, "Predicted").set_value(answer)
    rerun(page)
    count = ((table["expression"] == truth) & (answers == answer)).sum()
    assert {label for label, _ in shown(page)} == {f"{truth} → {answer}"}
    said = f"**{count}** images of {truth} predicted as {answer}"
    assert any(said in caption.value for caption in page.caption)
    assert len(json.loads(page.get("plotly_chart")[0].spec)["layout"]["shapes"]) == 1


def test_where_no_answer_is_wrong_there_is_no_image_to_show(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    predictions(140, 1.0).to_csv(run.predictions_file("val"), index=False)
    assert "No such images" in open_page("evaluate").info[0].value


def test_answers_can_be_sorted_by_confidence(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    drawn_run(finished_run)
    page = open_page("evaluate")
    choice(page, "Predicted").set_value(None)
    firsts = {}
    for order in ("Most confident first", "Least confident first"):
        choice(page, "Sort by").select(order)
        firsts[order] = max(shown(rerun(page))[0][1])
    table = predictions(140, 0.6).filter(like="p_").max(axis=1)
    assert list(firsts.values()) == pytest.approx([table.max(), table.min()], rel=1e-4)


def test_without_the_data_set_answers_are_a_table_and_a_sentence(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = open_page("evaluate")
    assert "are not on this machine. Add the dataset to see the faces" in page.info[0].value
    table = next(frame.value for frame in page.dataframe if "Predicted" in frame.value)
    assert len(table) == 9
    assert (table["True"] != table["Predicted"]).all()


def test_a_data_set_of_the_same_name_with_other_files_is_not_shown_instead(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    draw_dataset("drawn", count=70)
    finished_run()
    page = open_page("evaluate")
    assert "The dataset drawn on this machine does not contain these images" in page.info[0].value
    assert not page.get("bidi_component")


def test_images_that_the_data_set_has_lost_are_counted(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    table = run.predictions("val")
    table.loc[table.index[-3:], "path"] = "gone.png"
    table.to_csv(run.predictions_file("val"), index=False)
    said = [caption.value for caption in open_page("evaluate").caption]
    assert "3 of 140 images are not in the dataset anymore." in said


def test_the_calibration_error_is_told_before_and_after_the_temperature(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    said = [caption.value for caption in open_page("evaluate").caption]
    assert any("not calibrated" in words for words in said)
    save_calibration(run)
    known = run.calibration()
    sentence = (
        f"Expected calibration error {known.error_before:.1%}, {known.error_after:.1%} after "
        f"calibration (temperature {known.temperature:.2f})."
    )
    assert sentence in [caption.value for caption in open_page("evaluate").caption]


def test_not_sure_leaves_out_answers_below_the_confidence(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    page = open_page("evaluate")
    page.slider[0].set_value(60)
    table = run.predictions("val")
    passed = table[table.filter(like="p_").max(axis=1) >= 0.6]
    said = [words.value for words in rerun(page).markdown]
    sentence = f"**{len(passed) / 140:.1%}** of the images are answered; accuracy on them "
    assert any(words.startswith(f"{sentence}**{evaluation.accuracy(passed)}**") for words in said)
    page.slider[0].set_value(100)
    said = [words.value for words in rerun(page).markdown]
    assert any(
        words.startswith("**0.0%** of the images are answered. Accuracy on the others")
        for words in said
    )


def test_not_sure_begins_where_predict_says_so(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    assert open_page("evaluate").slider[0].value == 50  # it has no threshold on record
    file = run.directory / "calibration.json"
    record = {"temperature": 1.1, "error_before": 0.1, "error_after": 0.05, "threshold": 0.634}
    write_json(file, {"single": record})
    assert open_page("evaluate").slider[0].value == 63


def test_the_address_chooses_the_run(open_page: PageOpener, finished_run: RunFactory) -> None:
    for run in [finished_run(), finished_run(), finished_run()]:
        assert open_page("evaluate", run=run.id).selectbox[0].value == run.id


def test_another_run_can_be_chosen_and_stands_in_the_address(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    first, second = finished_run(), finished_run()
    page = open_page("evaluate", run=first.id)
    page.selectbox[0].set_value(second.id)
    rerun(page)
    assert page.selectbox[0].value == second.id
    assert page.query_params["run"] == second.id


def test_an_address_of_a_run_that_is_gone_shows_the_newest(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    assert open_page("evaluate", run="../../etc").selectbox[0].value == run.id


def test_a_sealed_test_split_is_explained_not_shown(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = show_test(open_page("evaluate"))
    assert "sealed" in page.info[0].value
    assert [button.label for button in page.button] == ["Open the test split"]
    assert not page.metric


def test_opening_the_test_split_asks_for_it_once(
    open_page: PageOpener, finished_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    monkeypatch.setattr("fer_core.runs.submit.open_test_task", asked_to_open)
    page = show_test(open_page("evaluate"))
    page.button[0].click()
    rerun(page)
    (task,) = tasks.list_tasks("open_test")
    assert task.request is not None
    assert task.request.arguments == {"run": run.id}
    assert not page.button  # while it waits, it cannot be asked for again


def test_why_the_test_split_could_not_be_opened_is_said(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    task = asked_to_open(finished_run())
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    (task.directory / "request.json").rename(attempt / "request.json")
    write_text(attempt / "error.txt", "The images have changed since.")
    page = show_test(open_page("evaluate"))
    assert page.error[0].value == "The images have changed since."
    assert page.button[0].label == "Open the test split"


def test_a_split_that_was_opened_and_sealed_again_shows_no_error(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    task = asked_to_open(finished_run())  # a better model has dropped the answers since
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    (task.directory / "request.json").rename(attempt / "request.json")
    write_text(attempt / "exit.json", '{"code": 0, "signal": null, "ended": 1.0}')
    write_text(task.directory / "result.json", "{}")
    page = show_test(open_page("evaluate"))
    assert not page.error and page.button[0].label == "Open the test split"


def test_an_opened_test_split_shows_its_accuracy_and_when(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run(opened=True)
    page = show_test(open_page("evaluate"))
    assert page.metric[0].value == "50.0%"
    assert any("Opened on 01 March 2026 at 12:30" in text.value for text in page.caption)


def test_damaged_predictions_are_said(open_page: PageOpener, finished_run: RunFactory) -> None:
    run = finished_run()
    run.predictions_file("val").write_text("")
    assert "for val are damaged" in open_page("evaluate").error[0].value
    assert "for val are damaged" in open_page("train", run=run.id).error[0].value


def test_an_address_of_a_run_that_is_gone_is_said(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    assert "does not exist" in open_page("evaluate", run="gone").warning[0].value


def run_that_doubts_one(finished_run: RunFactory) -> tuple[Run, str]:
    """A run that is sure of every label but that of its eighth answer, and how it calls that."""
    run = drawn_run(finished_run)
    table = run.predictions("val")
    names = [f"p_{name}" for name in run.class_names]
    table[names] = 0.01
    for number, truth in enumerate(table["expression"]):
        table.loc[number, f"p_{truth}"] = 0.94
    table.loc[7, names] = 0.01
    wrong = next(name for name in run.class_names if name != table.loc[7, "expression"])
    table.loc[7, f"p_{wrong}"] = 0.94
    table.to_csv(run.predictions_file("val"), index=False)
    return run, f"{table.loc[7, 'expression']} → {wrong}"


def show_doubtful(page: AppTest) -> AppTest:
    next(one for one in page.toggle if "likely label errors" in one.label).set_value(True)
    return rerun(page)


def doubted_in(page: AppTest) -> list[str]:
    """The labels of the gallery below that of the mistakes, where there is one."""
    _, *below = [json.loads(each.proto.json)["tiles"] for each in page.get("bidi_component")]
    return [tile["label"] for tiles in below for tile in tiles]


def test_doubtful_labels_are_shown_when_asked_for_the_worst_first(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    _, doubted = run_that_doubts_one(finished_run)
    page = show_doubtful(open_page("evaluate"))
    assert any("**1** of 140 labels are likely wrong" in caption.value for caption in page.caption)
    assert doubted_in(page) == [doubted]


@pytest.mark.parametrize("decide", ["confirm", "relabel", "exclude"])
def test_a_doubtful_label_that_was_decided_about_does_not_come_again(
    open_page: PageOpener, finished_run: RunFactory, decide: str
) -> None:
    run, doubted = run_that_doubts_one(finished_run)
    dataset = open_dataset("drawn")
    (place,) = find_images(run.predictions("val")[7:8], dataset.index).tolist()
    if decide == "confirm":
        dataset.confirm([place])
    elif decide == "relabel":
        dataset.relabel([place], doubted.split(" → ")[1])
    else:
        dataset.exclude([place], "no face")
    page = show_doubtful(open_page("evaluate"))
    assert not doubted_in(page)
    assert any("No such images" in message.value for message in page.info)
    next(one for one in page.checkbox if "1 that you have reviewed" in one.label).set_value(True)
    assert doubted_in(rerun(page)) == [doubted]


@pytest.mark.parametrize("name", ["x" * 300, "é" * 200, "../faces", "a\nb", "a\0b"])
def test_a_dataset_of_a_name_that_no_folder_can_have_breaks_nothing(
    open_page: PageOpener, finished_run: RunFactory, name: str
) -> None:
    run = finished_run()
    record = read_json(run.directory / "config.json") | {"dataset": name}
    write_json(run.directory / "config.json", record)
    open_page("evaluate", run=run.id)
