"""Which rows of a long table are drawn."""

import numpy as np
import pytest

from fer_core.figures.style import minmax_downsample

NOISE = np.random.default_rng(0).normal(size=50_000)


def test_a_short_table_is_not_downsampled() -> None:
    assert list(minmax_downsample(NOISE[:100], 100)) == list(range(100))


@pytest.mark.parametrize("count", [101, 1_000, 12_345, 50_000])
def test_downsampling_keeps_ends_and_peaks(count: int) -> None:
    values = NOISE[:count]
    places = minmax_downsample(values, 100)
    assert 100 / 4 <= len(places) <= 100
    assert (np.diff(places) > 0).all()
    assert (places[0], places[-1]) == (0, count - 1)
    assert {values.argmin(), values.argmax()} <= set(places)


def test_downsampling_a_growing_table_keeps_earlier_points() -> None:
    before, after = minmax_downsample(NOISE[:20_000], 1000), minmax_downsample(NOISE[:20_500], 1000)
    assert list(after[after < 19_900]) == list(before[before < 19_900])
