"""Exchange: networks as files of this and of other programs, in and out."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag
from werkzeug.wsgi import FileWrapper

from hippo.api.replies import ImportedReply
from hippo.api.requests import takes
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.schemas import ExportQuery, ImportQuery, NetworkPath
from hippo.api.uploads import FILE_TYPE, PIECE_BYTES, save_body
from hippo.persistence.interchange import FORMATS, MAX_MODEL_BYTES

blueprint = APIBlueprint(
    "exchange",
    __name__,
    url_prefix="/api/networks",
    abp_tags=[Tag(name="Exchange", description="Networks as files, in and out.")],
    operation_id_callback=named_after_view,
)

_BYTES = {FILE_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_FILE: Any = {"description": "The file, with its name in the header Content-Disposition.", "content": _BYTES}
_BODY = {"description": "The file as it is, up to 256 MB.", "required": True, "content": _BYTES}


@blueprint.get("/<string:network_id>/export", responses=replies({200: _FILE}, 404, 422, 503))
def export_network(path: NetworkPath, query: ExportQuery) -> Response:
    """Send a network as a file.

    Also one that was never trained, with its first weights. The same weights in the same format give the same bytes.
    """
    networks = current_engine().networks
    name = networks.get(path.network_id)["name"]
    file = networks.export(path.network_id, query.format)
    length = file.seek(0, 2)
    file.seek(0)
    headers = {
        "Content-Length": str(length),
        "Content-Disposition": f'attachment; filename="{_file_name(name, path.network_id, query.format)}"',
    }
    reply = Response(FileWrapper(file, PIECE_BYTES), mimetype=FILE_TYPE, headers=headers, direct_passthrough=True)
    reply.call_on_close(file.close)  # also where no byte of it is asked for
    return reply


@blueprint.post("/import", responses=replies({201: ImportedReply}, *BODY, 503), request_body=_BODY)
@takes(MAX_MODEL_BYTES)
def import_network(query: ImportQuery) -> tuple[dict[str, Any], int]:
    """Make a network of a file: one of Hippo's own, or an npz of another program.

    The format is told by the content. Pickles are refused. The accuracy is measured here; what the file says about it
    is only a claim.
    """
    networks = current_engine().networks
    with networks.incoming() as file:
        save_body(file)
        network = networks.adopt(file, query.name)
    shape = "-".join(map(str, network["layer_sizes"]))
    return {**network, "message": f"The network {shape} was imported."}, 201


def _file_name(name: str | None, network_id: str, form: str) -> str:
    """Return a name for the file that any system takes, such as first-try-3f2b8c1e.npz."""
    plain = unicodedata.normalize("NFKD", name or "").encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-")[:60] or "network"
    layout = "-layers" if form == "npz-layers" else ""  # both layouts have the same ending
    return f"{words}-{network_id[:8]}{layout}{FORMATS[form]}"
