"""What replies hold, field by field, for the OpenAPI document. Nothing is checked against these at run time.

The engine's records are sent as they are; these models say what is in them and in which unit.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from hippo.api.schemas import PublicStatus, State

_ID = "3f2b8c1e-5a4d-4f6b-9e7a-1c2d3e4f5a6b"
_JOB = "9a8b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d"
_TIME = "2026-11-21T09:30:00.000Z"


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

    network_id: str = Field(description="The network's id, a UUID.", examples=[_ID])
    name: str | None = Field(description="Its name, or null.", examples=["first try"])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    layer_sizes: list[int] = Field(description="The same.", examples=[[784, 30, 10]])
    activation: str = Field(description="The activation of the hidden layers.", examples=["sigmoid"])
    loss: str = Field(description="What training makes small.", examples=["quadratic"])
    initializer: str = Field(description="How its weights began.", examples=["xavier"])
    seed: int = Field(description="What decided its first weights.", examples=[7])
    parameters: int = Field(description="The number of its weights and biases.", examples=[23860])
    trained: bool = Field(description="Whether it holds weights that a run has written.", examples=[True])
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    epochs_trained: int = Field(description="Epochs over all runs.", examples=[30])
    status: Literal["in_memory", "saved"] = Field(description="Where it is now; both can be used alike.")
    created_at: str = Field(description="UTC, ISO 8601 with milliseconds.", examples=[_TIME])
    trained_at: str | None = Field(description="When its last run ended, or null.", examples=[_TIME])
    active_job_id: str | None = Field(description="The job that trains it, or null.", examples=[None])


class NetworkCreatedReply(Reply):
    """A network that was made."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[_ID])
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

    network_id: str = Field(description="The id it had.", examples=[_ID])
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

    job_id: str = Field(description="The job's id, a UUID.", examples=[_JOB])
    network_id: str = Field(description="The network that is trained.", examples=[_ID])
    status: Literal["training_started"] = Field(description="Always `training_started`.")
    message: str = Field(description="The same for people.", examples=["Training 784-30-10 for 30 epochs."])


class JobReply(Reply):
    """One training job."""

    job_id: str = Field(description="The job's id, a UUID.", examples=[_JOB])
    network_id: str = Field(description="The network that is trained.", examples=[_ID])
    status: PublicStatus = Field(description="The state in one of four public words.")
    state: State = Field(
        description="The exact state. completed, failed, cancelled and diverged are final; paused is for when runs can "
        "be paused."
    )
    progress: float = Field(description="Percent, 0 to 100.", examples=[40.0])
    epoch: int = Field(description="Epochs completed.", examples=[12])
    epochs: int = Field(description="Epochs asked for.", examples=[30])
    total_epochs: int = Field(description="The same.", examples=[30])
    mini_batch_size: int = Field(description="Images per step.", examples=[10])
    learning_rate: float = Field(description="The size of a step.", examples=[3.0])
    seed: int | None = Field(description="What decides the order of the images.", examples=[7])
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    loss: float | None = Field(description="The mean loss over the last epoch, or null.", examples=[0.021])
    error: str | None = Field(description="Why it failed, or null.", examples=[None])
    elapsed_time: float = Field(description="Seconds of training so far.", examples=[6.1])
    eta_seconds: float | None = Field(description="Seconds left, or null.", examples=[9.2])
    attempt: int = Field(description="1, or more after a worker died.", examples=[1])
    last_seq: int = Field(description="The `seq` of its last event.", examples=[12])
    cancel_requested: bool = Field(description="Whether it is being cancelled.", examples=[False])
    queue_position: int | None = Field(description="Its place among those that wait, or null.", examples=[None])
    created_at: str = Field(description="UTC, ISO 8601 with milliseconds.", examples=[_TIME])
    started_at: str | None = Field(description="When a worker took it, or null.", examples=[_TIME])
    finished_at: str | None = Field(description="When it ended, or null.", examples=[None])


class JobsReply(Reply):
    """A page of the list of jobs."""

    jobs: list[JobReply] = Field(description="The newest first.")
    total: int = Field(description="How many there are in all.", examples=[1])


