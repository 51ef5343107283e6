/**
 * What the state of a job means in words: for the list, for the progress line, for screen readers, and what
 * to try when a run went wrong. Times are worked out from the last report and the clock that is handed in.
 */

import { epochWords } from "./epochs.js";
import { NO_VALUE, count, countdown, isNumber, percent, plain, plural, progress } from "./format.js";

const FINAL = new Set(["completed", "failed", "cancelled", "diverged"]);

/** @typedef {Record<string, any>} Job the API's record plus `received`, the time of its last report in ms */

/** @param {Job|null|undefined} job */
export function isUnfinished(job) {
  return Boolean(job) && !FINAL.has(job.state);
}

/** @param {Job|null|undefined} job */
export function isRunning(job) {
  return job?.state === "running";
}

/** Resting until somebody lets it go on. @param {Job|null|undefined} job */
export function isPaused(job) {
  return job?.state === "paused";
}

/** Whether it will pause at the end of the epoch under way; after its last one it is over. @param {Job|null|undefined} job */
export function pausesByItself(job) {
  return isUnfinished(job) && !isPaused(job) && job.pause_at > (job.epoch ?? 0) && job.pause_at < job.total_epochs;
}

/** Waiting for a worker, of which no event tells. @param {Job|null|undefined} job */
export function isWaiting(job) {
  return job?.state === "queued" || job?.state === "interrupted";
}

const STATE_WORDS = {
  queued: "Queued",
  running: "Training",
  paused: "Paused",
  interrupted: "Interrupted",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Stopped",
  diverged: "Diverged",
};

/** One word for a job. @param {Job} job */
export function stateWord(job) {
  if (isUnfinished(job) && job.cancel_requested) return "Stopping";
  if (isUnfinished(job) && job.pause_requested && !isPaused(job)) return "Pausing";
  return STATE_WORDS[job.state] ?? "Unknown";
}

/**
 * The status of a network in the list.
 * @param {Record<string, any>} network @param {Job|null|undefined} job its unfinished job, if any
 * @param {boolean} [lost] whether the server does not answer
 * @returns {{kind: "new"|"queued"|"paused"|"training"|"trained", text: string}}
 */
export function networkStatus(network, job, lost = false) {
  if (isUnfinished(job)) {
    if (job.state === "running") return { kind: "training", text: heard(`Training ${progress(job.progress ?? 0)}`, lost) };
    if (isPaused(job)) return { kind: "paused", text: heard(`Paused ${progress(job.progress ?? 0)}`, lost) };
    return { kind: "queued", text: heard(stateWord(job), lost) };
  }
  return network.trained ? { kind: "trained", text: "Trained" } : { kind: "new", text: "New" };
}

/** Words about an unfinished job; while the server does not answer they say that they are the last that was heard. @param {string} words @param {boolean} lost */
export function heard(words, lost) {
  return lost ? `Last heard: ${words}` : words;
}

/** Seconds since the job began. @param {Job} job @param {number} now ms */
export function elapsed(job, now) {
  if (!isNumber(job.elapsed_time)) return null;
  return isRunning(job) && isNumber(job.received) ? job.elapsed_time + Math.max(0, now - job.received) / 1000 : job.elapsed_time;
}

/** Seconds until the job will end, null while that is not known. @param {Job} job @param {number} now ms */
export function remaining(job, now) {
  if (!isRunning(job) || !isNumber(job.eta_seconds) || !isNumber(job.received)) return null;
  return Math.max(0, job.eta_seconds - Math.max(0, now - job.received) / 1000);
}

/** Images a second: now, of a run under way; else of its last epoch. @param {Job} job @param {{speed: number|null}|null|undefined} last epoch */
export function presentSpeed(job, last) {
  return (isRunning(job) ? job.images_per_second : null) ?? last?.speed ?? null;
}

/** "41 s", or why nothing can be said. @param {Job} job @param {number} now ms */
export function timeLeft(job, now) {
  const seconds = remaining(job, now);
  if (seconds === null) return isRunning(job) ? "known in a moment" : NO_VALUE;
  return seconds < 1 ? "almost done" : countdown(seconds);
}

/** What that is the time of. @param {Job} job */
export function timeLeftTerm(job) {
  return pausesByItself(job) ? "Time left, whole run" : "Time left";
}

