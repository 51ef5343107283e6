"""What the server is doing, and the two questions that platforms ask: does it live, does it take work."""

from __future__ import annotations

from typing import Any

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo import __version__
from hippo.api.replies import HealthReply, ReadyReply, StatusReply
from hippo.api.routes import current_engine, named_after_view, replies
from hippo.errors import NotReady

blueprint = APIBlueprint(
    "status",
    __name__,
    abp_tags=[Tag(name="Status", description="What the server is doing.")],
    operation_id_callback=named_after_view,
)


@blueprint.get("/api/status", responses=replies({200: StatusReply}))
def get_status() -> dict[str, Any]:
    """Show what the server is doing.

    Networks in memory, jobs by what they wait for, and how many of the training processes are busy.
    """
    engine = current_engine()
    jobs, workers = engine.jobs.counts(), engine.jobs.workers()
    return {
        "status": "online",
        "version": __version__,
        "active_networks": engine.networks.count_in_memory(),
        "training_jobs": jobs["unfinished"],
        "active_training_jobs": jobs["running"],
        "queued_jobs": jobs["queued"],
        "paused_jobs": jobs["paused"],
        "workers_total": workers["total"],
        "workers_busy": workers["busy"],
        "mnist_loaded": engine.data_ready,
    }


@blueprint.get("/v1/healthz", endpoint="healthz_v1", operation_id="healthz_v1", responses=replies({200: HealthReply}))
@blueprint.get("/healthz", responses=replies({200: HealthReply}))
def healthz() -> dict[str, Any]:
    """Answer that the server lives.

    Needs no token and answers under every host name, since platforms ask it under names of their own.
    """
    engine = current_engine()
    return {
        "status": "healthy",
        "network_loaded": engine.inference.ready,
        "mnist_loaded": engine.data_ready,
    }


@blueprint.get("/readyz", responses=replies({200: ReadyReply}, 503))
def readyz() -> dict[str, Any]:
    """Answer whether the server takes training jobs.

    503 while it starts, while it stops, and without MNIST.
    """
    engine = current_engine()
    if not engine.data_ready:
        raise NotReady("MNIST is not there. Run make setup, or python -m hippo.datasets.download.")
    if not engine.jobs.ready:
        raise NotReady("The training processes are not up, or the server is stopping.")
    return {"status": "ready"}
