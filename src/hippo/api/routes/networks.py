"""Networks: make them, list them, delete them."""

from __future__ import annotations

from typing import Any

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo.api.replies import (
    AllDeletedReply,
    CleanupReply,
    DeletedReply,
    NetworkCreatedReply,
    NetworkReply,
    NetworksReply,
)
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.schemas import CleanupBody, NetworkBody, NetworkPath
from hippo.network import NetworkSpec

blueprint = APIBlueprint(
    "networks",
    __name__,
    url_prefix="/api/networks",
    abp_tags=[Tag(name="Networks", description="Make, list and delete networks.")],
    operation_id_callback=named_after_view,
)


@blueprint.post("", responses=replies({201: NetworkCreatedReply}, *BODY, 503))
def create_network(body: NetworkBody) -> tuple[dict[str, Any], int]:
    """Create a network.

    It has its first weights and can be trained and asked at once; without a body it is the classic 784-30-10.
    """
    spec = NetworkSpec.make(body.layer_sizes, body.activation, body.loss, body.initializer, body.seed, body.dropout)
    network = current_engine().networks.create(spec, body.name)
    message = f"The network {_shape(network)} was created."
    return {**network, "status": "created", "message": message}, 201


@blueprint.get("", responses=replies({200: NetworksReply}))
def list_networks() -> dict[str, Any]:
    """List all networks, in memory or saved."""
    return {"networks": current_engine().networks.list()}


@blueprint.get("/<string:network_id>", responses=replies({200: NetworkReply}, 404))
def get_network(path: NetworkPath) -> dict[str, Any]:
    """Show one network."""
    return current_engine().networks.get(path.network_id)


@blueprint.delete("/<string:network_id>", responses=replies({200: DeletedReply}, 404, 409))
def delete_network(path: NetworkPath) -> dict[str, Any]:
    """Delete a network, from memory and from disk.

    409 while it is being trained: cancel its job first.
    """
    return current_engine().networks.delete(path.network_id)


@blueprint.delete("", responses=replies({200: AllDeletedReply}))
def delete_networks() -> dict[str, Any]:
    """Delete all networks but those that are being trained; the reply names those it kept."""
    deleted = current_engine().networks.delete_all()
    return {**deleted, "message": _deleted(deleted["deleted_count"], deleted["kept"])}


@blueprint.post("/cleanup", responses=replies({200: CleanupReply}, *BODY))
def clean_up_networks(body: CleanupBody) -> dict[str, Any]:
    """Delete the networks that are older than some days and not being trained."""
    deleted = current_engine().networks.cleanup(body.days)
    days = int(body.days) if body.days.is_integer() else body.days
    return {**deleted, "days": days, "message": _deleted(deleted["deleted_count"], deleted["kept"])}


def _shape(network: dict[str, Any]) -> str:
    return "-".join(map(str, network["layer_sizes"]))


def _deleted(count: int, kept: list[str]) -> str:
    text = f"{count} network{' was' if count == 1 else 's were'} deleted."
    return f"{text} Kept, because they are being trained: {', '.join(kept)}." if kept else text
