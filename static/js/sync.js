/**
 * Keeps the state equal to the server's: reads networks, jobs and status, and takes in live events so that no
 * epoch is missed or doubled. The rule is `seq`: the next number is applied, an older one is known, a later one
 * means a gap, which is asked for. Everything it needs is handed in; it knows neither sockets nor the page.
 */

import { pausedWords } from "./logic/controls.js";
import { applyEvent, emptyHistory } from "./logic/history.js";
import { announcement, hasOtherSettings, isPaused, isRunning, isUnfinished, isWaiting, jobAfter, jobControlled, jobUnderWay } from "./logic/jobs.js";

const JOBS_READ = "100";

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {typeof import("./api.js").api} parts.api
 * @param {(jobId: string, after: number) => Promise<{events: any[], last_seq: number}>} parts.missed
 * @param {() => number} [parts.now]
 */
export function createSync({ store, api, missed, now = Date.now }) {
  const { state, update } = store;
  /** Jobs being caught up with; true: something more came meanwhile. @type {Map<string, boolean>} */
  const catching = new Map();
  /** Networks whose run has ended here since they were read, so that their new weights are no news. @type {Set<string>} */
  const heard = new Set();
  let resyncing = null;
  let again = false;

  async function readStatus() {
    const server = await api.status();
    const before = state.server;
    update((s) => {
      s.server = server;
      s.lastHeard = now();
    });
    return Boolean(before) && ["active_networks", "training_jobs", "active_training_jobs"].some((k) => before[k] !== server[k]);
  }

  async function readNetworks() {
    const networks = await api.networks();
    networks.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    const trained = new Map((state.networks ?? []).map((n) => [n.network_id, n.trained_at]));
    update((s) => {
      s.networks = networks;
      for (const { network_id: id, trained_at: at } of networks) {
        if (trained.has(id) && trained.get(id) !== at && !heard.has(id)) forgetAnswers(s, id);
      }
    });
    heard.clear();
  }

  /** What is shown of the answers of a network is of weights that it has no longer. @param {any} s @param {string} networkId */
  function forgetAnswers(s, networkId) {
    for (const shown of [s.examples, s.readings, s.galleries, s.evaluations, s.answers]) delete shown[networkId];
  }

  /**
   * @param {Record<string, any>[]} jobs
   * @param {number} [asked] ms, when they were asked for; left out for the answers to what was done to them, which are
   *   newer than all that was asked for before
   */
  function takeJobs(jobs, asked) {
    const overtaken = [];
    update((s) => {
      for (const job of jobs) {
        const known = s.jobs[job.job_id];
        if (known && known.last_seq > (job.last_seq ?? 0) && !isUnfinished(known)) continue;
        if (asked !== undefined && known?.answered > asked && isUnfinished(known) && isUnfinished(job)) {
          overtaken.push(job.job_id);
          continue;
        }
        if (known && isUnfinished(known) && !isUnfinished(job)) forgetAnswers(s, job.network_id);
        keep(s, { ...job, received: now(), answered: asked === undefined ? now() : 0 });
      }
    });
    for (const jobId of overtaken) void readJob(jobId).catch(() => {});
  }

  /**
   * Puts a job in the place of what was known of it. What was said of the settings that were asked for here is over once
   * they are others. @param {any} s @param {Record<string, any>} job
   */
  function keep(s, job) {
    if (s.controls[job.job_id] && hasOtherSettings(s.jobs[job.job_id], job)) s.controls[job.job_id].said = "";
    s.jobs[job.job_id] = job;
  }

  async function readJobs() {
    const asked = now();
    const jobs = await api.jobs({ limit: JOBS_READ });
    takeJobs(jobs, asked);
    const listed = new Set(jobs.map((job) => job.job_id));
    const others = Object.values(state.jobs).filter((job) => isUnfinished(job) && !listed.has(job.job_id));
    const active = (state.networks ?? []).map((n) => n.active_job_id).filter((id) => id && !listed.has(id));
    await Promise.all([...new Set([...others.map((job) => job.job_id), ...active])].map(readJob));
  }

  /** @param {string} jobId */
  async function readJob(jobId) {
    const asked = now();
    try {
      takeJobs([await api.job(jobId)], asked);
    } catch (error) {
      if (error.status !== 404) throw error;
      update((s) => {
        delete s.jobs[jobId];
        delete s.histories[jobId];
      });
    }
  }

  /** Reads everything again and fills every gap. @returns {Promise<boolean>} whether the server answered */
  function resync() {
    again = Boolean(resyncing); // what is being read may be older than what this call is about
    resyncing ??= readUntilCalm().finally(() => {
      resyncing = null;
    });
    return resyncing;
  }

  async function readUntilCalm() {
    let answered;
    do {
      again = false;
      answered = await readAll();
    } while (again && answered);
    return answered;
  }

  async function readAll() {
    const open = unfinishedIds();
    try {
      await Promise.all([readStatus(), readNetworks()]);
      await readJobs();
    } catch (error) {
      return error.status > 0;
    }
    for (const jobId of new Set([...open, ...unfinishedIds()])) void catchUp(jobId);
    return true;
  }

  function unfinishedIds() {
    return Object.values(state.jobs).filter(isUnfinished).map((job) => job.job_id);
  }

  /** Whether a job waits for something of which no event will tell, such as a free worker; or for what may have told before we listened. */
  function waiting() {
    return Object.values(state.jobs).some((job) => isWaiting(job) || (isUnfinished(job) && (job.pause_requested || job.cancel_requested)));
  }

  /** The status line every few seconds; when its counts moved without us, someone else changed something. */
  async function pulse() {
    try {
      if ((await readStatus()) || waiting()) await resync();
    } catch {
      // the connection's own state says that the server does not answer
    }
  }

  /** Asks for the events of a job that are missing here. @param {string} jobId */
  async function catchUp(jobId) {
    if (catching.has(jobId)) {
      catching.set(jobId, true);
      return;
    }
    catching.set(jobId, false);
    try {
      for (let more = true; more; ) {
        catching.set(jobId, false);
        const after = state.histories[jobId]?.lastSeq ?? 0;
        const { events, last_seq: last } = await missed(jobId, after);
        for (const { event, data } of events) take(event, data);
        const reached = state.histories[jobId]?.lastSeq ?? 0;
        more = reached > after && (reached < last || catching.get(jobId) === true);
      }
      update((s) => {
        (s.histories[jobId] ??= emptyHistory()).complete = true;
      });
    } catch {
      // the next event or the next connection asks again
    } finally {
      catching.delete(jobId);
    }
  }

  /** A live event. @param {string} event @param {Record<string, any>} data */
  function receive(event, data) {
    if (event === "training_controlled") return controlled(data);
    if (data.seq === undefined) return underWay(event, data);
    if (take(event, data) === "gap") void catchUp(data.job_id);
  }

  /** A sign of life between two epochs: nothing to count, only newer figures. @param {string} event @param {Record<string, any>} data */
  function underWay(event, data) {
    const before = state.jobs[data.job_id];
    if (!before) return void settle(data.job_id);
    const after = jobUnderWay(before, event, data, now());
    // It has no number: what was asked for before it came must not undo it.
    if (event === "training_paused") after.answered = now();
    update((s) => {
      s.lastHeard = now();
      s.jobs[data.job_id] = after;
      const words = event === "training_paused" && isPaused(after) ? pausedWords(after) : announcement(before, after);
      if (s.route.id === data.network_id) s.announcement = words || s.announcement;
    });
    if (isRunning(before) !== isRunning(after)) void readStatus().catch(() => {});
  }

  /** Another tab, or whoever else, has controlled a run. @param {Record<string, any>} data */
  function controlled(data) {
    const before = state.jobs[data.job_id];
    if (!before) return void settle(data.job_id);
    update((s) => {
      s.lastHeard = now();
      keep(s, { ...jobControlled(before, data), answered: now() }); // what was asked for before must not undo it
    });
    if (isPaused(before) !== isPaused(state.jobs[data.job_id])) void readStatus().catch(() => {});
  }

  /** @param {string} event @param {Record<string, any>} data */
  function take(event, data) {
    const history = state.histories[data.job_id] ?? emptyHistory();
    const outcome = applyEvent(history, event, data);
    if (outcome !== "applied") return outcome;
    const before = state.jobs[data.job_id];
    const after = before && jobAfter(before, event, data, now());
    update((s) => {
      if (data.seq === 1) history.complete = true;
      s.histories[data.job_id] = history;
      s.lastHeard = now();
      if (!after || after === before) return;
      keep(s, after);
      if (s.route.id === data.network_id) s.announcement = announcement(before, after) || s.announcement;
    });
    if (!before) void settle(data.job_id);
    else if (after !== before && history.ended) void finished(data);
    return outcome;
  }

  /** After the end of a run the records hold more than the event did. @param {Record<string, any>} data */
  async function finished(data) {
    heard.add(data.network_id);
    update((s) => forgetAnswers(s, data.network_id));
    await settle(data.job_id);
  }

  /** @param {string} jobId */
  async function settle(jobId) {
    try {
      await Promise.all([readJob(jobId), readNetworks(), readStatus()]);
    } catch {
      // read again with the next connection
    }
  }

  return { resync, pulse, waiting, receive, catchUp, readNetworks, readJob, takeJobs };
}
