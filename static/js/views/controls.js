/**
 * The controls of a run under way: pause, resume, single steps, stop and slow motion, which stand above the drawing, and
 * its settings, a card of their own.
 */

import { html, nothing } from "lit/html.js";
import { live } from "lit/directives/live.js";

import { count, plain, typed } from "../logic/format.js";
import { SETTINGS, askedWords, checkSettings, controlsOf, paceWords, pacesWith, settingsOf, standing, takenWords } from "../logic/controls.js";
import { heard, isUnfinished } from "../logic/jobs.js";
import { isLost } from "../store.js";
import { textField } from "./fields.js";
import { epochIcon, pauseIcon, playIcon, stepIcon, stopIcon } from "./icons.js";

const ICONS = { pause: pauseIcon, resume: playIcon, batch: stepIcon, epoch: epochIcon, cancel: stopIcon };
/** Where the focus goes when a button goes: to the one that takes its place. */
const THEN = { pause: "control-resume", resume: "control-pause", batch: "work-title", epoch: "control-pause", cancel: "run-title" };
const HELP = {
  learning_rate: "Length of each step. Counts from the next mini-batch on.",
  momentum: "Share of the last step, 0 to below 1. Counts from the next mini-batch on.",
  mini_batch_size: "Images per step. Counts from the next epoch on.",
};

/** @param {any} job @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function controlsView(job, state, act) {
  if (!isUnfinished(job)) return nothing;
  const id = job.job_id;
  const press = { pause: act.pause, resume: act.resume, batch: act.oneBatch, epoch: act.oneEpoch, cancel: act.cancel };
  return html`<div class="controls">
    <div class="control-row" role="group" aria-label="Control of this run" aria-describedby="control-standing">
      ${controlsOf(job, state.busy).map(({ name, word, hint, off }) => html`<button class="button ${name === "resume" ? "primary" : ""} ${name}" type="button" id="control-${name}"
        aria-disabled=${off ? "true" : "false"} title=${off || hint} data-then=${THEN[name]} @click=${() => off || press[name](id)}>${ICONS[name]}${word}</button>`)}
    </div>
    ${paceView(job, state, act)}
    <p class="help" id="control-standing">${heard(standing(job), isLost(state))}</p>
  </div>`;
}

/** @param {any} job @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function paceView(job, state, act) {
  const asked = state.controls[job.job_id]?.pace;
  const pace = asked === undefined ? job.pace ?? null : asked;
  return html`<fieldset class="pace">
    <legend title="Slow motion does not change the result.">Speed <span class="help">mini-batches a second</span></legend>
    <div class="segments">
      ${pacesWith(pace).map((choice) => html`<label title=${choice === null ? "Trains as fast as the worker can." : `Trains with ${paceWords(choice)}.`}>
        <input type="radio" name="pace" .checked=${live(choice === pace)} @change=${() => act.setPace(job.job_id, choice)}>
        <span>${choice === null ? "Full speed" : plain(choice)}</span></label>`)}
    </div>
  </fieldset>`;
}

/** @param {any} job @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function settingsView(job, state, act) {
  if (!isUnfinished(job)) return nothing;
  const id = job.job_id;
  const draft = state.controls[id] ?? { values: {}, errors: {}, problem: "", said: "" };
  const wrong = checkSettings(job, draft.values).errors;
  const busy = Boolean(state.busy[`settings:${id}`]);
  const pending = job.pending_changes && Object.keys(job.pending_changes).length ? askedWords(job.pending_changes) : "";
  return html`<section class="card" aria-labelledby="in-flight-title">
    <h2 id="in-flight-title">Settings in flight</h2>
    <form class="in-flight" data-form="settings" novalidate aria-label="Settings in flight" @submit=${(event) => { event.preventDefault(); void act.applySettings(id); }}>
    <div class="fields three">
      ${settingsOf(job).map((field) => textField({
        id: `now-${field}`,
        label: `${SETTINGS[field].word} now`,
        help: HELP[field],
        inputmode: field === "mini_batch_size" ? "numeric" : "decimal",
        unit: field === "mini_batch_size" ? "images" : "",
        value: draft.values[field] ?? (field === "mini_batch_size" ? count(job[field]).replaceAll(",", "") : typed(job[field])),
        error: draft.errors[field] || wrong[field],
        onInput: (value) => act.editSetting(id, field, value),
      }))}
    </div>
    <p class="problem" role="alert" ?hidden=${!draft.problem}>${draft.problem}</p>
    <div class="actions">
      <button class="button" type="submit" aria-disabled=${busy ? "true" : "false"} title="Gives the run these settings while it goes on; the curves show where.">${busy ? "Changing\u2026" : "Change settings"}</button>
      <p class="help" role="status">${draft.said || takenWords(job, draft.asked) || pending}</p>
    </div>
  </form></section>`;
}
