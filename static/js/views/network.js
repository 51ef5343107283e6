/** One network: its name, where it stands, the tabs, and the tab that is open. */

import { html, nothing } from "lit/html.js";

import { epochFigure } from "../logic/epochs.js";
import { NO_VALUE, ago, count, moment, percent } from "../logic/format.js";
import { heard, isPaused, isRunning, isUnfinished, stateWord, timeLeft, timeLeftTerm } from "../logic/jobs.js";
import { kindText } from "../logic/learning.js";
import { networkHref, withQuery } from "../logic/routes.js";
import { WATCHED_TABS, watchedQuery } from "../logic/watched.js";
import { isLost, shownJob } from "../store.js";
import { drawView } from "./draw.js";
import { exportMenu } from "./export-menu.js";
import { binIcon } from "./icons.js";
import { insideView } from "./inside.js";
import { learnView } from "./learn.js";
import { testView } from "./test.js";

export const TAB_WORDS = {
  learn: ["Learn", "How this network learns: progress, curves and controls."],
  test: ["Test", "What this network makes of digits it was not trained on."],
  draw: ["Draw", "What this network makes of a digit that you draw."],
  inside: ["Inside", "One step explained, a gradient check, and the layers of this network."],
};
const TAB_VIEWS = { learn: learnView, test: testView, draw: drawView, inside: insideView };

/** @param {Record<string, any>} network @param {import("../store.js").State} state @param {import("../actions.js").Actions} act @param {number} now */
export function networkView(network, state, act, now) {
  const { tab } = state.route;
  const job = shownJob(state, state.jobs[network.active_job_id]);
  return html`<article class="network">
    <header class="network-head">
      <div class="network-title">
        <h1 tabindex="-1">${network.name || network.architecture.join("-")}</h1>
        <p class="facts">
          ${network.name ? html`<span>${network.architecture.join("-")}</span>` : nothing}
          <span>${kindText(network.activation, network.loss, [])}</span>
          <span>${count(network.parameters)} parameters</span>
          <span title=${moment(network.created_at)}>created ${ago(network.created_at, now)}</span>
        </p>
      </div>
      <div class="head-actions">${exportMenu(network, state, act)} ${deleteButton(network, job, act)}</div>
      ${figuresView(network, job, isLost(state), now)}
    </header>
    <nav class="tabs" aria-label="Views of this network">
      ${Object.entries(TAB_WORDS).map(([key, [word, sentence]]) =>
        html`<a href=${tabHref(network.network_id, key, state)} aria-current=${key === tab ? "page" : nothing} title=${sentence}>${word}</a>`)}
    </nav>
    ${TAB_VIEWS[tab](network, state, act, now)}
  </article>`;
}

/** A view with the digit and the neuron that are looked at, so that it can be opened beside this one. @param {string} id @param {string} tab @param {import("../store.js").State} state */
function tabHref(id, tab, { watching }) {
  const href = networkHref(id, tab);
  return WATCHED_TABS.includes(tab) ? withQuery(href, watchedQuery(watching.example, watching.pins[id])) : href;
}

/** Accuracy, epoch and time left. @param {Record<string, any>} network @param {any} job @param {boolean} lost @param {number} now */
function figuresView(network, job, lost, now) {
  const running = isRunning(job);
  const under = running || isPaused(job);
  const accuracy = under && job.accuracy != null ? job.accuracy : network.accuracy;
  const unknown = network.trained && !network.epochs_trained; // imported, and the file did not say
  const [term, epochs] = under ? epochFigure(job) : ["Epochs trained", unknown ? NO_VALUE : count(network.epochs_trained ?? 0)];
  return html`<dl class="figures">
    <div><dt>Accuracy</dt><dd>${accuracy == null ? NO_VALUE : percent(accuracy)}</dd></div>
    <div><dt>${term}</dt><dd title=${!under && unknown ? "The file that it was imported from did not say." : nothing}>${epochs}</dd></div>
    <div><dt>${running && !lost ? timeLeftTerm(job) : "Status"}</dt>
      <dd class="words">${running && !lost ? timeLeft(job, now) : isUnfinished(job) ? heard(stateWord(job), lost) : network.trained ? "Trained" : "New"}</dd></div>
  </dl>`;
}

/** @param {Record<string, any>} network @param {any} job @param {import("../actions.js").Actions} act */
function deleteButton(network, job, act) {
  const training = isUnfinished(job);
  const hint = training ? "A network in training cannot be deleted; stop the training first." : "Deletes this network, after asking you.";
  return html`<button class="button quiet delete" type="button" title=${hint} aria-disabled=${training ? "true" : "false"}
    @click=${() => (training ? act.notify("info", hint) : act.ask({ kind: "delete", id: network.network_id }))}>${binIcon}Delete</button>`;
}
