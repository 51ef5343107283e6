/**
 * What a person does with a run under way: pause, resume, one mini-batch, one epoch, slow motion, other settings. Each
 * asks the server and takes its answer into the state; what the state of the run does not allow the server says in words.
 */

import { checkSettings } from "./logic/controls.js";
import { isPaused, isUnfinished } from "./logic/jobs.js";

/** After so long a step that nobody told of is looked up. */
const STEP_MS = 10_000;

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {typeof import("./api.js").api} parts.api
 * @param {ReturnType<typeof import("./sync.js").createSync>} parts.sync
 * @param {Pick<import("./actions.js").Actions, "notify"|"once"|"readAgainIfGone">} parts.basics
 */
export function createControls({ store, api, sync, basics }) {
  const { state, update } = store;
  const { notify, once, readAgainIfGone } = basics;

  /**
   * Asks, and takes the answer. An event that came meanwhile may be later than the answer, which is then asked for again.
   * @param {string} jobId @param {"pause"|"resume"|"step"|"pace"|"settings"} what @param {Record<string, unknown>} [body]
   */
  async function ask(jobId, what, body) {
    const before = state.jobs[jobId];
    const record = await api.control(jobId, what, body);
    if (state.jobs[jobId] === before) sync.takeJobs([record]);
    else await sync.readJob(jobId);
  }

  /** @param {string} key @param {string} jobId @param {() => Promise<void>} work */
  function told(key, jobId, work) {
    return once(`${key}:${jobId}`, async () => {
      try {
        await work();
      } catch (error) {
        notify("error", error.message);
        if (error.status === 409) await sync.readJob(jobId).catch(() => {});
        readAgainIfGone(error);
      }
    });
  }

  /** Waits until the step is done and told of. @param {string} jobId @param {number} step before it */
  function stepped(jobId, step) {
    return new Promise((resolve) => {
      const late = setTimeout(() => void sync.readJob(jobId).catch(() => {}).then(done), STEP_MS);
      const stop = store.subscribe(() => {
        const job = state.jobs[jobId];
        if (!job || !isUnfinished(job) || (isPaused(job) && job.step !== step)) done();
      });
      function done() {
        clearTimeout(late);
        stop();
        resolve(undefined);
      }
    });
  }

  /** @param {string} jobId */
  const draft = (jobId) => (state.controls[jobId] ??= { values: {}, errors: {}, problem: "", said: "" });

  return {
    /** @param {string} jobId */
    pause: (jobId) => told("pause", jobId, () => ask(jobId, "pause")),

    /** @param {string} jobId */
    resume: (jobId) => told("resume", jobId, () => ask(jobId, "resume")),

    /** @param {string} jobId */
    oneEpoch: (jobId) => told("epoch", jobId, () => ask(jobId, "step", { unit: "epoch" })),

    /** The run is paused again in a moment, and is shown so meanwhile: buttons that come and go cannot be pressed. @param {string} jobId */
    oneBatch: (jobId) =>
      told("batch", jobId, async () => {
        const { step } = state.jobs[jobId];
        const done = stepped(jobId, step);
        await api.control(jobId, "step", { unit: "batch" });
        await done;
      }),

    /** @param {string} jobId @param {number|null} pace mini-batches a second */
    setPace: (jobId, pace) =>
      told("pace", jobId, async () => {
        update(() => { draft(jobId).pace = pace; }); // what was chosen is shown at once
        try {
          await ask(jobId, "pace", { batches_per_second: pace });
        } finally {
          delete draft(jobId).pace;
        }
      }),

    /** @param {string} jobId @param {string} field @param {string} value */
    editSetting: (jobId, field, value) =>
      update(() => {
        const form = draft(jobId);
        form.values[field] = value;
        Object.assign(form, { problem: "", said: "" });
        delete form.errors[field];
      }),

    /** @param {string} jobId */
    applySettings: (jobId) =>
      once(`settings:${jobId}`, async () => {
        const form = draft(jobId);
        const { errors, body } = checkSettings(state.jobs[jobId], form.values);
        update(() => Object.assign(form, { errors, problem: "", said: "" }));
        if (Object.keys(errors).length) return;
        if (!Object.keys(body).length) return update(() => { form.said = "These are the settings the run has already."; });
        try {
          const { epoch } = state.jobs[jobId];
          await ask(jobId, "settings", body);
          update(() => Object.assign(form, { values: {}, asked: { body, epoch } }));
        } catch (error) {
          update(() => Object.assign(form, { problem: error.message, errors: error.fields ?? {} }));
          if (error.status === 409) await sync.readJob(jobId).catch(() => {});
          readAgainIfGone(error);
        }
      }),
  };
}
