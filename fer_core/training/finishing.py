"""What a run gets when its training has ended, besides the model itself."""

from fer_core.evaluation import save_calibration
from fer_core.models import load_model, predict_tta
from fer_core.runs import Run, RunData, save_image_stats, save_predictions
from fer_core.training.export import export_h5
from fer_core.training.test_split import evaluate_test


def finish_run(run: Run, data: RunData, *, opens_test: bool) -> None:
    """Leaves exports, averaged predictions, the calibration and what the training faces look like.

    Opens the test split if it shall.
    """
    if run.config.architecture == "vgg19_dropout":
        export_h5(run)
    if run.config.average_views and run.model_file is not None:
        averaged = predict_tta(load_model(run.model_file), data.rows("val"))
        save_predictions(run, "val", data.predictions("val", averaged), tta=True)
    save_calibration(run)
    save_image_stats(run, data.image_stats())
    if opens_test:
        evaluate_test(run, data)
