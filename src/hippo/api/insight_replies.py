"""What replies about the inside of a run hold: the next step in numbers, a gradient check; as in `replies.py`."""

from __future__ import annotations

from pydantic import Field

from hippo.api.replies import JOB_ID, NETWORK_ID, Reply

_FINITE = "null where it is no finite number"


class ProductReply(Reply):
    """One term of a neuron's weighted sum."""

    input: int = Field(description="The input, from 0: a pixel, or a neuron of the layer before.", examples=[406])
    x: float | None = Field(description=f"What comes in; {_FINITE}.", examples=[0.99])
    weight: float | None = Field(description=f"Its weight; {_FINITE}.", examples=[-1.31])
    product: float | None = Field(description=f"Their product; {_FINITE}.", examples=[-1.3])


class RestReply(Reply):
    """What a sum has besides its largest terms."""

    terms: int = Field(description="How many terms, those that are 0 left out.", examples=[25])
    sum: float | None = Field(description=f"Their sum; {_FINITE}.", examples=[0.31])


class BackTermReply(Reply):
    """One term of what comes back to a hidden neuron."""

    neuron: int = Field(description="A neuron of the layer behind it, from 0.", examples=[4])
    delta: float | None = Field(description=f"That neuron's dC/dz; {_FINITE}.", examples=[0.0021])
    weight: float | None = Field(description=f"The weight that leads there; {_FINITE}.", examples=[-0.8])
    product: float | None = Field(description=f"Their product; {_FINITE}.", examples=[-0.00168])


class PassedBackReply(Reply):
    """What comes back to a hidden neuron: dC/d of what it handed on, a sum over the layer behind it."""

    sum: float | None = Field(description=f"All of it; {_FINITE}.", examples=[-0.0031])
    top: list[BackTermReply] = Field(description="The 5 largest terms, the largest first.")
    rest: RestReply = Field(description="The other terms.")


class ExplainedExampleReply(Reply):
    """One image of the mini-batch, as the neuron sees it."""

    index: int = Field(description="Its place in the training set.", examples=[17])
    label: int = Field(description="Which digit it is.", examples=[5])
    z: float | None = Field(description=f"The neuron's weighted sum and bias; {_FINITE}.", examples=[0.52])
    a: float | None = Field(description=f"What the activation makes of it; {_FINITE}.", examples=[0.63])
    delta: float | None = Field(description=f"dC/dz, of the mean over the mini-batch; {_FINITE}.", examples=[0.004])
    target: float | None = Field(
        description="y, what this output should be, smoothed if the labels are; null for a hidden neuron.",
        examples=[1.0],
    )
    slope: float | None = Field(
        description="The activation's derivative at z, in float64; null for a softmax.", examples=[0.23]
    )
    dropout_factor: float | None = Field(
        description="What dropout multiplies a by before it goes on, 0 where it drops it; null without.", examples=[2.0]
    )
    logits: list[float | None] | None = Field(
        description="The weighted sums of all outputs, where the activation is their softmax; else null."
    )
    top: list[ProductReply] = Field(description="The 5 largest terms of the weighted sum, the largest first.")
    rest: RestReply = Field(description="The other terms; with `top` and the bias they add up to z.")
    passed_back: PassedBackReply | None = Field(
        description="What comes back from the layer behind it: delta is its sum times slope and dropout_factor. "
        "Null for an output."
    )
    image_data: str = Field(description="The image: a PNG in base64, without a prefix.")


class ExplainedBiasReply(Reply):
    """A number that the step changes; what is no finite number is null."""

    value: float | None = Field(description="Before the step.", examples=[-0.83])
    gradient: float | None = Field(description="dC/d of it: the sum over the mini-batch.", examples=[0.012])
    change: float | None = Field(description="What the optimizer adds, in float64.", examples=[-0.036])
    after: float | None = Field(description="After the step, rounded to float32 as in the run.", examples=[-0.866])
    memory: dict[str, float | None] = Field(
        description="What the optimizer remembers of it: `v` with momentum, `m` and `v` with adam."
    )


class ExplainedWeightReply(Reply):
    """A weight that the step changes; what is no finite number is null."""

    input: int = Field(description="Where it comes from: a pixel, or a neuron of the layer before.", examples=[406])
    x: list[float | None] = Field(description="What comes in, for each of the examples.")
    weight: float | None = Field(description="Before the step.", examples=[-1.31])
    gradient: float | None = Field(description="dC/d of it: the sum over the mini-batch.", examples=[0.012])
    change: float | None = Field(description="What the optimizer adds, in float64.", examples=[-0.036])
    after: float | None = Field(description="After the step, rounded to float32 as in the run.", examples=[-1.346])
    memory: dict[str, float | None] = Field(description="As that of the bias.")


