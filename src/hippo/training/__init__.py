"""Training: batches, the one loop, and what may be attached to it. Knows no web and no processes."""

from hippo.training.callbacks import Callback, Control, LastGood, Progress
from hippo.training.config import TrainingConfig
from hippo.training.loop import Diverged, TrainingRun, TrainingState, train
from hippo.training.metrics import Evaluation, evaluate

__all__ = [
    "Callback",
    "Control",
    "Diverged",
    "Evaluation",
    "LastGood",
    "Progress",
    "TrainingConfig",
    "TrainingRun",
    "TrainingState",
    "evaluate",
    "train",
]