class EventReply(Reply):
    """One event of a job, as Socket.IO sent it."""

    event: str = Field(
        description="training_update, training_complete or training_error.", examples=["training_update"]
    )
    data: dict[str, Any] = Field(description="Its payload, with `seq` and `timestamp`.")


class EventsReply(Reply):
    """The events of a job."""

    events: list[EventReply] = Field(description="In the order of their `seq`.")
    last_seq: int = Field(description="The `seq` of the job's last event.", examples=[12])


class ExampleReply(Reply):
    """One image of the test set, and what the network makes of it."""

    network_id: str = Field(description="The network that was asked.", examples=[_ID])
    example_index: int = Field(description="The image's place in the test set, from 0.", examples=[1234])
    predicted_digit: int = Field(description="What the network takes it for.", examples=[7])
    actual_digit: int = Field(description="What it is.", examples=[7])
    correct: bool = Field(description="Whether the two agree.", examples=[True])
    image_data: str = Field(description="The image, 28x28 grey, as a base64 PNG without prefix.")
    output_weights: list[list[float]] = Field(description="The last layer's weights: 10 rows, one per digit.")
    network_output: list[float] = Field(description="The 10 outputs, one per digit.")


class TestAnswerReply(Reply):
    """What a network takes a test digit for."""

    example_index: int = Field(description="The digit's place in the test set, from 0.", examples=[1234])
    predicted_digit: int = Field(description="What the network takes it for.", examples=[7])
    actual_digit: int = Field(description="What it is.", examples=[7])
    confidence_scores: list[float] = Field(description="A probability for each digit; together they are 1.")
    correct: bool = Field(description="Whether the two agree.", examples=[True])


class TestPictureReply(Reply):
    """What a network takes a test digit for, with its picture."""

    example_index: int = Field(description="The digit's place in the test set, from 0.", examples=[1234])
    predicted_digit: int = Field(description="What the network takes it for.", examples=[7])
    actual_digit: int = Field(description="What it is.", examples=[7])
    correct: bool = Field(description="Whether the two agree.", examples=[True])
    image_data: str = Field(description="The image, 28x28 grey, as a base64 PNG without prefix.")


class TestAnswersReply(Reply):
    """What a network takes some test digits for."""

    results: list[TestPictureReply] = Field(description="In the order of the test set.")
    total: int = Field(description="How many there are in this reply.", examples=[10])


class MisclassifiedReply(Reply):
    """Test digits that a network gets wrong."""

    misclassified: list[TestPictureReply] = Field(description="In the order of the test set.")
    checked: int = Field(description="How many test digits were looked at, from the first.", examples=[500])
    wrong: int = Field(description="How many of them the network gets wrong.", examples=[23])


class LoadedReply(Reply):
    """A network in memory."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[_ID])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    status: Literal["loaded", "already_loaded"] = Field(description="Whether it was in memory before.")


class LayerStatisticsReply(Reply):
    """The weights, or the biases, of one layer."""

    layer: int = Field(description="Which layer, from 1, the first that has weights.", examples=[1])
    mean: float = Field(description="Their mean.", examples=[-0.004])
    min: float = Field(description="The smallest of them.", examples=[-0.58])
    max: float = Field(description="The largest of them.", examples=[0.43])
    std: float = Field(description="Their standard deviation.", examples=[0.075])
    shape: list[int] = Field(description="A row for each neuron: (out, in), for biases (out, 1).", examples=[[30, 784]])


class StatisticsReply(Reply):
    """A network's weights and biases in numbers."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[_ID])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    trained: bool = Field(description="Whether it holds weights that a run has written.", examples=[True])
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    weight_stats: list[LayerStatisticsReply] = Field(description="One for each layer.")
    bias_stats: list[LayerStatisticsReply] = Field(description="One for each layer.")


