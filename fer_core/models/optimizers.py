"""How weights are corrected: the optimizer and its learning rate, step by step."""

import keras

from fer_core.runs import TrainConfig

# Of the highest rate, where the cosine ends: epochs that are trained beyond it still teach.
LAST_SHARE = 1e-3
_NOT_DECAYED = ["bias", "gamma", "beta"]  # few numbers, which have no reason to be near zero


def make_optimizer(
    config: TrainConfig, steps_per_epoch: int, *, of_head: bool = False
) -> keras.optimizers.Optimizer:
    """A fresh optimizer as the settings say.

    SGD has Nesterov's momentum of 0.9; Adam with weight decay is AdamW (Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization", 2019). The decay leaves biases and normalisations be.

    Args:
        of_head: for the first `head_epochs`, in which the head alone learns at a constant rate.
    """
    rate = config.head_learning_rate if of_head else _learning_rate(config, steps_per_epoch)
    decay = config.weight_decay or None
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=decay)
    else:
        optimizer = keras.optimizers.Adam(rate, weight_decay=decay)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=_NOT_DECAYED)
    return optimizer


def _learning_rate(
    config: TrainConfig, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The rate of every step: it rises for `warmup` epochs, and then goes as the schedule says."""
    rate = config.learning_rate
    if config.learning_rate_decay:
        # Keras 3 accepts Adam(decay=…) and ignores it; this is what `decay` used to do.
        return keras.optimizers.schedules.InverseTimeDecay(
            rate, decay_steps=1, decay_rate=config.learning_rate_decay
        )
    if config.schedule == "constant" and not config.warmup:
        return rate
    rising = round(config.warmup * steps_per_epoch)
    falling = (config.epochs - config.head_epochs) * steps_per_epoch - rising
    return keras.optimizers.schedules.CosineDecay(
        0.0 if rising else rate,
        decay_steps=max(1, falling),
        alpha=LAST_SHARE if config.schedule == "cosine" else 1.0,
        warmup_target=rate if rising else None,
        warmup_steps=rising,
    )
