"""What replies hold, field by field, for the OpenAPI document. Nothing is checked against these at run time.

The engine's records are sent as they are; these models say what is in them and in which unit. What trained networks
answer stands in `inference_replies.py`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hippo.api.schemas import PublicStatus, State

NETWORK_ID = "3f2b8c1e-5a4d-4f6b-9e7a-1c2d3e4f5a6b"
JOB_ID = "9a8b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d"
TIME = "2026-11-21T09:30:00.000Z"


class Reply(BaseModel):
    """A JSON object of a reply; more fields than those named may come with it."""

    model_config = ConfigDict(extra="allow")


class ErrorReply(Reply):
    """Every error of every route."""

    error: str = Field(description="What is wrong and what to do about it.", examples=["There is no such network."])
    message: str = Field(description="The same text.", examples=["There is no such network."])
    detail: str | list[dict[str, Any]] = Field(
        description="The same text, or the wrong fields: each with `field`, `message` and `allowed`.",
        examples=["There is no such network."],
    )
    code: str = Field(description="The kind of error, for programs.", examples=["unknown_network"])


class StatusReply(Reply):
    """What the server is doing."""

    status: Literal["online"] = Field(description="Always `online`.")
    version: str = Field(description="Hippo's version.", examples=["0.1.0"])
    active_networks: int = Field(description="Networks in memory.", examples=[2])
    training_jobs: int = Field(description="Unfinished jobs.", examples=[1])
    active_training_jobs: int = Field(description="Jobs that a worker is running.", examples=[1])
    queued_jobs: int = Field(description="Jobs that wait for a worker.", examples=[0])
    paused_jobs: int = Field(description="Jobs that somebody has paused.", examples=[0])
    workers_total: int = Field(description="Training processes.", examples=[2])
    workers_busy: int = Field(description="Training processes that are training.", examples=[1])
    mnist_loaded: bool = Field(description="Whether the MNIST images are there.", examples=[True])


class HealthReply(Reply):
    """That the server answers."""

    status: Literal["healthy"] = Field(description="Always `healthy`.")
    network_loaded: bool = Field(description="Whether a trained network can answer.", examples=[True])
    mnist_loaded: bool = Field(description="Whether the MNIST images are there.", examples=[True])


class ReadyReply(Reply):
    """That the server takes training jobs."""

    status: Literal["ready"] = Field(description="Always `ready`.")


class NetworkReply(Reply):
    """One network."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[NETWORK_ID])
    name: str | None = Field(description="Its name, or null.", examples=["first try"])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    layer_sizes: list[int] = Field(description="The same.", examples=[[784, 30, 10]])
    activation: str = Field(description="The activation of the hidden layers.", examples=["sigmoid"])
    loss: str = Field(description="What training makes small.", examples=["quadratic"])
    initializer: str = Field(description="How its weights began.", examples=["xavier"])
    seed: int = Field(description="What decided its first weights.", examples=[7])
    dropout: float = Field(description="The fraction of hidden neurons dropped in training, 0-1.", examples=[0.0])
    parameters: int = Field(description="The number of its weights and biases.", examples=[23860])
    trained: bool = Field(description="Whether it holds weights that a run has written.", examples=[True])
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    epochs_trained: int = Field(description="Epochs over all runs.", examples=[30])
    status: Literal["in_memory", "saved"] = Field(description="Where it is now; both can be used alike.")
    created_at: str = Field(description="UTC, ISO 8601 with milliseconds.", examples=[TIME])
    trained_at: str | None = Field(description="When its last run ended, or null.", examples=[TIME])
    active_job_id: str | None = Field(description="The job that trains it, or null.", examples=[None])


