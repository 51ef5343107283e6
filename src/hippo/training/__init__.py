"""Training: batches, the one loop, and what may be attached to it. Knows no web and no processes."""

from hippo.training.batches import Examples, Labels
from hippo.training.callbacks import BestCheckpoint, Callback, Control, EarlyStopping, LastGood, Progress
from hippo.training.changes import CHANGEABLE, Change, settings_after
from hippo.training.config import TrainingConfig
from hippo.training.control import Orders, Paused, Steering
from hippo.training.loop import train
from hippo.training.metrics import Evaluation, evaluate
from hippo.training.state import Diverged, EpochRecord, TrainingRun, TrainingState
from hippo.training.throughput import Throughput, ThroughputMeter

__all__ = [
    "CHANGEABLE",
    "BestCheckpoint",
    "Callback",
    "Change",
    "Control",
    "Diverged",
    "EarlyStopping",
    "EpochRecord",
    "Evaluation",
    "Examples",
    "Labels",
    "LastGood",
    "Orders",
    "Paused",
    "Progress",
    "Steering",
    "Throughput",
    "ThroughputMeter",
    "TrainingConfig",
    "TrainingRun",
    "TrainingState",
    "evaluate",
    "settings_after",
    "train",
]
