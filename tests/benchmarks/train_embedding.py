"""Trains the network that embeds images for the search of near duplicates, and writes it.

    FER2013_DIR=... python -m tests.benchmarks.train_embedding [--steps 3000]

It learns to tell which of 512 changed copies belongs to which image (Chen and others 2020, "A
Simple Framework for Contrastive Learning of Visual Representations"): training images of FER2013
and drawn faces, changed in one or two ways. Takes about 30 minutes of two cores.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import layers

from fer_core.datasets.quality.embedding import DIMENSIONS, NETWORK
from fer_core.datasets.quality.measures import SIDE
from fer_core.datasets.quality.sketches import COARSE_SIDE, coarse, equalized
from fer_core.onnx_graphs import Graph
from tests.datasets.near_copies import Change, compressed, drawn_faces, moved

BATCH = 512
DRAWN = BATCH // 8  # images of a batch that are drawn
TEMPERATURE = 0.06
TRAINING_IMAGES = 28_709  # FER2013's first ones; the others tell how well it works
WIDTHS = (16, 32, 64, 96)
# How often each change is made; see `_CHANGES`.
_WEIGHTS = np.array([0.16, 0.13, 0.22, 0.12, 0.09, 0.06, 0.06, 0.1, 0.06])


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains and writes the network, with the loss printed every 100 steps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000)
    steps = parser.parse_args(arguments).steps
    model = network()
    train(model, steps)
    NETWORK.write_bytes(as_onnx(model))


def network() -> keras.Model:
    """Returns the network: gray images (n, COARSE_SIDE, COARSE_SIDE, 1) to (n, DIMENSIONS)."""
    images = keras.Input((COARSE_SIDE, COARSE_SIDE, 1))
    values = layers.Rescaling(1 / 127.5, -1)(images)
    values = layers.Conv2D(WIDTHS[0], 5, strides=2, padding="same", activation="relu")(values)
    for width in WIDTHS[1:]:
        values = layers.Conv2D(width, 3, padding="same", use_bias=False)(values)
        values = layers.BatchNormalization(momentum=0.95)(values)
        values = layers.MaxPooling2D()(layers.ReLU()(values))
    return keras.Model(images, layers.Dense(DIMENSIONS)(layers.Flatten()(values)))


def train(model: keras.Model, steps: int) -> None:
    """Trains the network; each batch is made by a thread while the one before is learned."""
    photos, drawn = _fer2013()[:TRAINING_IMAGES], _scaled_down(drawn_faces(9000)[3000:])
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=3e-3, warmup_steps=100
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4)
    optimizer.build(model.trainable_variables)

    @tf.function
    def learn(batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            vectors = tf.math.l2_normalize(model(batch, training=True), axis=1)
            cosines = tf.matmul(vectors, vectors, transpose_b=True) / TEMPERATURE
            cosines -= 1e9 * tf.eye(2 * BATCH)  # nothing is its own copy
            copies = (tf.range(2 * BATCH) + BATCH) % (2 * BATCH)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(copies, cosines))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    losses, started = [], time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        batches = [pool.submit(_batch, photos, drawn, seed) for seed in range(3)]
        for step in range(steps):
            batch = batches.pop(0).result()
            batches.append(pool.submit(_batch, photos, drawn, step + 3))
            losses.append(float(learn(tf.constant(batch[..., None], tf.float32))))
            if step % 100 == 99:
                seconds = time.monotonic() - started
                print(step + 1, np.mean(losses[-100:]), f"{seconds:.0f} s", flush=True)  # noqa: T201


def as_onnx(model: keras.Model) -> bytes:
    """Returns the network as an ONNX file, with batch normalization folded into convolutions."""
    graph = Graph()
    values = graph.add("Cast", "pixels", to=1)
    values = graph.add("Mul", values, graph.constant(1 / 127.5))
    values = graph.add("Sub", values, graph.constant(1.0))
    kernels = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for number, layer in enumerate(kernels):
        kernel = np.array(layer.kernel).transpose(3, 2, 0, 1)
        if number:
            gamma, beta, mean, variance = (np.array(each) for each in norms[number - 1].weights)
            scale = gamma / np.sqrt(variance + norms[number - 1].epsilon)
            kernel, bias = kernel * scale[:, None, None, None], beta - mean * scale
        else:
            bias = np.array(layer.bias)
        values = graph.add(
            "Conv",
            values,
            graph.constant(kernel),
            graph.constant(bias),
            strides=list(layer.strides),
            auto_pad="SAME_UPPER",
        )
        values = graph.add("Relu", values)
        if number:
            values = graph.add("MaxPool", values, kernel_shape=[2, 2], strides=[2, 2])
    values = graph.add("Flatten", values)
    kernel, bias = (np.array(each) for each in model.layers[-1].weights)
    side = int(np.sqrt(len(kernel) // WIDTHS[-1]))
    kernel = kernel.reshape(side, side, WIDTHS[-1], DIMENSIONS).transpose(2, 0, 1, 3)
    kernel = kernel.reshape(-1, DIMENSIONS)
    values = graph.add("Gemm", values, graph.constant(kernel), graph.constant(bias))
    graph.name_output(values, "vectors")
    return graph.serialize(
        "embedding",
        {"pixels": ("images", 1, COARSE_SIDE, COARSE_SIDE)},
        {"vectors": ("images", DIMENSIONS)},
        takes=np.uint8,
    )


def _batch(photos: np.ndarray, drawn: np.ndarray, seed: int) -> np.ndarray:
    """Returns images and, behind them, a copy of each: uint8 (2 * BATCH, side, side)."""
    rng = np.random.default_rng(seed)
    images = np.concatenate(
        [
            photos[rng.choice(len(photos), BATCH - DRAWN, replace=False)],
            drawn[rng.choice(len(drawn), DRAWN, replace=False)],
        ]
    )
    copies = np.stack([_changed(image, rng) for image in images])
    return equalized(coarse(np.concatenate([images, copies])))


def _changed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the image changed in one way, or sometimes in two, and mirrored or not."""
    count = rng.choice([1, 1, 1, 2])
    for number in rng.choice(len(_CHANGES), count, replace=False, p=_WEIGHTS / _WEIGHTS.sum()):
        image = _CHANGES[number](image, rng)
    return image[:, ::-1] if rng.random() < 0.5 else image


