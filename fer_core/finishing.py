"""What a run gets when its training has ended, besides the model itself."""

from fer_core.batches import RunData
from fer_core.calibration import fit_temperature
from fer_core.export import export_h5
from fer_core.models import load_model
from fer_core.runs import Run, save_predictions
from fer_core.sealed_test import evaluate_test
from fer_core.views import predict_views


def finish_run(run: Run, data: RunData, *, opens_test: bool) -> float:
    """Leaves exports and averaged predictions, and opens the test split if it shall.

    Returns:
        The temperature, fitted on the validation split.
    """
    if run.config.architecture == "vgg19_dropout":
        export_h5(run)
    if run.config.average_views and run.model_file is not None:
        averaged = predict_views(load_model(run.model_file), data.rows("val"))
        save_predictions(run, "val", data.predictions("val", averaged), averaged=True)
    if opens_test:
        evaluate_test(run, data)
    predictions = run.predictions("val")
    return 1.0 if predictions is None else fit_temperature(predictions)
