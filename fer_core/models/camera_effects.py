"""Random flaws of cameras and of their light, as augmentation of training images."""

import cv2
import numpy as np

from fer_core.runs import Augmentation

# Each effect has its own random stream, as in `augmentation`.
_EXPOSURE, _GAMMA, _CAST, _BLUR, _RESOLUTION, _LOW_LIGHT, _JPEG = range(9011, 9018)
_RED_GREEN_BLUE = np.array([0.299, 0.587, 0.114], "float32")  # shares in gray, as in OpenCV
_DARKEST, _DIMMEST = 0.1, 0.5  # range of the light that low light leaves
_NOISE = (1.0, 6.0)  # gray levels, smallest and largest standard deviation in low light
_QUALITIES = (10, 60)  # of JPEG, smallest and largest
_SHARP = 0.2  # pixels; OpenCV's kernel for a smaller standard deviation changes nothing


def apply_camera_effects(
    images: np.ndarray, settings: Augmentation, seed: tuple[int, ...]
) -> np.ndarray:
    """Returns images as a camera may record them: in its light, through its lens, then its file.

    Args:
        images: float32 (n, height, width, 1 or 3) in [0, 255]; may be changed in place.

    Returns:
        float32 of the same shape in [0, 255].
    """
    for effect, strength in (
        (_expose, settings.exposure),
        (_add_color_cast, settings.color_cast),
        (_blur, settings.blur),
        (_lower_resolution, settings.low_resolution),
        (_darken, settings.low_light),
        (_apply_gamma, settings.gamma),
        (_compress, settings.jpeg),
    ):
        if strength:
            images = effect(images, strength, seed)
    return images


def _expose(images: np.ndarray, stops: float, seed: tuple[int, ...]) -> np.ndarray:
    factors = 2 ** np.random.default_rng((*seed, _EXPOSURE)).uniform(-stops, stops, len(images))
    return np.clip(images * _per_image(factors), 0, 255)


def _add_color_cast(images: np.ndarray, fraction: float, seed: tuple[int, ...]) -> np.ndarray:
    """Dims the light of each color; one channel shows what it does to gray."""
    rng = np.random.default_rng((*seed, _CAST))
    factors = 1 - fraction * rng.random((len(images), 3), dtype="float32")
    if images.shape[-1] == 1:
        factors = (factors @ _RED_GREEN_BLUE)[:, None]
    return images * factors[:, None, None]


def _blur(images: np.ndarray, most: float, seed: tuple[int, ...]) -> np.ndarray:
    sigmas = np.random.default_rng((*seed, _BLUR)).uniform(0, most, len(images))
    for number in np.flatnonzero(sigmas > _SHARP):
        image, sigma = images[number], float(sigmas[number])
        blurred = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        images[number] = blurred.reshape(image.shape)
    return images


def _lower_resolution(images: np.ndarray, fraction: float, seed: tuple[int, ...]) -> np.ndarray:
    """Makes images smaller and larger again, as `vision.face_pixels` resizes faces."""
    scales = 1 - np.random.default_rng((*seed, _RESOLUTION)).uniform(0, fraction, len(images))
    height, width = images.shape[1:3]
    for number, scale in enumerate(scales):
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        if small == (width, height):
            continue
        image = cv2.resize(images[number], small, interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
        images[number] = image.reshape(images.shape[1:])
    return np.clip(images, 0, 255, out=images)  # cubic interpolation overshoots


def _darken(images: np.ndarray, fraction: float, seed: tuple[int, ...]) -> np.ndarray:
    """Darkens a fraction of the images and adds the noise of a sensor to these."""
    rng = np.random.default_rng((*seed, _LOW_LIGHT))
    factors = rng.uniform(_DARKEST, _DIMMEST, len(images))
    sigmas = rng.uniform(*_NOISE, len(images))
    numbers = np.flatnonzero(rng.random(len(images)) < fraction)
    noise = rng.standard_normal((len(numbers), *images.shape[1:]), dtype="float32")
    noisy = images[numbers] * _per_image(factors[numbers]) + noise * _per_image(sigmas[numbers])
    images[numbers] = np.clip(noisy, 0, 255)
    return images


def _apply_gamma(images: np.ndarray, gamma: float, seed: tuple[int, ...]) -> np.ndarray:
    largest = np.log1p(gamma)
    exponents = np.random.default_rng((*seed, _GAMMA)).uniform(-largest, largest, len(images))
    return 255 * (images / 255) ** _per_image(np.exp(exponents))


def _compress(images: np.ndarray, fraction: float, seed: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng((*seed, _JPEG))
    low, high = _QUALITIES
    qualities = rng.integers(low, high + 1, len(images))
    for number in np.flatnonzero(rng.random(len(images)) < fraction):
        image = np.rint(images[number]).astype("uint8")
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(qualities[number])]
        _, data = cv2.imencode(".jpg", image[..., ::-1], quality)  # OpenCV takes BGR
        decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED)).reshape(image.shape)
        images[number] = decoded[..., ::-1]
    return images


def _per_image(values: np.ndarray) -> np.ndarray:
    return values.astype("float32")[:, None, None, None]