/** Where a waiting job stands. @param {Job} job */
export function waitingText(job) {
  if (job.state === "interrupted") return "The server stopped under this run. It goes on by itself as soon as a worker is free.";
  if (isNumber(job.queue_position) && job.queue_position > 1) {
    return `Waiting for a free worker: number ${job.queue_position} in the queue. It starts by itself.`;
  }
  return "Waiting for a free worker. It starts by itself.";
}

/**
 * The job after one of its events; unchanged when it already knows more.
 * @param {Job} job @param {string} event @param {Record<string, any>} data @param {number} now ms
 * @returns {Job}
 */
export function jobAfter(job, event, data, now) {
  if (isNumber(job.last_seq) && data.seq <= job.last_seq) return job;
  const next = { ...job, last_seq: data.seq, received: now };
  if (event === "training_update") {
    for (const key of ["epoch", "total_epochs", "accuracy", "progress", "elapsed_time", "loss", "test_loss"]) {
      if (data[key] !== undefined) next[key] = data[key];
    }
    for (const key of ["eta_seconds", "images_per_second", "attempt"]) if (data[key] !== undefined) next[key] = data[key];
    next.state = data.state ?? "running";
    next.status = "training";
    next.queue_position = null;
    Object.assign(next, { batch: 0, batches: null, loss_so_far: null });
  } else if (event === "training_changed") {
    const made = Object.fromEntries(Object.entries(data.changes ?? {}).map(([name, { to }]) => [name, to]));
    next.changes = [...(job.changes ?? []), { step: data.step, epoch: data.epoch, batch: data.batch, ...made }];
    // What was asked for since is still to be taken, and is shown already.
    next.pending_changes = Object.fromEntries(Object.entries(job.pending_changes ?? {}).filter(([name, value]) => made[name] !== value));
    Object.assign(next, made, next.pending_changes);
  } else if (event === "training_complete") {
    Object.assign(next, { state: data.state ?? "completed", status: "completed", progress: 100, eta_seconds: 0 });
    if (isNumber(data.accuracy)) next.accuracy = data.accuracy;
  } else if (event === "training_error") {
    Object.assign(next, { state: data.state ?? "failed", status: "failed", error: data.error ?? data.message ?? null });
  }
  return next;
}

/**
 * The job after a sign of life, which has no number; one that has ended stays as it is. `loss` stays that of the last
 * whole epoch, as in the records; the mean over the mini-batches of the epoch under way is `loss_so_far`.
 * @param {Job} job @param {string} event @param {Record<string, any>} data @param {number} now ms
 * @returns {Job}
 */
export function jobUnderWay(job, event, data, now) {
  if (!isUnfinished(job)) return job;
  const next = { ...job, state: "running", status: "training", queue_position: null, received: now };
  if (event === "training_started") return Object.assign(next, { attempt: data.attempt ?? job.attempt });
  if (event === "training_paused") return paused(next, data);
  for (const key of ["progress", "elapsed_time", "eta_seconds", "images_per_second", "batch", "batches", "step"]) if (isNumber(data[key])) next[key] = data[key];
  next.loss_so_far = isNumber(data.loss) ? data.loss : null;
  return next;
}

/**
 * The training losses of a run, each under its own name: that of the last whole epoch, and the mean over the mini-batches
 * of the epoch under way. Of a run that goes on, both are there from the beginning, so that nothing moves.
 * @param {Job} job @param {{epoch: number, loss: number|null}|undefined} last epoch that is known
 * @returns {[name: string, value: number|null][]}
 */
export function trainingLosses(job, last) {
  const [epoch, whole] = last ? [last.epoch, last.loss] : [job.epoch, job.loss];
  const ofEpoch = isNumber(whole) ? [`Training loss, epoch ${count(epoch)}`, whole] : ["Training loss", null];
  if (!isRunning(job) && !isPaused(job)) return isNumber(whole) ? [ofEpoch] : [];
  return [ofEpoch, ["Training loss so far", job.batch && isNumber(job.loss_so_far) ? job.loss_so_far : null]];
}

/**
 * The job after somebody controlled it, here or elsewhere. It is no sign of life: the times stay those of the last one.
 * @param {Job} job @param {Record<string, any>} data of training_controlled @returns {Job}
 */
export function jobControlled(job, data) {
  const { timestamp, ...holds } = data;
  return isUnfinished(job) ? { ...job, ...holds } : job;
}

