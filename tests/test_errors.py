"""The errors: each has a code of its own, carries its facts, and survives copying."""

from __future__ import annotations

import copy
import inspect

import pytest

from hippo import errors
from hippo.errors import HippoError, InvalidValue, TrainingInProgress

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HippoError)]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes) == 18
    assert all(code == code.lower() and code.replace("_", "").isalpha() for code in codes)


@pytest.mark.parametrize("kind", KINDS)
def test_message_and_extra_survive_copying(kind: type[HippoError]) -> None:
    error = copy.deepcopy(kind("Do this.", job_id="7"))
    assert type(error) is kind
    assert (str(error), error.message, error.extra) == ("Do this.", "Do this.", {"job_id": "7"})


def test_facts_stay_with_their_error() -> None:
    assert TrainingInProgress("Wait.").extra == {}
    assert TrainingInProgress("Wait.", job_id="a").extra == {"job_id": "a"}


def test_an_invalid_value_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="too large"):
        raise InvalidValue("too large")
