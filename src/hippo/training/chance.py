"""What a run leaves to chance besides the order of the examples: dropout's masks and the changes to pictures.

Both are functions of the run's seed, the epoch and the place within it. A run that goes on in the middle of an epoch
therefore draws what it would have drawn, and no generator's state has to be kept.
"""

import numpy as np

from hippo.nn import Array, Dropout, Module
from hippo.training.augmentation import Augmentation
from hippo.training.batches import Augment
from hippo.training.config import TrainingConfig
from hippo.training.state import TrainingState

# Streams of one seed; the order of the examples is 1 (see `hippo.network.shuffling`).
_DROPOUT, _AUGMENTATION = 2, 3


class Chance:
    """The generators of one run.

    Parameters
    ----------
    model : Module
        Whose Dropout modules, if any, draw from here.
    config : TrainingConfig
        Its seed, and which changes to pictures it wants.
    state : TrainingState
        Tells the epoch and the mini-batch under way.

    Attributes
    ----------
    augment : callable or None
        Changes the pictures of a chunk in place; None where the settings want no change.
    """

    def __init__(self, model: Module, config: TrainingConfig, state: TrainingState) -> None:
        self._seed, self._state = config.seed, state
        self._dropouts = [module for module in model.within() if isinstance(module, Dropout)]
        self._augmentation = Augmentation(config.augment) if config.augment else None
        self.augment: Augment | None = self._change if self._augmentation else None

    def begin_batch(self) -> None:
        """Give every Dropout the generator of the mini-batch that begins."""
        if self._dropouts:
            rng = np.random.default_rng([self._seed, _DROPOUT, self._state.epoch, self._state.batch])
            for dropout in self._dropouts:
                dropout.rng = rng

    @property
    def augmentation_seconds(self) -> float:
        """Time spent on changing pictures so far."""
        return self._augmentation.seconds if self._augmentation else 0.0

    def _change(self, images: Array, number: int) -> None:
        assert self._augmentation is not None
        self._augmentation(images, np.random.default_rng([self._seed, _AUGMENTATION, self._state.epoch, number]))