class ExplanationReply(Reply):
    """The next step of a paused run, as one neuron sees it."""

    job_id: str = Field(description="The run.", examples=[JOB_ID])
    network_id: str = Field(description="Its network.", examples=[NETWORK_ID])
    layer: int = Field(description="The neuron's layer, from 1.", examples=[2])
    neuron: int = Field(description="Its place in it, from 0.", examples=[7])
    epoch: int = Field(description="The epoch of the step, from 1.", examples=[1])
    batch: int = Field(description="Its mini-batch, from 1.", examples=[43])
    batches: int = Field(description="Mini-batches of an epoch.", examples=[5000])
    step: int = Field(description="Steps taken before it.", examples=[42])
    mini_batch_size: int = Field(description="Images of the mini-batch.", examples=[10])
    learning_rate: float = Field(description="Of this step.", examples=[3.0])
    optimizer: str = Field(description="sgd, adam or adamw.", examples=["sgd"])
    momentum: float = Field(description="Of sgd.", examples=[0.0])
    nesterov: bool = Field(description="Nesterov's form of momentum.", examples=[False])
    weight_decay: float = Field(description="Of the optimizer.", examples=[0.0])
    clip_norm: float | None = Field(description="Longest gradient, or null.", examples=[None])
    betas: list[float] | None = Field(description="beta1 and beta2 of adam; null for sgd.", examples=[None])
    epsilon: float | None = Field(description="Of adam; null for sgd.", examples=[None])
    clip_factor: float = Field(
        description="What every gradient was multiplied by so that all are no longer than clip_norm.", examples=[1.0]
    )
    activation: str = Field(description="sigmoid, tanh, relu, leaky_relu or softmax.", examples=["sigmoid"])
    dropout: float = Field(description="The fraction dropped of each hidden layer; 0 for none.", examples=[0.0])
    label_smoothing: float = Field(description="What is taken from the certainty of the labels.", examples=[0.0])
    loss: float | None = Field(description="Mean of the mini-batch, before the step.", examples=[0.042])
    examples: list[ExplainedExampleReply] = Field(description="The first 20 images at most.")
    shown: int = Field(description="How many those are.", examples=[10])
    total: int = Field(description="How many the mini-batch has.", examples=[10])
    bias: ExplainedBiasReply = Field(description="The neuron's bias.")
    weights: list[ExplainedWeightReply] = Field(
        description="The 10 weights that change most, the largest change first; then that from `input`."
    )
    incoming_weights: list[float | None] | None = Field(
        description="All weights of the neuron before the step; null where they are more than 2,000."
    )
    incoming_gradients: list[float | None] | None = Field(description="Their gradients.")
    incoming_changes: list[float | None] | None = Field(description="What the optimizer adds to them, in float64.")


class WorstReply(Reply):
    """The number whose two gradients agree least."""

    name: str = Field(description="weights or bias.", examples=["weights"])
    index: list[int] = Field(description="Its place: row and column of the weights, or place of the bias.")
    analytic: float | None = Field(description="By backpropagation.", examples=[0.0012])
    numerical: float | None = Field(description="By the difference quotient.", examples=[0.0012])


class LayerCheckReply(Reply):
    """How well the gradients of one layer agree."""

    layer: int = Field(description="From 1.", examples=[1])
    parameters: int = Field(description="Weights and biases it has.", examples=[23550])
    checked: int = Field(description="How many of them were compared.", examples=[20])
    relative_error: float | None = Field(description="|a - b| / (|a| + |b|) over those, 0-1.", examples=[1.2e-9])
    ok: bool = Field(description="Whether that is below `limit`.", examples=[True])
    rounding: float | None = Field(description="What rounding may add to a quotient, or null.", examples=[1e-11])
    worst: WorstReply = Field(description="The one that agrees least.")


class GradientCheckReply(Reply):
    """Gradients of backpropagation beside difference quotients."""

    h: float = Field(description="How far each number was moved, up and down.", examples=[1e-5])
    limit: float = Field(description="Relative errors below this are those of the quotient.", examples=[1e-6])
    examples: int = Field(description="Training images that the loss is the mean of.", examples=[10])
    seconds: float = Field(description="How long it took.", examples=[0.02])
    layers: list[LayerCheckReply] = Field(description="Every layer that has weights, the first first.")
