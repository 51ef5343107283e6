/** The runs of a network so far, newest first; choosing one shows its curves. */

import { html, nothing } from "lit/html.js";
import { repeat } from "lit/directives/repeat.js";

import { compareHref } from "../logic/compare.js";
import { epochWords } from "../logic/epochs.js";
import { ago, duration, moment, percent } from "../logic/format.js";
import { heard, isUnfinished, stateWord } from "../logic/jobs.js";
import { MOST_RUNS } from "../logic/lines.js";
import { networkHref } from "../logic/routes.js";
import { SETTINGS, courseWords, settingsOf } from "../logic/settings.js";
import { isLost } from "../store.js";

/** @param {Record<string, any>} network @param {Record<string, any>[]} runs @param {any} chosen @param {import("../store.js").State} state @param {number} now */
export function runsView(network, runs, chosen, state, now) {
  return html`<section class="card" aria-labelledby="runs-title">
    <h2 id="runs-title">Runs</h2>
    ${runs.length
      ? html`<p class="help">Choose a run to see its curves.${runs.length > 1
          ? html` <a href=${compareHref({ runs: runs.slice(0, MOST_RUNS).map((job) => job.job_id) })} title="Shows the curves of these runs together, and what differs.">Compare ${runs.length > MOST_RUNS ? `the newest ${MOST_RUNS}` : "them"}</a>`
          : nothing}</p>
          <ol class="runs">${repeat(runs, (job) => job.job_id, (job) => html`<li>${runItem(network, job, job === chosen, job === runs[0], isLost(state), now)}</li>`)}</ol>`
      : html`<p class="empty">Each training of this network will be listed here with its settings and result. There was none yet.</p>`}
  </section>`;
}

/** @param {string} key @param {Record<string, any>} job */
const course = (key, job) => courseWords(SETTINGS.find((one) => one.key === key), settingsOf(job, null), "short");

/** ", momentum 0.9 \u2192 0.5 in epoch 4"; empty where there was none. @param {Record<string, any>} job */
function momentumWords(job) {
  const words = course("momentum", job);
  return words === "off" || (job.optimizer ?? "sgd") !== "sgd" ? "" : `, momentum ${words}`;
}

/** @param {Record<string, any>} network @param {Record<string, any>} job @param {boolean} chosen @param {boolean} newest @param {boolean} lost @param {number} now */
function runItem(network, job, chosen, newest, lost, now) {
  return html`<a class="run-item" href=${networkHref(network.network_id, "learn", newest ? "" : job.job_id)} aria-current=${chosen ? "true" : nothing}
    title="Shows the curves and the result of this run.">
    <span class="run-when" title=${moment(job.created_at)}>${ago(job.created_at, now)}</span>
    <span class="state ${job.state}">${heard(stateWord(job), lost && isUnfinished(job))}</span>
    <span class="run-accuracy">${job.accuracy == null ? "no result" : percent(job.accuracy)}</span>
    <span class="run-settings">${epochWords(job)}, batch ${course("mini_batch_size", job)}, rate ${course("learning_rate", job)}${momentumWords(job)}, ${duration(job.elapsed_time)}</span>
  </a>`;
}
