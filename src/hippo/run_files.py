"""The files of one experiment: the model, its checkpoint and its best epoch, under one name that nobody else has."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from hippo.atomic_files import remove, sweep

#: A model is written within seconds: what lies half written for an hour belongs to nobody.
ORPHAN_SECONDS = 3_600.0


@dataclass(frozen=True)
class RunFiles:
    """Where a run keeps its files.

    Attributes
    ----------
    model : Path
        The finished network; beside it ``.checkpoint`` and ``.best`` files while the run is not over.
    """

    model: Path

    @property
    def checkpoint(self) -> Path:
        """Where an unfinished run is kept."""
        return self.model.with_suffix(".checkpoint" + self.model.suffix)

    @property
    def best(self) -> Path:
        """Where the best epoch of an unfinished run is kept."""
        return self.model.with_suffix(".best" + self.model.suffix)

    @classmethod
    def new(cls, folder: Path, name: str) -> RunFiles:
        """Return files in `folder` that do not exist yet: ``name``, or ``name-2`` and so on; makes the folder.

        The name is taken by an empty checkpoint, so that a second run begun at the same time gets another one.
        """
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, older_than=ORPHAN_SECONDS)
        for number in itertools.count(1):
            files = cls(folder / (f"{name}-{number}.safetensors" if number > 1 else f"{name}.safetensors"))
            if not files.model.exists():
                try:
                    files.checkpoint.open("xb").close()
                except FileExistsError:
                    continue
                return files
        raise AssertionError("there is always a larger number")

    def release(self) -> None:
        """Give the name back, if nothing was kept under it."""
        if self.checkpoint.exists() and not self.checkpoint.stat().st_size:
            remove(self.checkpoint)

    @classmethod
    def of_checkpoint(cls, path: Path) -> RunFiles:
        """Return the files of the run whose checkpoint is at `path`."""
        name = path.name.removesuffix(".safetensors").removesuffix(".checkpoint")
        return cls(path.with_name(f"{name}.safetensors"))
