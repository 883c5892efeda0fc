"""Brightness, contrast and sharpness, against values worked out by hand."""

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from skimage import data

from fer_core.storage import check_record
from fer_core.vision import image_stats as appearance
from fer_core.vision.image_stats import ImageStats, compute_image_stats, measure_image, sampled

ASTRONAUT = data.astronaut()[60:190, 170:290]


def flat(value: int) -> np.ndarray:
    return np.full((48, 48, 1), value, np.uint8)


def test_brightness_and_contrast_are_mean_and_deviation_of_the_gray_pixels() -> None:
    halves = np.zeros((48, 48, 1), np.uint8)
    halves[:, 24:] = 200
    look = measure_image(halves)
    assert (look.mean, look.deviation) == (100, 100)
    assert measure_image(flat(7)) == appearance.Appearance(7, 0, 0)


def test_gray_pixels_and_their_rgb_look_the_same() -> None:
    gray = cv2.cvtColor(ASTRONAUT, cv2.COLOR_RGB2GRAY)
    assert measure_image(gray[..., None]) == measure_image(np.repeat(gray[..., None], 3, axis=2))


def test_a_blur_takes_sharpness_and_light_does_not() -> None:
    sharp = measure_image(ASTRONAUT).sharpness
    assert measure_image(cv2.GaussianBlur(ASTRONAUT, (0, 0), 5)).sharpness < sharp / 3
    assert measure_image(ASTRONAUT // 2).sharpness == pytest.approx(sharp, rel=0.05)


def test_a_survey_tells_which_share_has_less() -> None:
    found = compute_image_stats(flat(value) for value in range(101))
    assert found.images == 101
    assert found.mean[0] == 0 and found.mean[50] == 50 and found.mean[100] == 100
    below = {value: found.below(measure_image(flat(value)))["mean"] for value in (0, 25, 98, 200)}
    assert below == {0: 0, 25: 0.25, 98: 0.98, 200: 1}


def test_statistics_survive_their_record_and_damaged_ones_are_refused() -> None:
    found = compute_image_stats([ASTRONAUT, flat(3)])
    record = json.loads(json.dumps(asdict(found)))
    assert check_record(ImageStats, record) == found
    for mean in ([1, 2], record["mean"][::-1]):
        with pytest.raises(ValueError, match="percentiles"):
            check_record(ImageStats, record | {"mean": mean})
    with pytest.raises(ValueError, match="at least one image"):
        compute_image_stats([])


def test_a_sample_is_spread_evenly_and_small_sets_are_taken_whole() -> None:
    assert sampled(np.arange(10)).tolist() == list(range(10))
    many = sampled(np.arange(100_000))
    assert len(many) == appearance.SAMPLE and (many[0], many[-1]) == (0, 99_999)
    assert len(sampled(np.arange(0))) == 0
