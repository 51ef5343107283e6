# %% [markdown]
"""# What happened in a run: a training log, read and plotted.

A run with a log (`train_mnist.py --log`, `LoggedNeuralNetwork`, the callback `TrainingLogger`) leaves a file
`logs/training_YYYYMMDD_HHMMSS.jsonl`. This file plots it, as a script, from the folder of the project:

    PYTHONPATH=src python docs/read_training_log.py logs/training_20260131_120000.jsonl --out figure.png

Without a name it takes the newest log under `logs/`; several names are a run and its continuations, in this order.
It is a notebook, too, in the percent format: editors show its cells, and `jupytext --to notebook` (of a package that is
not needed here) makes an `.ipynb` of it. Start Jupyter in the folder of the project, with `PYTHONPATH=src`.
"""

# %%
import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np

IN_NOTEBOOK = "ipykernel" in sys.modules
if not IN_NOTEBOOK:
    matplotlib.use("Agg")  # draws without a screen

import matplotlib.pyplot as plt  # noqa: E402 - the line above comes first

from hippo.errors import DataError  # noqa: E402
from hippo.training.training_logger import epochs_of, read_log  # noqa: E402

# %% [markdown]
# ## Which log
#
# In a notebook, put the names of other logs into `logs`.

# %%
parser = argparse.ArgumentParser(description="Plot a training log.")
parser.add_argument("logs", nargs="*", type=Path, help="training logs (default: the newest under logs/)")
parser.add_argument("--out", type=Path, default=Path("training_log.png"), help="picture to write, PNG, SVG or PDF")
options = parser.parse_args([] if IN_NOTEBOOK else None)
logs = options.logs or sorted(Path("logs").glob("training_*.jsonl"))[-1:]
if not logs:
    parser.exit(2, "There is no log under logs/: name one, or make one by training with a log.\n")

try:
    records = [record for log in logs for record in read_log(log)]
except DataError as error:
    parser.exit(2, f"{error.message}\n")


def of(kind):
    """Return the records of one type."""
    return [record for record in records if record["type"] == kind]


epochs = epochs_of(records)
figure, ((losses, accuracies), (gradients, weights)) = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
complete = of("training_complete")
told = f"{logs[-1].name}: {len(epochs)} {'epoch' if len(epochs) == 1 else 'epochs'}"
if complete and complete[-1]["final_accuracy"] is not None:
    last = complete[-1]
    told += f", {100 * last['final_accuracy']:.2f} % of the {last['accuracy_of']} set right at the end"
if not complete:
    told += ", cut short"
figure.suptitle(told)


def curve(axes, name, label, style, factor=1.0):
    """Draw a number of every epoch; leave out what was not measured."""
    points = [(record["epoch"], factor * record[name]) for record in epochs if record.get(name) is not None]
    if points:
        axes.plot(*zip(*points, strict=True), style, label=label, markersize=3)


def finish(axes, title, label, **where):
    """Name the axes, and say so where nothing was measured."""
    axes.set(title=title, xlabel="epoch", ylabel=label)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if axes.has_data():
        axes.legend(frameon=False, **where)
    else:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "nothing was measured", ha="center", transform=axes.transAxes)


# %% [markdown]
# ## What the records say
#
# Every line of a log is a JSON record with a `type` and a `timestamp` (UTC); `hippo.training.log_file` lists them all.
# `test_accuracy` is a count, `accuracy_percent` is 0-100, and every other accuracy is a fraction 0-1. Those of
# `training_complete` are of the set that `accuracy_of` names: "test", or "validation" where the test set was kept for
# the end. What was not measured is null. Layers are numbered by their place in the network's sizes, 0 is the input.
#
# A run that was cut short has no `training_complete`. One that was resumed has a new log, whose first `epoch_start`
# says where it went on.

# %% [markdown]
# ## Is it learning, and is it learning by heart?
#
# The training loss is the mean over an epoch, while the network learned; the others are measured at the epoch's end. A
# training loss that falls while the validation loss rises: the network learns its examples by heart.

# %%
curve(losses, "loss", "training", "o-")
curve(losses, "validation_loss", "validation", "s-")
curve(losses, "test_loss", "test", "^-")
finish(losses, "Loss", "mean loss per example")

curve(accuracies, "training_accuracy", "training (while it learned)", "o-", 100)
curve(accuracies, "validation_accuracy", "validation", "s-", 100)
curve(accuracies, "accuracy_percent", "test", "^-")
finish(accuracies, "Accuracy", "right answers, %")

# %% [markdown]
# ## Does every layer hear of its errors?
#
# The mean absolute gradient of each layer's weights, for the first of every 100 mini-batches: pale as it was, bold as
# the geometric mean over 21 of these. A layer that lies far below the last one hardly learns (vanishing gradients); one
# that grows and grows is about to diverge.

# %%
WINDOW = 21
BESIDE = {"loc": "upper left", "bbox_to_anchor": (1, 1)}

batches_in_epoch = max((record.get("total_batches", 1) for record in of("epoch_start")), default=1)
batches = {
    (record["epoch"], record["batch_idx"]): record["gradient_stats"]["weight_mean"] for record in of("mini_batch")
}
snapshots = {record["epoch"]: record["layers"] for record in of("weight_snapshot")}
layers = max((len(of_layers) for of_layers in [*batches.values(), *snapshots.values()]), default=0)
colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, layers))

for layer, colour in enumerate(colours):
    points = [(epoch - 1 + index / batches_in_epoch, means[layer]) for (epoch, index), means in sorted(batches.items())]
    # What is 0 or was no number has no place on a logarithmic axis.
    x, y = np.array([point for point in points if point[1]]).reshape(-1, 2).T
    name = f"layer {layer + 1}"
    if len(x) >= 2 * WINDOW:
        gradients.semilogy(x, y, color=colour, alpha=0.25, linewidth=0.7)
        x, y = (np.convolve(values, np.full(WINDOW, 1 / WINDOW), "valid") for values in (x, np.log(y)))
        gradients.semilogy(x, np.exp(y), color=colour, label=name)
    elif len(x):
        gradients.semilogy(x, y, "o-", color=colour, label=name, markersize=3)
finish(gradients, "Mean absolute gradient of the weights", "|gradient|", **BESIDE)

# %% [markdown]
# ## How far do the weights go?
#
# Standard deviation of each layer's weights, and dotted the smallest and the largest of them.

# %%
for layer, colour in enumerate(colours):
    rows = [(epoch, of_layers[layer]) for epoch, of_layers in sorted(snapshots.items())]
    for name, style in (("weight_std", "o-"), ("weight_min", ":"), ("weight_max", ":")):
        label = f"layer {layer + 1}" if name == "weight_std" else None
        if rows:
            weights.plot(
                *zip(*((epoch, row[name]) for epoch, row in rows), strict=True),
                style,
                color=colour,
                label=label,
                markersize=3,
            )
finish(weights, "Weights: standard deviation, smallest and largest", "weight", **BESIDE)

# %%
if IN_NOTEBOOK:
    plt.show()
else:
    try:
        figure.savefig(options.out, dpi=120)
    except (OSError, ValueError) as error:
        parser.exit(2, f"{options.out} cannot be written: {error}.\n")
    sys.stdout.write(f"{options.out}\n")
