"""The errors that a caller of Hippo can react to, one class for each.

Every error carries a text that a person can act on, a word for programs (`code`) and, where it helps, more fields
(`extra`). Nothing here knows HTTP: which status an error becomes is decided where the web is.
"""

from __future__ import annotations

from typing import Any, ClassVar


class HippoError(Exception):
    """The base of all errors that Hippo raises on purpose.

    Parameters
    ----------
    message
        What is wrong and what to do about it, without paths of the machine.
    **extra
        Further facts for programs, values of JSON, such as the id of the job that stands in the way.

    Attributes
    ----------
    code : str
        The snake_case word by which programs tell this error from others.
    message : str
        The text given.
    extra : dict
        The further facts given.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra: dict[str, Any] = extra

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception copies itself through its positional arguments alone, which would lose `extra`.
        return _rebuild, (type(self), self.message, self.extra)


def _rebuild(kind: type[HippoError], message: str, extra: dict[str, Any]) -> HippoError:
    """Make the error again after copying or pickling."""
    return kind(message, **extra)


class UnknownNetwork(HippoError):
    """No network has the given id, neither in memory nor on disk."""

    code = "unknown_network"


class UnknownJob(HippoError):
    """No training job has the given id."""

    code = "unknown_job"


class UnknownModel(HippoError):
    """No network that could answer has the given id or name."""

    code = "unknown_model"


class NoModel(HippoError):
    """No network has been trained yet, or the one that is to answer by default is not there."""

    code = "no_model"


class NoSuchExample(HippoError):
    """The test set holds no example of the wanted kind, such as a mistake of a network that makes none."""

    code = "no_such_example"


class TrainingInProgress(HippoError):
    """The network is being trained, so this cannot be done to it now; `extra["job_id"]` names the job."""

    code = "training_in_progress"


class JobEnded(HippoError):
    """The job has already reached a final state and can no longer be changed."""

    code = "job_ended"


class WrongState(HippoError):
    """The job's state does not allow what was asked for; the text says what it is and what can be done."""

    code = "wrong_state"


class CannotStart(HippoError):
    """A folder or database that the server needs cannot be used; the text names the setting."""

    code = "cannot_start"


class NotReady(HippoError):
    """The server cannot do this at the moment: it is stopping, its data are missing or its workers are all busy."""

    code = "not_ready"


class TooManyJobs(HippoError):
    """The queue of training jobs is full."""

    code = "too_many_jobs"


class TooManyViews(HippoError):
    """A job is watched in as many different ways as can be shown at a time."""

    code = "too_many_views"


class InvalidValue(HippoError, ValueError):
    """A value has the wrong type or lies outside its allowed range; the text names both."""

    code = "invalid_value"


class DataError(HippoError):
    """A data file is missing or wrong; the text names the file and says what to do."""

    code = "data_missing"


class ImportRefused(HippoError):
    """A file is no model that can be taken in: foreign, damaged, out of range, or a pickle; the text says which."""

    code = "import_refused"


class PictureError(HippoError):
    """A file is no picture of a digit that can be prepared: foreign, damaged or blank; the text says which."""

    code = "invalid_picture"


class PictureTooLarge(PictureError):
    """A picture has more bytes or pixels than are taken; the text names both numbers."""

    code = "too_large"
