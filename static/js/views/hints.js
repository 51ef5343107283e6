/** What is wrong with a run, what to try, and one press that tries it in a new run; and where else it is said. */

import { html, nothing } from "lit/html.js";

import { canStartAgain } from "../logic/experiments.js";
import { hints, insideHint, startWords } from "../logic/hints.js";
import { divergedWords } from "../logic/jobs.js";
import { networkHref } from "../logic/routes.js";
import { runsOf } from "../store.js";
import { warnIcon } from "./icons.js";

/** @param {Record<string, any>} network @param {any} job @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function hintsView(network, job, state, act) {
  const found = hints(network, job, state.histories[job.job_id]?.epochs ?? []);
  const busy = Boolean(state.busy[`try:${job.job_id}`]);
  return found.map(({ cause, text, tryText, offer }) => html`<div class="callout hint bad" data-cause=${cause}>${warnIcon}
    <div>
      <p>${text}</p>
      <p>${tryText}</p>
      ${offer && canStartAgain(network) ? tryButton(offer, busy, () => act.tryChange(network, job, offer.changes)) : nothing}
    </div>
  </div>`);
}

/** Under Inside, what is wrong with the neurons or gradients that are shown there. @param {Record<string, any>} network @param {import("../store.js").State} state */
export function insideNote(network, state) {
  const [job] = runsOf(state, network.network_id);
  const found = job && insideHint(network, job, state.histories[job.job_id]?.epochs ?? []);
  return found ? html`<p class="callout bad" data-cause=${found.cause}>${found.text} <a href=${networkHref(network.network_id)}>What to try</a></p>` : nothing;
}

/** On a tab other than Learn, what is shown there after a run that diverged; nothing after any other. @param {Record<string, any>} network @param {import("../store.js").State} state */
export function divergedNote(network, state) {
  const words = divergedWords(network, runsOf(state, network.network_id)[0]);
  return words ? html`<p class="callout bad">${words} <a href=${networkHref(network.network_id)}>What to try</a></p>` : nothing;
}

/** @param {{label: string, changes?: Record<string, string>}} offer @param {boolean} busy @param {() => void} onPress */
export function tryButton({ label, changes }, busy, onPress) {
  return html`<p class="try"><button class="button small" type="button" aria-disabled=${busy ? "true" : "false"} @click=${() => busy || onPress()}
    title="Creates a new network with ${startWords(changes)}, with this change, and trains it at once.">${busy ? "Starting\u2026" : label}</button>
    <span class="help">in a new network with ${startWords(changes)}</span></p>`;
}
