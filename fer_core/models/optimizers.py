"""Optimizers and learning rate schedules."""

import keras

from fer_core.runs import TrainConfig

# Final over initial learning rate of the cosine schedule; not 0, so that a continued run learns.
FINAL_RATE_FRACTION = 1e-3
_NOT_DECAYED = ["bias", "gamma", "beta"]


def make_optimizer(
    config: TrainConfig, steps_per_epoch: int, *, head_only: bool = False
) -> keras.optimizers.Optimizer:
    """Returns a new optimizer for a run's settings.

    SGD uses Nesterov momentum of 0.9; Adam with weight decay is AdamW (Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization", 2019). Biases and the parameters of batch
    normalization are not decayed.

    Args:
        head_only: for the first `head_epochs`, which train the head at a constant learning rate.
    """
    rate = config.head_learning_rate if head_only else _learning_rate(config, steps_per_epoch)
    decay = config.weight_decay or None
    # The average is a variable of the optimizer: it is saved in checkpoints, not yet used.
    shared = {"weight_decay": decay, "use_ema": bool(config.ema), "ema_momentum": config.ema}
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, **shared)
    else:
        optimizer = keras.optimizers.Adam(rate, **shared)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=_NOT_DECAYED)
    return optimizer


def _learning_rate(
    config: TrainConfig, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Returns the learning rate: a linear rise over `warmup` epochs, then the schedule."""
    rate = config.learning_rate
    if config.learning_rate_decay:
        # The meaning of Keras 2's Adam(decay=…); Keras 3 accepts that argument and ignores it.
        return keras.optimizers.schedules.InverseTimeDecay(
            rate, decay_steps=1, decay_rate=config.learning_rate_decay
        )
    if config.schedule == "constant" and not config.warmup:
        return rate
    warmup_steps = round(config.warmup * steps_per_epoch)
    decay_steps = (config.epochs - config.head_epochs) * steps_per_epoch - warmup_steps
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else rate,
        decay_steps=max(1, decay_steps),
        alpha=FINAL_RATE_FRACTION if config.schedule == "cosine" else 1.0,
        warmup_target=rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
