"""What replies of trained networks hold: predictions, examples, statistics, samples; as in `replies.py`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from hippo.api.replies import NETWORK_ID, TIME, Reply


class ExampleReply(Reply):
    """One image of the test set, and what the network makes of it."""

    network_id: str = Field(description="The network that was asked.", examples=[NETWORK_ID])
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

    network_id: str = Field(description="The network's id, a UUID.", examples=[NETWORK_ID])
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

    network_id: str = Field(description="The network's id, a UUID.", examples=[NETWORK_ID])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    trained: bool = Field(description="Whether it holds weights that a run has written.", examples=[True])
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    weight_stats: list[LayerStatisticsReply] = Field(description="One for each layer.")
    bias_stats: list[LayerStatisticsReply] = Field(description="One for each layer.")


class VisualizationReply(Reply):
    """A picture of a network's weights."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[NETWORK_ID])
    visualization: str = Field(description="The picture, a base64 PNG without prefix.")


class ModelReply(Reply):
    """A trained network that answers requests."""

    name: str = Field(description="What `model` in a request may say: its name, or its id.", examples=["first try"])
    network_id: str | None = Field(description="Its id, or null for one of the Hub.", examples=[NETWORK_ID])
    architecture: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    activation: str = Field(description="The activation of the hidden layers.", examples=["sigmoid"])
    accuracy: float | None = Field(description="The fraction of the test set it gets right, or null.", examples=[0.953])
    source: Literal["local", "hub"] = Field(description="Where it comes from.")
    created_at: str = Field(description="UTC, ISO 8601 with milliseconds.", examples=[TIME])
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

    network_output: list[float] = Field(
        description="The 10 outputs as they are, 0-1; those of sigmoid neurons need not sum to 1."
    )
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

    network_id: str = Field(description="The network's id, a UUID.", examples=[NETWORK_ID])
    sizes: list[int] = Field(description="Neurons per layer.", examples=[[784, 30, 10]])
    activation: str = Field(description="The activation of the hidden layers.", examples=["sigmoid"])
    weights: list[list[list[float]]] = Field(description="One matrix for each layer: a row for each of its neurons.")
    biases: list[list[list[float]]] = Field(description="One column for each layer: a row for each of its neurons.")
