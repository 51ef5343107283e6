"""What is said of a network that is published: a model card for people, a description for programs.

What they say of accuracy is what the network's file says of itself; a number that only the publisher knows is called a
claim. Of the rest of the file's facts they show numbers and plain words, and no names of the publisher's files.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hippo import __version__
from hippo.clock import iso_time, now
from hippo.network import NeuralNetwork
from hippo.persistence.hub_cache import SUFFIX

_WORD = re.compile(r"[A-Za-z0-9 _.,-]{1,60}")
_HIDDEN = {
    "sigmoid": "1 / (1 + np.exp(-x))",
    "tanh": "np.tanh(x)",
    "relu": "np.maximum(x, 0)",
    "leaky_relu": "np.where(x > 0, x, 0.01 * x)",
}


@dataclass(frozen=True)
class Publication:
    """A network that is fit to be published.

    Attributes
    ----------
    path : Path
    name : str
        Under which it will be known.
    network : NeuralNetwork
    facts : dict
        What its file says of its making.
    accuracy : float or None
        0-1, on the test set.
    is_measured : bool
        Whether the file itself says the accuracy.
    licence : str
        Its identifier on the Hub, such as ``mit``.
    """

    path: Path
    name: str
    network: NeuralNetwork
    facts: dict[str, Any]
    accuracy: float | None
    is_measured: bool
    licence: str


def description(publication: Publication) -> dict[str, Any]:
    """Return what a program may want to know of the network, as values of JSON."""
    facts, spec = publication.facts, publication.network.spec
    kind = None if publication.accuracy is None else "measured" if publication.is_measured else "claimed"
    return {
        "name": publication.name,
        "spec": spec.to_dict(),
        "parameters": spec.parameter_count,
        "metrics": {
            "accuracy": publication.accuracy,
            "accuracy_is": kind,
            "accuracy_on": _test_set(facts),
        },
        "recipe": _recipe(facts),
        "training_config": training_settings(facts),
        "epochs_trained": facts["epochs_trained"] if isinstance(facts.get("epochs_trained"), int) else None,
        "license": publication.licence,
        "hippo_version": __version__,
        "published_at": iso_time(now()),
    }


def training_settings(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the training that a file names, as far as they are numbers, words or nothing."""
    found = facts.get("training_config")
    settings = found if isinstance(found, dict) else {}
    return {name: value for name, value in settings.items() if _is_plain(name) and _is_plain(value)}


def model_card(publication: Publication, repo: str, others: Sequence[str] = ()) -> str:
    """Return the page of the repository: YAML metadata, then Markdown."""
    name, spec, facts = publication.name, publication.network.spec, publication.facts
    hidden = spec.activation.replace("_", " ")
    rows = [
        ("layers", "-".join(map(str, spec.layer_sizes))),
        ("parameters", f"{spec.parameter_count:,}"),
        ("hidden layers", hidden if len(spec.layer_sizes) > 2 else "none"),
        ("outputs", "softmax" if spec.loss == "cross_entropy" else "sigmoid"),
        ("loss", spec.loss.replace("_", " ")),
        ("initializer", f"{spec.initializer.replace('_', ' ')}, seed {spec.seed}"),
        *([("dropout", f"{spec.dropout:g}")] if spec.dropout else []),
        *([("recipe", recipe)] if (recipe := _recipe(facts)) else []),
        *([("epochs", str(facts["epochs_trained"]))] if isinstance(facts.get("epochs_trained"), int) else []),
        *((key.replace("_", " "), str(value)) for key, value in training_settings(facts).items() if key != "epochs"),
    ]
    also = f"\nAlso in this repository: {', '.join(f'`{other}`' for other in others)}.\n" if others else ""
    return f"""{_metadata(publication)}
# {name}

A network that reads handwritten digits: 28 x 28 grey pixels in, the ten digits out. It was trained from scratch in
plain NumPy with Hippo {__version__}.
{also}
## The network and its training

| what | |
|---|---|
{chr(10).join(f"| {key} | {value} |" for key, value in rows)}

`{name}.json` holds the same for programs.

## Accuracy

{_accuracy_text(publication)}

## How to load it

The pixels are a float32 array `images` of shape `(N, 784)`, row by row, 0 for paper and 1 for ink.

With Hippo, from its folder `src`:

```python
from pathlib import Path

from huggingface_hub import hf_hub_download
from hippo.persistence.model_persistence import read_model

path = Path(hf_hub_download("{repo}", "{name}{SUFFIX}"))
network, facts = read_model(path)
outputs = network.predict(images)
```

With nothing but NumPy and safetensors:

```python
{snippet(publication.network, name)}
```

A Hippo server answers with it when it is started with `HF_MODEL_REPO={repo}`.

## Licence

{_licence_text(publication)}
"""