class NetworkCreatedReply(Reply):
    """A network that was made."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[NETWORK_ID])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    layer_sizes: list[int] = Field(description="The same.", examples=[[784, 30, 10]])
    status: Literal["created"] = Field(description="Always `created`.")
    message: str = Field(description="The same for people.", examples=["The network 784-30-10 was created."])


class ImportedReply(NetworkReply):
    """A network that came from a file."""

    format: Literal["safetensors", "npz", "npz-layers"] = Field(description="The format of the file.")
    claimed_accuracy: float | None = Field(
        description="The accuracy that the file names, or null; it is not looked into.", examples=[0.95]
    )
    message: str = Field(description="The same for people.", examples=["The network 784-30-10 was imported."])


class NetworksReply(Reply):
    """All networks."""

    networks: list[NetworkReply] = Field(description="The newest first.")


class DeletedReply(Reply):
    """A network that was deleted."""

    network_id: str = Field(description="The id it had.", examples=[NETWORK_ID])
    deleted_from_memory: bool = Field(description="Whether it was in memory.", examples=[True])
    deleted_from_disk: bool = Field(description="Whether it was on disk.", examples=[True])


class AllDeletedReply(Reply):
    """Networks that were deleted."""

    deleted_count: int = Field(description="How many were deleted.", examples=[3])
    deleted_from_memory: int = Field(description="How many of them were in memory.", examples=[1])
    deleted_from_disk: int = Field(description="How many of them were on disk.", examples=[3])
    kept: list[str] = Field(description="The ids of those in training, which stay.", examples=[[]])
    message: str = Field(description="The same for people.", examples=["3 networks were deleted."])


class CleanupReply(Reply):
    """Old networks that were deleted."""

    deleted_count: int = Field(description="How many were deleted.", examples=[3])
    days: float = Field(description="The age that was given.", examples=[2])
    kept: list[str] = Field(description="The ids of old ones in training, which stay.", examples=[[]])
    message: str = Field(description="The same for people.", examples=["3 networks were deleted."])


class TrainingStartedReply(Reply):
    """A run that was queued."""

    job_id: str = Field(description="The job's id, a UUID.", examples=[JOB_ID])
    network_id: str = Field(description="The network that is trained.", examples=[NETWORK_ID])
    status: Literal["training_started"] = Field(description="Always `training_started`.")
    message: str = Field(description="The same for people.", examples=["Training 784-30-10 for 30 epochs."])


class JobReply(Reply):
    """One training job."""

    job_id: str = Field(description="The job's id, a UUID.", examples=[JOB_ID])
    network_id: str = Field(description="The network that is trained.", examples=[NETWORK_ID])
    status: PublicStatus = Field(description="The state in one of four public words.")
    state: State = Field(description="The exact state. completed, failed, cancelled and diverged are final.")
    progress: float = Field(description="Percent, 0 to 100.", examples=[40.0])
    epoch: int = Field(description="Epochs completed.", examples=[12])
    batch: int = Field(description="Mini-batches of the next epoch that are done.", examples=[1200])
    batches: int | None = Field(description="Mini-batches of that epoch, or null.", examples=[5000])
    step: int = Field(description="Steps of the optimizer so far.", examples=[61200])
    epochs: int = Field(description="Epochs asked for.", examples=[30])
    total_epochs: int = Field(description="The same.", examples=[30])
    mini_batch_size: int = Field(description="Images per step.", examples=[10])
    learning_rate: float = Field(description="The size of a step.", examples=[3.0])
    seed: int | None = Field(description="What decides the order of the images.", examples=[7])
    optimizer: str = Field(description="How weights follow their gradients.", examples=["sgd"])
    momentum: float = Field(description="Of sgd, 0-1.", examples=[0.0])
    nesterov: bool = Field(description="Whether in Nesterov's form.", examples=[False])
    weight_decay: float = Field(description="The pull of the weights towards 0.", examples=[0.0])
    schedule: str = Field(description="How the learning rate changes.", examples=["constant"])
    step_every: int = Field(description="Of the schedule step: epochs between two steps.", examples=[10])
    step_factor: float = Field(description="Of the schedule step: what multiplies the rate.", examples=[0.1])
    warm_up: float = Field(description="Epochs in which the rate first rises.", examples=[0.0])
    clip_norm: float | None = Field(description="The longest gradient, or null for any.", examples=[None])
    label_smoothing: float = Field(description="The certainty taken from the targets, 0-1.", examples=[0.0])
    augment: list[str] = Field(description="How pictures are changed.", examples=[[]])
    shuffle: bool = Field(description="Whether each epoch has a new order.", examples=[True])
    pace: float | None = Field(description="Mini-batches per second at most, or null.", examples=[None])
    changes: list[dict[str, Any]] = Field(
        description="The settings that were changed on the way, and where.",
        examples=[[{"step": 5200, "epoch": 2, "batch": 200, "learning_rate": 0.5}]],
    )
    pending_changes: dict[str, Any] = Field(description="Settings that the run has yet to take.", examples=[{}])
    initial_settings: dict[str, Any] = Field(
        description="What the settings that may change on the way were when the run began.",
        examples=[{"learning_rate": 3.0, "momentum": 0.0, "mini_batch_size": 10}],
    )
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    loss: float | None = Field(description="The mean loss over the last epoch, or null.", examples=[0.021])
    loss_so_far: float | None = Field(description="The same over the next epoch's `batch`, or null.", examples=[0.019])
    error: str | None = Field(description="Why it failed, or null.", examples=[None])
    elapsed_time: float = Field(description="Seconds of training so far.", examples=[6.1])
    eta_seconds: float | None = Field(description="Seconds left at the present pace, or null.", examples=[9.2])
    images_per_second: float | None = Field(description="The present speed, or null.", examples=[190000.0])
    attempt: int = Field(description="1, or more after a worker died.", examples=[1])
    last_seq: int = Field(description="The `seq` of its last event.", examples=[12])
    cancel_requested: bool = Field(description="Whether it is being cancelled.", examples=[False])
    pause_requested: bool = Field(description="Whether it rests as soon as it can.", examples=[False])
    pause_at: int | None = Field(description="Finished epochs at which it pauses by itself, or null.", examples=[None])
    queue_position: int | None = Field(description="Its place among those that wait, or null.", examples=[None])
    created_at: str = Field(description="UTC, ISO 8601 with milliseconds.", examples=[TIME])
    started_at: str | None = Field(description="When a worker took it, or null.", examples=[TIME])
    finished_at: str | None = Field(description="When it ended, or null.", examples=[None])


class JobsReply(Reply):
    """A page of the list of jobs."""

    jobs: list[JobReply] = Field(description="The newest first.")
    total: int = Field(description="How many there are in all.", examples=[1])


class EventReply(Reply):
    """One event of a job, as Socket.IO sent it."""

    event: str = Field(
        description="training_update, training_changed, training_complete or training_error.",
        examples=["training_update"],
    )
    data: dict[str, Any] = Field(description="Its payload, with `seq` and `timestamp`.")


class EventsReply(Reply):
    """The events of a job."""

    events: list[EventReply] = Field(description="In the order of their `seq`.")
    last_seq: int = Field(description="The `seq` of the job's last event.", examples=[12])
