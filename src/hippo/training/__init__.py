"""Training: batches, the one loop, and what may be attached to it. Knows no web and no processes."""

from hippo.training.batches import Examples, Labels
from hippo.training.callbacks import BestCheckpoint, Callback, Control, EarlyStopping, LastGood, Progress
from hippo.training.config import TrainingConfig
from hippo.training.loop import train
from hippo.training.metrics import Evaluation, evaluate
from hippo.training.state import Diverged, EpochRecord, TrainingRun, TrainingState

__all__ = [
    "BestCheckpoint",
    "Callback",
    "Control",
    "Diverged",
    "EarlyStopping",
    "EpochRecord",
    "Evaluation",
    "Examples",
    "Labels",
    "LastGood",
    "Progress",
    "TrainingConfig",
    "TrainingRun",
    "TrainingState",
    "evaluate",
    "train",
]