/** Whether the settings of a run are others now. @param {Job|undefined} before @param {Job} after */
export function hasOtherSettings(before, after) {
  return Boolean(before) && ["learning_rate", "momentum", "mini_batch_size"].some((name) => before[name] !== after[name]);
}

/** @param {Job} job to be written to @param {Record<string, any>} data of training_paused */
function paused(job, data) {
  Object.assign(job, { state: "paused", pause_requested: false, pause_at: null, eta_seconds: null });
  if (isNumber(data.epoch)) job.epoch = data.epoch - 1;
  for (const key of ["batch", "batches", "step"]) if (data[key] !== undefined) job[key] = data[key];
  job.loss_so_far = isNumber(data.loss) ? data.loss : null;
  const done = (job.epoch ?? 0) + (isNumber(job.batches) && job.batches > 0 ? job.batch / job.batches : 0);
  if (job.total_epochs) job.progress = Math.min(100, (100 * done) / job.total_epochs);
  return job;
}

/** What to try after a run that did not complete. @param {Job} job @param {number} suggested a rate that suits the network */
export function advice(job, suggested) {
  if (job.state === "diverged") {
    const rate = isNumber(job.learning_rate) ? Math.min(suggested, Number((job.learning_rate / 10).toPrecision(2))) : null;
    return {
      // Which rate to try is said after it.
      text: job.error?.replace(" Try a smaller learning rate.", "") || "The training diverged: the loss stopped being a finite number.",
      tryText: `${rate === null ? "" : `${rateWords(job, suggested)} `}Each step overshot further than the one before, until the loss outgrew what a number can hold. Try ${rate === null ? "a smaller learning rate" : `a learning rate of ${plain(rate)}`}.`,
      rate,
    };
  }
  if (job.state === "cancelled") {
    return {
      text: `This run was stopped with ${epochWords(job)}. ${job.epoch ? "The network keeps what they taught it." : "The network is as it was before."}`,
      tryText: "The form below begins another run.",
      rate: null,
    };
  }
  if (job.state === "failed") {
    return {
      text: job.error || "The training failed; the server gave no reason.",
      tryText: "Train again; if it fails again, the server's log says more.",
      rate: null,
    };
  }
  return null;
}

/** What is to be said of the rate of a run that diverged. @param {Job} job @param {number} suggested */
function rateWords(job, suggested) {
  const change = job.changes?.findLast((made) => made.learning_rate === job.learning_rate);
  const since = change ? `, in force since epoch ${count(change.epoch)},` : "";
  return job.learning_rate > suggested
    ? `Learning rate ${plain(job.learning_rate)}${since} is above the usual ${plain(suggested)}.`
    : `Learning rate ${plain(job.learning_rate)}${since} is not above the usual ${plain(suggested)}, and yet too high with these settings.`;
}

/** What is shown of a network whose last run diverged; empty for any other. @param {Record<string, any>} network @param {Job|null|undefined} last run of it */
export function divergedWords(network, last) {
  if (last?.state !== "diverged") return "";
  const shown = last.epoch ? `what it had learned until then, in ${plural(last.epoch, "epoch")} of that run` : network.trained ? "what it had learned before that run" : "its first weights, with which it can only guess";
  return `The last run of this network diverged. You see ${shown}.`;
}

/**
 * A sentence for screen readers, at every tenth of the way and at the end, not for every epoch.
 * @param {Job|undefined} before @param {Job} after @returns {string} empty where nothing is to be said
 */
export function announcement(before, after) {
  if (before && isUnfinished(before) && !isUnfinished(after)) {
    if (after.state === "cancelled") return "Training stopped.";
    if (after.state !== "completed") return after.error || `Training ${stateWord(after).toLowerCase()}.`;
    return `Training completed. Accuracy ${percent(after.accuracy)}.`;
  }
  if (!isRunning(after)) return "";
  const tenth = Math.floor((after.progress ?? 0) / 10);
  if (before && isRunning(before) && Math.floor((before.progress ?? 0) / 10) === tenth) return "";
  return tenth === 0
    ? "Training started."
    : `Training ${progress(after.progress)}: ${epochWords(after)}${isNumber(after.accuracy) ? `, accuracy ${percent(after.accuracy)}` : ""}.`;
}
