from fer_core.experiments import Importance
from fer_core.figures import Axis, importance_figure, parallel_figure


def test_trials_are_lines_over_an_axis_for_each_setting() -> None:
    axes = [
        Axis("Learning rate", [1e-4, 1e-3, 1e-2], log=True),
        Axis("Flip", [True, False, True]),
        Axis("Image size", ["48×48", "64×64", "48×48"]),
        Axis("Batch size", [32, 32, 32]),
    ]
    (lines,) = parallel_figure(axes, [0.5, 0.6, 0.7]).data
    rate, flip, size, batch, accuracy = lines.dimensions
    assert list(rate.values) == [-4, -3, -2]
    assert list(rate.ticktext) == ["0.0001", "0.001", "0.01"]
    assert list(flip.ticktext) == ["off", "on"] and list(flip.values) == [1, 0, 1]
    assert list(size.values) == [0, 1, 0] and list(batch.values) == [0, 0, 0]
    assert list(accuracy.values) == [50, 60, 70] and accuracy.label == "Validation accuracy, %"


def test_importance_has_its_interval_also_where_it_is_lopsided() -> None:
    found = [Importance("a", 0.5, 0.2, 0.9), Importance("b", 0.1, 0.2, 0.05)]
    (points,) = importance_figure(found, ["A", "<b>B</b>"]).data
    assert list(points.error_x.array) == [0.4, 0.0]
    assert list(points.error_x.arrayminus) == [0.3, 0.0]
    assert "<b>" not in points.y[1]
