"""Training: queue runs, watch them, cancel them."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from flask import Response, jsonify
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo.api.replies import EventsReply, JobReply, JobsReply, TrainingStartedReply
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.schemas import EventsQuery, JobPath, JobsQuery, NetworkPath
from hippo.api.training_schemas import TrainingBody
from hippo.training.config import MAX_SEED

blueprint = APIBlueprint(
    "training",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Training", description="Queue training runs, watch and cancel them.")],
    operation_id_callback=named_after_view,
)


@blueprint.post(
    "/networks/<string:network_id>/train", responses=replies({202: TrainingStartedReply}, 404, 409, *BODY, 429, 503)
)
def train_network(path: NetworkPath, body: TrainingBody) -> tuple[Response, int]:
    """Queue a training run.

    The reply comes at once; the job's first event is never sent before it. A network has at most one unfinished
    run: 409 names the job that is in the way.
    """
    jobs = current_engine().jobs
    job = jobs.submit(path.network_id, body.config(secrets.randbelow(MAX_SEED + 1)))
    reply = jsonify(
        job_id=job["job_id"],
        network_id=job["network_id"],
        status="training_started",
        message=f"Training for {body.epochs} epoch{'' if body.epochs == 1 else 's'} has been queued.",
    )
    reply.call_on_close(partial(jobs.release, job["job_id"]))
    return reply, 202


@blueprint.get("/training", responses=replies({200: JobsReply}, 422))
def list_jobs(query: JobsQuery) -> dict[str, Any]:
    """List training jobs, the newest first.

    `total` counts all that match, also those beyond `limit`.
    """
    jobs, total = current_engine().jobs.list(query.status, query.network_id, query.limit, query.offset)
    return {"jobs": jobs, "total": total}


@blueprint.get("/training/<string:job_id>", responses=replies({200: JobReply}, 404))
def get_job(path: JobPath) -> dict[str, Any]:
    """Show one training job, finished or not."""
    return current_engine().jobs.get(path.job_id)


@blueprint.post("/training/<string:job_id>/cancel", responses=replies({202: JobReply}, 404, 409))
def cancel_job(path: JobPath) -> tuple[dict[str, Any], int]:
    """Cancel a training job.

    The run stops within a moment and ends with the event training_error; 409 once it has ended.
    """
    return current_engine().jobs.cancel(path.job_id), 202


@blueprint.get("/training/<string:job_id>/events", responses=replies({200: EventsReply}, 404, 422))
def list_job_events(path: JobPath, query: EventsQuery) -> dict[str, Any]:
    """List what Socket.IO sent for a job after a known event, in order, each once."""
    events, last_seq = current_engine().jobs.history(path.job_id, query.after)
    return {"events": events, "last_seq": last_seq}
