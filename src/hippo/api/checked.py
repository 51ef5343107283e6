"""How requests are checked: strictly, and with refusals in the words of this server instead of those of a library.

`"5"` is not a number and `true` is not an integer; `164.0` is one, as JSON Schema says. Which fields there are is the
business of `schemas.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import CoreSchema, core_schema

from hippo.api.errors import WebError
from hippo.strict_json import dumps

_MOST_ERRORS_SHOWN = 8
_MOST_FIELDS = 64
_REQUIRED = "is required"
#: What is wrong about a text with a lone surrogate, which no text file and no database can hold.
HALF_A_CHARACTER = "it holds half of a character, a lone surrogate"


@dataclass(frozen=True)
class Allowed:
    """The range of a field in words, as error texts name it; `each` is that of a list's elements."""

    text: str
    each: str = ""


@dataclass(frozen=True, eq=False)  # typing wants it hashable, which a mapping of names is not
class OneOf:
    """The names that a field may hold, where another module keeps the list of them."""

    names: Collection[str]

    def __get_pydantic_core_schema__(self, *_: object) -> CoreSchema:
        """Check like a Literal of these names."""
        return core_schema.literal_schema(list(self.names))

    def __str__(self) -> str:
        *first, last = self.names
        return f"{', '.join(first)} or {last}"


class Checked(BaseModel):
    """A model whose refusals are errors of this server's shape instead of pydantic's."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Check a parsed request.

        Raises
        ------
        WebError
            422, naming each wrong field, what is wrong about its value, and what is allowed.
        """
        if not isinstance(obj, Mapping):
            raise refusal([{"field": "", "message": "the body must be a JSON object", "allowed": "an object"}])
        if len(obj) > _MOST_FIELDS:
            raise refusal([{"field": "", "message": f"{len(obj)} fields are too many", "allowed": cls._known()}])
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise refusal([cls._explain(problem) for problem in error.errors(include_url=False)]) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Refuse a string, which flask-openapi would take for JSON within JSON."""
        return cls.model_validate(json_data, **options)

    @classmethod
    def _explain(cls, problem: Any) -> dict[str, str]:
        name, *rest = problem["loc"] or ("",)
        field = str(name)[:100] + "".join(f"[{place}]" for place in rest)
        if problem["type"] == "extra_forbidden":
            return {"field": field, "message": "there is no such field", "allowed": cls._known()}
        if not field:
            return {"field": "", "message": _problem(problem), "allowed": cls._known()}
        info = cls.model_fields.get(str(name))
        ranges = [mark for mark in info.metadata if isinstance(mark, Allowed)] if info else []
        allowed = (ranges[0].each if rest else ranges[0].text) if ranges else ""
        return {"field": field, "message": _problem(problem), "allowed": allowed}

    @classmethod
    def _known(cls) -> str:
        return "the fields " + ", ".join(cls.model_fields) if cls.model_fields else "no fields"


def _problem(problem: Any) -> str:
    if problem["type"] == "missing":
        return _REQUIRED
    if problem["type"] == "string_unicode":
        return HALF_A_CHARACTER
    reason = problem.get("ctx", {}).get("error")
    if isinstance(reason, ValueError):
        return f"{reason}"
    return f"{_shown(problem['input'])} cannot be used"


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    try:
        text: str = dumps(value)
    except (TypeError, ValueError):
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def refusal(fields: list[dict[str, str]]) -> WebError:
    """Return the 422 that names these fields, each with `field`, `message` and `allowed`."""
    fields = fields[:_MOST_ERRORS_SHOWN]
    return WebError(422, "invalid_value", "; ".join(map(_in_words, fields)) + ".", detail=fields)


def _in_words(field: dict[str, str]) -> str:
    colon = "" if field["message"] == _REQUIRED else ":"
    name = f"{field['field']}{colon} " if field["field"] else ""
    allowed = f" (allowed: {field['allowed']})" if field["allowed"] else ""
    return name + field["message"] + allowed


def _whole_number(value: object) -> object:
    """Take 164.0 for the integer that it is; leave everything else to the strict check."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**63 else value


def unset(value: object) -> object:
    """Take `?status=` for a query without status."""
    return None if value == "" else value


def _digits(value: object) -> object:
    """Take the digits of a query for a number."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value) else value


Whole = Annotated[int, BeforeValidator(_whole_number, json_schema_input_type=int)]
QueryNumber = Annotated[int, BeforeValidator(_digits, json_schema_input_type=int)]