def snippet(network: NeuralNetwork, name: str) -> str:
    """Return Python that computes `outputs` (N, 10) from `images` (N, 784) with NumPy and the weights alone."""
    spec = network.spec
    layers = [key.removesuffix(".weights") for key in network.model.parameters if key.endswith(".weights")]
    lines = [
        "import numpy as np",
        "from safetensors.numpy import load_file",
        "",
        f'weights = load_file("{name}{SUFFIX}")',
        "x = images",
    ]
    for place, layer in enumerate(layers):
        lines.append(f'x = x @ weights["{layer}.weights"] + weights["{layer}.bias"]')
        if place < len(layers) - 1:
            lines.append(f"x = {_HIDDEN[spec.activation]}")
    if spec.loss == "cross_entropy":
        lines += ["x = np.exp(x - x.max(axis=1, keepdims=True))", "outputs = x / x.sum(axis=1, keepdims=True)"]
    else:
        lines.append(f"outputs = {_HIDDEN['sigmoid']}")
    return "\n".join(lines)


def _metadata(publication: Publication) -> str:
    lines = [
        f"license: {publication.licence}",
        "library_name: hippo",
        "pipeline_tag: image-classification",
        "tags: [hippo, mnist, numpy, safetensors]",
    ]
    if _is_mnist(publication.facts):
        lines.append("datasets: [ylecun/mnist]")
        if publication.is_measured:
            lines += [
                "metrics: [accuracy]",
                "model-index:",
                f"  - name: {json.dumps(publication.name)}",
                "    results:",
                "      - task: {type: image-classification}",
                "        dataset: {type: ylecun/mnist, name: MNIST, split: test}",
                f"        metrics: [{{type: accuracy, value: {publication.accuracy}}}]",
            ]
    return "\n".join(["---", *lines, "---"])


def _accuracy_text(publication: Publication) -> str:
    if publication.accuracy is None:
        return "Nobody has said how good it is."
    said = f"**{100 * publication.accuracy:.2f} %**"
    if not publication.is_measured:
        return f"{said}, as its publisher claims. The file does not say that it was measured."
    use = publication.facts.get("test_set_use")
    seen = f" The test set was looked at {use}." if use in ("once, at the end", "every epoch") else ""
    return f"{said} on {_test_set(publication.facts)}, measured with the weights that are here.{seen}"


def _licence_text(publication: Publication) -> str:
    text = f"The weights are published under `{publication.licence}`."
    if _is_mnist(publication.facts):
        text += " MNIST, from which they were learned, is by Yann LeCun, Corinna Cortes and Christopher J.C. Burges"
        text += " (CC BY-SA 3.0)."
    return text


def _is_mnist(facts: Mapping[str, Any]) -> bool:
    """Whether the digits were those of MNIST: the server knows no others, and an experiment says so."""
    experiment = facts.get("experiment")
    return not (isinstance(experiment, dict) and experiment.get("data") is not None)


def _test_set(facts: Mapping[str, Any]) -> str:
    # Not the name of the file, which belongs to the publisher's machine.
    return "the 10,000 digits of the MNIST test set" if _is_mnist(facts) else "a test set of the publisher's own"


def _recipe(facts: Mapping[str, Any]) -> str | None:
    experiment = facts.get("experiment")
    recipe = experiment.get("recipe") if isinstance(experiment, dict) else None
    return recipe if isinstance(recipe, str) and _is_plain(recipe) else None


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int) or (isinstance(value, str) and bool(_WORD.fullmatch(value)))
