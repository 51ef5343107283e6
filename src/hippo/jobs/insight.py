"""How a network learns, in numbers, worked out by the assistant: the next step of a paused run, and a gradient check.

Both begin with the weights in a checkpoint or a file, read for this one answer; nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hippo.datasets import MNIST
from hippo.errors import WrongState
from hippo.jobs.frames import Message
from hippo.jobs.training_spec import TrainingSpec, load_network, start_of_run
from hippo.network import shuffling
from hippo.nn import Array
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import Diverged, Orders, Steering, TrainingConfig
from hippo.training.explanation import Explanation, explain_step
from hippo.training.gradient_report import EXAMPLES, LIMIT, H, check_layers
from hippo.training.one_step import Incoming, Outgoing

#: Weights whose change is shown number by number, and products of each example.
MOST_WEIGHTS, MOST_PRODUCTS = 10, 5
#: Neurons with more inputs are shown by their strongest changes only.
MOST_INPUTS = 2_000
#: Chooses the weights of a gradient check: always the same, so that two checks can be compared.
_SEED = 0


def explained(
    files: ModelFiles, data: MNIST, spec: Mapping[str, Any], layer: int, neuron: int, input: int | None
) -> Message:
    """Return what the next step of a run is made of, as one neuron sees it.

    Parameters
    ----------
    spec : mapping
        The fields of `TrainingSpec`.
    layer, neuron : int
        As in `explain_step`.
    input : int or None
        Whose weight is told of even if others change more, from 0.

    Raises
    ------
    DataError
        When the weights cannot be read.
    InvalidValue
        When there is no such neuron, or no step is left.
    WrongState
        When the run diverges in that step.
    """
    run = TrainingSpec(**spec)
    network, state, _ = start_of_run(run, files)
    config = TrainingConfig(**run.config)
    steering = Steering(Orders(wanted=run.wanted), changes=run.changes)
    rng = shuffling(config.seed)
    images = data.training_data
    try:
        said = explain_step(network.model, network.loss, images, config, rng, state, layer, neuron, [steering])
    except Diverged:
        raise WrongState(
            "This run diverges in its next step: the loss of the mini-batch is no finite number any more, so that no "
            "gradient can be worked out. The step ends the run."
        ) from None
    about = {"job_id": run.job_id, "network_id": run.network_id, "layer": layer, "neuron": neuron}
    return {"type": "done", "answer": about | _described(said, input)}


def checked(files: ModelFiles, data: MNIST, network: dict[str, Any], job_id: str | None, per_layer: int) -> Message:
    """Return a gradient check of every layer.

    Parameters
    ----------
    network : dict
        ``network_id``, ``network`` (`NetworkSpec.to_dict`) and ``revision``.
    job_id : str or None
        The network's run that is not over, whose checkpoint is looked at first.
    per_layer : int
        Weights and biases to compare in each layer.

    Raises
    ------
    DataError
        When the weights cannot be read.
    """
    checkpoint = files.load_checkpoint(job_id) if job_id else None
    whole = checkpoint[0] if checkpoint else load_network(**network, files=files)
    began = time.perf_counter()
    rng = np.random.default_rng(_SEED)
    checks = check_layers(whole.model, whole.loss, data.training_data, per_layer, rng)
    layers = [
        {
            "layer": check.layer,
            "parameters": check.parameters,
            "checked": check.checked,
            "relative_error": _number(check.relative_error),
            "ok": check.ok,
            "rounding": _number(check.rounding),
            "worst": {
                "name": check.worst.name,
                "index": list(check.worst.index),
                "analytic": _number(check.worst.analytic),
                "numerical": _number(check.worst.numerical),
            },
        }
        for check in checks
    ]
    seconds = time.perf_counter() - began
    return {
        "type": "done",
        "answer": {"h": H, "limit": LIMIT, "examples": EXAMPLES, "seconds": seconds, "layers": layers},
    }


def _described(said: Explanation, input: int | None) -> dict[str, Any]:
    settings, incoming = said.settings, said.incoming
    order = np.argsort(-np.abs(incoming.changes), kind="stable")[:MOST_WEIGHTS]
    strongest = [int(place) for place in order if incoming.changes[place] != 0]
    asked_for = [] if input is None or input in strongest else [input]
    few = len(incoming.weights) <= MOST_INPUTS
    return {
        "epoch": said.epoch,
        "batch": said.batch,
        "batches": said.batches,
        "step": said.step,
        "mini_batch_size": said.size,
        "learning_rate": said.learning_rate,
        **{
            name: getattr(settings, name) for name in ("optimizer", "momentum", "nesterov", "weight_decay", "clip_norm")
        },
        "betas": list(said.betas) if said.betas else None,
        "epsilon": said.epsilon,
        "clip_factor": said.clip_factor,
        "activation": said.activation,
        "dropout": said.dropout,
        "label_smoothing": settings.label_smoothing,
        "loss": _number(said.loss),
        "examples": [_example(said, row) for row in range(len(said.examples))],
        "shown": len(said.examples),
        "total": said.size,
        "bias": {
            "value": _number(incoming.bias),
            "gradient": _number(incoming.bias_gradient),
            "change": _number(incoming.bias_change),
            "after": _number(incoming.bias_after),
            "memory": {letter: _number(value) for letter, value in incoming.bias_memory.items()},
        },
        "weights": [_weight(said, place) for place in strongest + asked_for],
        "incoming_weights": _numbers(incoming.weights) if few else None,
        "incoming_gradients": _numbers(incoming.gradients) if few else None,
        "incoming_changes": _numbers(incoming.changes) if few else None,
    }


def _example(said: Explanation, row: int) -> dict[str, Any]:
    outgoing = said.outgoing
    terms = said.inputs[row].astype(np.float64) * said.incoming.weights
    return {
        "index": int(said.examples[row]),
        "label": int(said.labels[row]),
        "z": _number(said.z[row]),
        "a": _number(said.a[row]),
        "delta": _number(said.delta[row]),
        "target": _number(said.targets[row]) if said.targets is not None else None,
        "slope": _number(said.slope[row]) if said.slope is not None else None,
        "dropout_factor": _number(outgoing.dropout[row]) if outgoing and outgoing.dropout is not None else None,
        "logits": _numbers(said.logits[row]) if said.logits is not None else None,
        **_sum(terms, input=None, x=said.inputs[row], weight=said.incoming.weights),
        "passed_back": _passed_back(outgoing, row) if outgoing else None,
    }


def _passed_back(outgoing: Outgoing, row: int) -> dict[str, Any]:
    """Return dC/d of what a neuron hands on, as the sum over the neurons behind it."""
    terms = outgoing.deltas[row].astype(np.float64) * outgoing.weights
    return {
        "sum": _number(terms.sum()),
        **_sum(terms, neuron=None, delta=outgoing.deltas[row], weight=outgoing.weights),
    }


def _sum(terms: Array, **factors: Array | None) -> dict[str, Any]:
    """Return a sum's largest terms, with their factors by name and their place under the name of None, and the rest."""
    order = np.argsort(-np.abs(terms), kind="stable")
    top = [int(place) for place in order[:MOST_PRODUCTS] if terms[place] != 0]
    rest = terms[order[len(top) :]]
    return {
        "top": [
            {name: place if values is None else _number(values[place]) for name, values in factors.items()}
            | {"product": _number(terms[place])}
            for place in top
        ],
        "rest": {"terms": int(np.count_nonzero(rest)), "sum": _number(rest.sum())},
    }


def _weight(said: Explanation, place: int) -> dict[str, Any]:
    incoming: Incoming = said.incoming
    return {
        "input": place,
        "x": _numbers(said.inputs[:, place]),
        "weight": _number(incoming.weights[place]),
        "gradient": _number(incoming.gradients[place]),
        "change": _number(incoming.changes[place]),
        "after": _number(incoming.after[place]),
        "memory": {letter: _number(values[place]) for letter, values in incoming.memory.items()},
    }


def _numbers(values: Array | Iterable[float]) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    """Return a number that JSON can hold; None where it is not finite."""
    return float(value) if np.isfinite(value) else None
