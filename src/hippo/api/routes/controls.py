"""Controls of a training run under way: pause, go on, single steps, slow motion, other settings."""

from __future__ import annotations

from typing import Any

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo.api.control_schemas import PaceBody, SettingsBody, StepBody
from hippo.api.replies import JobReply
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.schemas import JobPath

blueprint = APIBlueprint(
    "controls",
    __name__,
    url_prefix="/api/training/<string:job_id>",
    abp_tags=[Tag(name="Training")],
    operation_id_callback=named_after_view,
)


@blueprint.post("/pause", responses=replies({202: JobReply}, 404, 409))
def pause_job(path: JobPath) -> tuple[dict[str, Any], int]:
    """Pause a training job.

    After its current mini-batch it gives its worker free, and nothing is computed for it. The event training_paused
    tells when it rests; it does so also over a restart of the server.
    """
    return current_engine().jobs.controls.pause(path.job_id), 202


@blueprint.post("/resume", responses=replies({202: JobReply}, 404, 409, 503))
def resume_job(path: JobPath) -> tuple[dict[str, Any], int]:
    """Let a paused training job go on.

    It is queued before all others that wait. The weights will be those of a run that was never paused.
    """
    return current_engine().jobs.controls.resume(path.job_id), 202


@blueprint.post("/step", responses=replies({202: JobReply}, 404, 409, *BODY, 503))
def step_job(path: JobPath, body: StepBody) -> tuple[dict[str, Any], int]:
    """Let a paused training job do one mini-batch, or go on to the end of the epoch under way.

    It rests again then, and the event training_paused tells of it. A mini-batch waits for nobody else's training.
    """
    return current_engine().jobs.controls.step(path.job_id, body.unit), 202


@blueprint.post("/pace", responses=replies({202: JobReply}, 404, 409, *BODY))
def pace_job(path: JobPath, body: PaceBody) -> tuple[dict[str, Any], int]:
    """Slow a training job down, or let it run at full speed again.

    It changes no result, and lasts through pauses. A run in slow motion keeps its worker, and its waits are part of
    its elapsed time.
    """
    return current_engine().jobs.controls.set_pace(path.job_id, body.batches_per_second), 202


@blueprint.post("/settings", responses=replies({202: JobReply}, 404, 409, *BODY))
def change_job(path: JobPath, body: SettingsBody) -> tuple[dict[str, Any], int]:
    """Give a training job other settings on its way.

    The event training_changed tells where they took effect, and the job's `changes` keep it.
    """
    return current_engine().jobs.controls.change(path.job_id, body.model_dump(exclude_unset=True)), 202