class VisualizationReply(Reply):
    """A picture of a network's weights."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[_ID])
    visualization: str = Field(description="The picture, a base64 PNG without prefix.")


class ModelReply(Reply):
    """A trained network that answers requests."""

    name: str = Field(description="What `model` in a request may say: its name, or its id.", examples=["first try"])
    network_id: str | None = Field(description="Its id, or null for one of the Hub.", examples=[_ID])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    activation: str = Field(description="The activation of the hidden layers.", examples=["sigmoid"])
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    source: Literal["local", "hub"] = Field(description="Where it comes from.")
    created_at: str = Field(description="UTC, ISO 8601 with milliseconds.", examples=[_TIME])
    default: bool = Field(description="Whether it answers requests that name none.", examples=[True])


class ModelsReply(Reply):
    """All trained networks."""

    models: list[ModelReply] = Field(description="The most accurate first, then those of the Hub.")


class AnswerReply(Reply):
    """What a network takes an image for."""

    predicted_digit: int = Field(description="The most probable digit, 0 to 9.", examples=[7])
    confidence: float = Field(description="Its probability, 0 to 1.", examples=[0.97])
    probabilities: list[float] = Field(description="One for each digit; together they are 1.")


class PredictionReply(AnswerReply):
    """What a network takes an image for, and which network that is."""

    model: str = Field(description="The name of the network that answered, or its id.", examples=["first try"])


class PredictionsReply(Reply):
    """What a network takes each of some images for."""

    predictions: list[AnswerReply] = Field(description="One for each image, in the same order.")
    count: int = Field(description="How many there are.", examples=[2])
    model: str = Field(description="The name of the network that answered, or its id.", examples=["first try"])


class Predicted(RootModel[PredictionReply | PredictionsReply]):
    """The answer for an image, or for each image of a list."""


class NeighbourReply(Reply):
    """A training digit that looks like an image."""

    index: int = Field(description="Its place in the training set, from 0.", examples=[1234])
    label: int = Field(description="The digit that it is, 0 to 9.", examples=[7])
    distance: float = Field(description="Euclidean, over 784 pixels of 0 to 1.", examples=[4.21])
    image_data: str = Field(description="The image, 28x28 grey, as a base64 PNG without prefix.")


class NearestReply(Reply):
    """The training digits that look most like an image."""

    neighbours: list[NeighbourReply] = Field(description="The nearest first.")


class PicturePredictionReply(PredictionReply):
    """What a network takes a picture for, and what it saw of it."""

    pixels: list[float] = Field(description="The prepared image: 784 numbers from 0, paper, to 1, ink, row by row.")
    image_data: str = Field(description="The same, 28x28 grey, as a base64 PNG without prefix.")
    inverted: bool = Field(description="Whether the paper was light and the ink dark.", examples=[True])
    width: int = Field(description="Pixels in a row of the picture that was sent.", examples=[1600])
    height: int = Field(description="Rows of the picture that was sent.", examples=[1200])
    neighbours: list[NeighbourReply] | None = Field(
        None, description="The nearest training digits, the nearest first; only where they were asked for."
    )


class ActivationsReply(Reply):
    """What every neuron shows for an image."""

    activations: list[list[float]] = Field(description="One list for each layer: first the pixels, last the outputs.")
    layer_sizes: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    model: str = Field(description="The name of the network that was asked, or its id.", examples=["first try"])


class SampleReply(Reply):
    """A digit of MNIST."""

    pixels: list[float] = Field(description="784 numbers from 0, paper, to 1, ink, row by row.")
    label: int = Field(description="The digit that it is, 0 to 9.", examples=[7])
    index: int = Field(description="Its place in the set, from 0.", examples=[1234])


class SamplesReply(Reply):
    """Digits of MNIST."""

    samples: list[SampleReply] = Field(description="In the order in which they were drawn, none twice.")
    count: int = Field(description="How many there are.", examples=[10])


class MnistReply(Reply):
    """MNIST, loaded."""

    status: Literal["loaded"] = Field(description="Always `loaded`.")
    train: int = Field(description="Images to train with.", examples=[50000])
    validation: int = Field(description="Images to choose settings by.", examples=[10000])
    test: int = Field(description="Images to measure with.", examples=[10000])


class CurrentNetworkReply(Reply):
    """The current network, with all its weights."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[_ID])
    sizes: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    activation: str = Field(description="The activation of the hidden layers.", examples=["sigmoid"])
    weights: list[list[list[float]]] = Field(description="One matrix for each layer: a row for each of its neurons.")
    biases: list[list[list[float]]] = Field(description="One column for each layer: a row for each of its neurons.")
