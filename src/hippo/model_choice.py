"""Which network answers: the one that a request names, else that of DEFAULT_MODEL, else the best trained one.

Networks come from this server's store and from other places, such as a repository of the Hub. Nothing is loaded here;
what the chosen one answers is the matter of ``inference``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hippo.clock import iso_time
from hippo.errors import NoModel, UnknownModel, UnknownNetwork
from hippo.jobs.store import Store, StoredNetwork
from hippo.network import NetworkSpec, NeuralNetwork


class Source(Protocol):
    """Another place that networks come from, such as a repository on the Hub."""

    @property
    def names(self) -> Collection[str]:
        """The names of its networks; quick to ask."""

    def models(self) -> list[dict[str, Any]]:
        """Describe its networks as `Inference.models` does."""

    def file(self, name: str) -> Path:
        """Return where the weights of one of them are, another file for other weights; raises UnknownModel."""

    def load(self, name: str) -> NeuralNetwork:
        """Return one of them; raises UnknownModel."""


@dataclass(frozen=True)
class Chosen:
    """The network that is to answer: a stored one, or one of a source, described as if it were stored."""

    name: str
    network: StoredNetwork
    source: Source | None = None
    file: Path | None = None

    @property
    def network_id(self) -> str | None:
        """Its id; None where it is kept elsewhere."""
        return None if self.source else self.network.network_id


class ModelChoice:
    """Chooses among all networks. Safe to call from any thread.

    Parameters
    ----------
    store : Store
    default_model : str, optional
        Id or name of the network that answers where a request names none.
    """

    def __init__(self, store: Store, default_model: str | None = None) -> None:
        self._store = store
        self._default = default_model
        self._sources: list[Source] = []

    def add_source(self, source: Source) -> None:
        """Let networks of another place answer, too; where names clash, what is stored here goes first."""
        self._sources.append(source)

    def models(self) -> list[dict[str, Any]]:
        """Describe every trained network, the best first.

        Returns
        -------
        list of dict
            ``name`` (or id), ``network_id`` (None elsewhere), ``architecture``, ``activation``, ``accuracy`` (0-1 or
            None), ``source`` ("local" or "hub"), ``created_at``, ``default`` (whether it answers where none is named).
        """
        try:
            default: Chosen | None = self.choose(None)
        except NoModel:
            default = None
        described = []
        for network in self._store.trained_networks():
            described.append(
                {
                    "name": network.name or network.network_id,
                    "network_id": network.network_id,
                    "architecture": list(network.spec.layer_sizes),
                    "activation": network.spec.activation,
                    "accuracy": network.accuracy,
                    "source": "local",
                    "created_at": iso_time(network.created_at),
                    "default": default is not None and default.network_id == network.network_id,
                }
            )
        for source in self._sources:
            for model in source.models():
                is_default = default is not None and default.source is source and default.name == model["name"]
                described.append({"network_id": None, "source": "hub", **model, "default": is_default})
        return described

    def problem(self) -> str | None:
        """Say what is wrong with the setting DEFAULT_MODEL, if anything is."""
        try:
            self.choose(None)
        except NoModel as error:
            return error.message if self._default is not None else None
        return None

    def choose(self, model: str | None) -> Chosen:
        """Return the network that answers; raises UnknownModel and NoModel, as `Inference.network` does."""
        if model is not None:
            chosen = self._find(model)
            if chosen is None:
                raise UnknownModel(f"There is no model {model!r}. GET /models lists those there are.")
            return chosen
        if self._default is not None:
            chosen = self._find(self._default)
            if chosen is None:
                raise NoModel(f"The model that DEFAULT_MODEL names, {self._default!r}, is not there. Name another one.")
            return chosen
        best = self._store.best_network()
        if best is not None:
            return Chosen(best.name or best.network_id, best)
        for source in self._sources:
            if source.names:
                return _of_source(source, max(source.models(), key=lambda model: model.get("accuracy") or 0.0))
        raise NoModel("No network has been trained yet. Train one, or name one with `model`.")

    def _find(self, model: str) -> Chosen | None:
        """Return the network of this id; else the best trained one of this name; else one of a source."""
        try:
            network = self._store.network(model)
        except UnknownNetwork:
            named = self._store.best_network(model)
            if named is not None:
                return Chosen(model, named)
            of_sources = (
                _of_source(source, described)
                for source in self._sources
                if model in source.names
                for described in source.models()
                if described["name"] == model
            )
            return next(of_sources, None)
        return Chosen(network.name or network.network_id, network)


def _of_source(source: Source, described: dict[str, Any]) -> Chosen:
    name, file = str(described["name"]), source.file(described["name"])
    spec = NetworkSpec.make(described["architecture"], described["activation"], seed=0)
    return Chosen(name, StoredNetwork(f"hub:{name}", name, spec, 0.0, revision=str(file)), source, file)
