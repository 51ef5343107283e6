"""Fields of requests that hold images; how they are read is in `hippo.pixels`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from hippo.api.checked import Allowed, refusal
from hippo.api.errors import WebError
from hippo.network import INPUTS
from hippo.pixels import IMAGE, IMAGES, MOST_IMAGES, Images, WrongPixels, read_image, read_images


def refuse(error: WrongPixels) -> WebError:
    """Return the 422 that tells of an image that cannot be used."""
    facts = error.extra
    return refusal([{"field": facts["field"], "message": facts["problem"], "allowed": facts["allowed"]}])


def _one(value: object) -> Images:
    try:
        if isinstance(value, Images) and not value.is_list:  # a long body, which the assistant has read
            return value
        return read_image([[]] if isinstance(value, Images) else value)
    except WrongPixels as error:
        raise refuse(error) from None


def _one_or_more(value: object) -> Images:
    try:
        return value if isinstance(value, Images) else read_images(value)
    except WrongPixels as error:
        raise refuse(error) from None


_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "number", "minimum": 0, "maximum": 1},
    "minItems": INPUTS,
    "maxItems": INPUTS,
}
_LIST_SCHEMA = {"type": "array", "items": _SCHEMA, "minItems": 1, "maxItems": MOST_IMAGES}

OneImage = Annotated[Any, BeforeValidator(_one), WithJsonSchema(_SCHEMA), Allowed(IMAGE)]
OneOrMoreImages = Annotated[
    Any, BeforeValidator(_one_or_more), WithJsonSchema({"anyOf": [_SCHEMA, _LIST_SCHEMA]}), Allowed(IMAGES)
]
