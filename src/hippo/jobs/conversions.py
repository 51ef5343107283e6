"""What the assistant does with files of other programs: one read and made a network's file, a network written as one.

Who asks for it, and what becomes of the files, is in ``transfers``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hippo.atomic_files import write_atomically
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.interchange import export, read_any
from hippo.persistence.model_persistence import ModelFiles, read_model, write_model

#: Facts in a network's file that only the server that wrote it has a use for.
_OWN_FACTS = ("spec", "revision", "outcome")


def take_in(source: str, label: str, target: str, revision: str) -> dict[str, Any]:
    """Read the file `source` and write the network it holds to `target`; return its spec and facts.

    Raises
    ------
    ImportRefused
        When it is no model.
    """
    network, facts = read_any(Path(source), label)
    write_model(Path(target), network, {"revision": revision, **facts})
    short = {name: facts.get(name) for name in ("format", "claimed_accuracy", "epochs_trained")}
    return {"spec": network.spec.to_dict(), **short}


def give_out(
    network_id: str,
    network: dict[str, Any],
    revision: str | None,
    accuracy: float | None,
    form: str,
    target: str,
    files: ModelFiles,
) -> None:
    """Write a network to `target` in a format of `interchange.FORMATS`; raises DataError where its file is missing.

    `accuracy` is that of the weights of `revision`; those of a run that has ended since have their own in the file.
    """
    kept: dict[str, Any] = {}
    if revision is None:
        whole = NeuralNetwork(NetworkSpec.from_dict(network))
    else:
        whole, kept = read_model(files.model_path(network_id))  # at once: weights and what is said of them
    facts = {name: value for name, value in kept.items() if name not in _OWN_FACTS}
    if kept.get("revision") == revision:
        facts["accuracy"] = accuracy
    write_atomically(Path(target), export(whole, facts, form))