def _clipped(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 255).astype(np.uint8)


def _shifted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shift = rng.uniform(-0.105, 0.105, 2)
    if rng.random() < 0.4:
        shift[rng.integers(2)] = 0.0
    return moved(image, rng, shift=(shift[0], shift[1]))


_CHANGES: Sequence[Change] = (
    lambda image, rng: moved(image, rng, angle=rng.uniform(-16, 16)),
    lambda image, rng: moved(image, rng, zoom=np.exp(rng.uniform(-0.16, 0.16))),
    _shifted,
    lambda image, rng: _clipped(image * rng.uniform(0.5, 1.6) + rng.uniform(-70, 70)),
    lambda image, rng: _clipped(255 * (image / 255) ** np.exp(rng.uniform(-0.6, 0.6))),
    lambda image, rng: cv2.equalizeHist(image),
    lambda image, rng: compressed(image, int(rng.integers(15, 60))),
    lambda image, rng: cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.7)),
    lambda image, rng: _clipped(image + rng.normal(0, rng.uniform(3, 14), image.shape)),
)


def _scaled_down(images: np.ndarray) -> np.ndarray:
    return np.stack(
        [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in images]
    )


def _fer2013() -> np.ndarray:
    """Returns FER2013's images, uint8 (n, SIDE, SIDE)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fer2013.npz"
        script = Path(os.environ["FER2013_DIR"]) / "fer2013.py"
        subprocess.run([sys.executable, script, "npz", file], check=True)
        return np.load(file)["pixels"]


if __name__ == "__main__":
    main()
