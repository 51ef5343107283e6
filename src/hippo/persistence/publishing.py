"""Publishing a network on the Hugging Face Hub: its file as it is, a card for people and a JSON file for programs.

The three go there as one commit. What is said of the network is the matter of ``model_card``, how the Hub is spoken
to, of ``hub_client``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hippo.errors import DataError, InvalidValue
from hippo.persistence.hub_cache import MAX_MODEL_BYTES, SUFFIX, check_model_name, check_repo
from hippo.persistence.hub_client import Hub
from hippo.persistence.interchange import read_any
from hippo.persistence.model_card import Publication, description, model_card
from hippo.persistence.model_persistence import read_model

_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{1,40}")


def prepare(path: Path, name: str, accuracy: str | None = None, licence: str = "mit") -> Publication:
    """Read and check what is to be published.

    Parameters
    ----------
    path : Path
    name : str
    accuracy : str, optional
        A number of 0 to 1 as it was written: with two decimals it need agree with the file's to two, and so on.
    licence : str

    Raises
    ------
    DataError, ImportRefused, OSError
        When the file is no finished network of Hippo.
    InvalidValue
        When the name or the licence cannot be one, or the accuracy is not that of the file.
    """
    check_model_name(name)
    if not _LICENCE.fullmatch(licence):
        raise InvalidValue(f"{licence[:60]!r} is no identifier of a licence, such as mit or cc-by-sa-3.0.")
    if path.stat().st_size > MAX_MODEL_BYTES:
        raise DataError(f"{path.name} is larger than {MAX_MODEL_BYTES:,} bytes.")
    if path.suffix != SUFFIX:
        raise InvalidValue(f"{path.name} is no {SUFFIX} file. A server can import others and make one of them.")
    read_any(path, path.name)  # what a server would refuse is not published
    network, facts = read_model(path)
    if "state" in facts:
        raise DataError(f"{path.name} is the checkpoint of a run that is not over. Publish the finished network.")
    measured = measured_accuracy(facts)
    claimed = None if accuracy is None else _number(accuracy)
    if accuracy is not None and claimed is not None and measured is not None:
        decimals = max(2, len(accuracy.partition(".")[2]))
        if abs(claimed - measured) > 0.5 * 10**-decimals + 1e-12:
            raise InvalidValue(f"{path.name} says that its accuracy is {measured:.4f}, which is not {accuracy}.")
    return Publication(
        path, name, network, facts, claimed if measured is None else measured, measured is not None, licence
    )


def measured_accuracy(facts: Mapping[str, Any]) -> float | None:
    """Return the accuracy, 0-1, that a file says of itself, or None."""
    value = facts.get("accuracy")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None  # type: ignore[operator, arg-type]


def publish(publication: Publication, hub: Hub, repo: str, private: bool) -> str:
    """Put the network into a repository, made when missing, and return the repository's address.

    Raises
    ------
    InvalidValue
        When `repo` is not ``owner/name``.
    HubError
        When the Hub refuses or fails.
    """
    check_repo(repo)
    others = [name for name in hub.model_names(repo) if name != publication.name]
    return hub.commit(repo, files(publication, repo, others), f"Publish {publication.name}", private)


def files(publication: Publication, repo: str, others: Sequence[str] = ()) -> dict[str, Path | bytes]:
    """Return what is published, by the names it gets; `others` are models that are there already."""
    name = publication.name
    return {
        f"{name}{SUFFIX}": publication.path,
        f"{name}.json": (json.dumps(description(publication), indent=2, allow_nan=False) + "\n").encode(),
        "README.md": model_card(publication, repo, others).encode(),
    }


def _number(text: str) -> float:
    if not re.fullmatch(r"0(\.[0-9]{1,10})?|1(\.0{1,10})?|\.[0-9]{1,10}", text):
        raise InvalidValue(f"The accuracy must be a number from 0 to 1, such as 0.98, not {text[:40]!r}.")
    return float(text)
