from functools import cache

import numpy as np

from fer_core.experiments import LEAST_TRIALS, importance
from fer_core.experiments.importance import Importance


def trials(number: int) -> tuple[list[dict[str, object]], list[float]]:
    """Returns settings of which the first decides, the second adds a little, the third nothing."""
    rng = np.random.default_rng(1)
    settings: list[dict[str, object]] = [
        {"learning_rate": float(rate), "flip": bool(flip), "image_size": [size, size]}
        for rate, flip, size in zip(
            10 ** rng.uniform(-5, -1, number),
            rng.integers(2, size=number),
            rng.choice([48, 64], number).tolist(),
            strict=True,
        )
    ]
    noise = rng.normal(0, 0.01, number)
    scores = [
        0.7 - 0.1 * abs(np.log10(each["learning_rate"]) + 3) + 0.02 * each["flip"]  # type: ignore[arg-type, operator]
        for each in settings
    ]
    return settings, (np.array(scores) + noise).tolist()


@cache
def importance_of(number: int) -> list[Importance]:
    """Returns what so many trials tell; each takes half a second."""
    return importance(*trials(number))


def test_the_setting_that_decides_is_the_most_important_and_noise_is_not() -> None:
    found = importance_of(40)
    assert found[0].setting == "learning_rate" and found[0].low > 0.3
    noise = next(each for each in found if each.setting == "image_size")
    assert noise.low <= 0.02 and noise.value < 0.1 * found[0].value
    assert importance_of(10) == importance(*trials(10))


def test_few_trials_tell_less() -> None:
    assert importance(*trials(LEAST_TRIALS - 1)) == []
    few, many = importance_of(10), importance_of(40)
    assert few[0].high - few[0].low > many[0].high - many[0].low


def test_the_same_accuracy_everywhere_makes_nothing_important() -> None:
    settings, _ = trials(10)
    assert {each.value for each in importance(settings, [0.5] * 10)} == {0.0}
