/** What can be done with the whole experiment of a run: its link, the same start again, the same start with one change. */

import { html, nothing } from "lit/html.js";

import { canStartAgain, wasChanged } from "../logic/experiments.js";
import { isUnfinished } from "../logic/jobs.js";
import { MORE_EPOCHS } from "../experiments.js";
import { againIcon, changeIcon, linkIcon, playIcon } from "./icons.js";

/**
 * @param {Record<string, any>} network @param {any} job @param {{isLatest: boolean, isFirst: boolean}} place among the runs
 * @param {import("../store.js").State} state @param {import("../actions.js").Actions} act
 */
export function experimentView(network, job, { isLatest, isFirst }, state, act) {
  const off = canStartAgain(network) ? "" : "This network was not made by settings, so it cannot be made again.";
  const start = isFirst ? "the same first weights" : "the first weights of this network, not those this run began with,";
  const changed = wasChanged(job);
  const button = (word, icon, hint, busy, onPress) => html`<button class="button small quiet" type="button" aria-disabled=${off || busy ? "true" : "false"} title=${off || hint}
    @click=${() => (off ? act.notify("info", off) : busy || onPress())}>${icon}${word}</button>`;
  const busy = Boolean(state.busy[`again:${job.job_id}`]);
  return html`<div class="experiment" role="group" aria-label="This experiment">
    ${isLatest && !isUnfinished(job) && job.state !== "diverged" ? moreView(network, job, state, act) : nothing}
    ${button(busy ? "Starting\u2026" : "Same start again", againIcon, `Makes a new network with ${start} and the same order of the images, and trains it with the settings this run began with.`, busy, () => act.sameAgain(network, job))}
    ${button("Same start, one change", changeIcon, "Opens the form with this start, for you to change one thing.", false, () => act.oneChange(network, job))}
    ${button("Copy link", linkIcon, "Copies an address that opens the form with this architecture, these settings and seeds.", false, () => act.copyRunLink(network, job))}
    ${changed && !off ? html`<p class="help">The settings that were changed on the way are left out of the same start and of the link: both have those this run began with.</p>` : nothing}
  </div>`;
}

/** @param {Record<string, any>} network @param {any} job @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function moreView(network, job, state, act) {
  const busy = Boolean(state.busy[`train:${network.network_id}`]);
  return html`<button class="button small" type="button" data-then="control-pause" aria-disabled=${busy ? "true" : "false"} @click=${() => busy || act.more(network, job)}
    title="Goes on from the weights the network has now, with the settings this run had at its end.">${playIcon}${MORE_EPOCHS} more epochs</button>`;
}
