/** Learn: the run that is shown (progress or result), its curves, the controls for the next run, and the runs so far. */

import { html, nothing } from "lit/html.js";

import { epochFigure, epochUnderWay, epochWords } from "../logic/epochs.js";
import { canStartAgain } from "../logic/experiments.js";
import { NO_VALUE, count, duration, loss, percent, plain, progress, speed, typed } from "../logic/format.js";
import { checkTraining, suggestedRate } from "../logic/forms.js";
import { kindText } from "../logic/learning.js";
import { advice, elapsed, heard, isPaused, isRunning, isUnfinished, presentSpeed, stateWord, timeLeft, timeLeftTerm, trainingLosses, waitingText } from "../logic/jobs.js";
import { rateFor, recipeOfJob } from "../logic/recipe.js";
import { networkHref } from "../logic/routes.js";
import { countedUntil, isLost, runsOf, shownJob } from "../store.js";
import { curvesView } from "./curves.js";
import { settingsView } from "./controls.js";
import { experimentView } from "./experiment.js";
import { hintsView, tryButton } from "./hints.js";
import { warnIcon } from "./icons.js";
import { recipeFields } from "./recipe-fields.js";
import { runsView } from "./runs.js";
import { trainingFields } from "./training-fields.js";
import { workView } from "./work.js";

/** @typedef {import("../store.js").State} State */
/** @typedef {import("../actions.js").Actions} Actions */

/** @param {Record<string, any>} network @param {State} state @param {Actions} act @param {number} now */
export function learnView(network, state, act, now) {
  const runs = runsOf(state, network.network_id);
  const latest = runs[0] ?? null;
  const chosen = shownJob(state, (state.route.run && runs.find((job) => job.job_id === state.route.run)) || latest);
  const unfinished = runs.find(isUnfinished) ?? null;
  return html`
    ${unfinished && chosen.job_id !== unfinished.job_id
      ? html`<p class="callout">You are looking at an earlier run. <a href=${networkHref(network.network_id)}>Show the one in training</a></p>`
      : nothing}
    ${chosen ? runView(chosen, { isLatest: chosen.job_id === latest.job_id, isFirst: chosen.job_id === runs.at(-1).job_id, hasForm: !unfinished }, network, state, act, now) : nothing}
    ${workView(network, chosen, state, act)}
    ${chosen ? settingsView(chosen, state, act) : nothing}
    ${curvesView(network, chosen, state)}
    ${unfinished ? nothing : trainView(network, latest, state, act)}
    ${runsView(network, runs, chosen, state, now)}
  `;
}

/** @param {Record<string, any>} job @param {{isLatest: boolean, isFirst: boolean, hasForm: boolean}} place among the runs, and whether the form for the next one is below @param {Record<string, any>} network @param {State} state @param {Actions} act @param {number} now */
function runView(job, place, network, state, act, now) {
  const open = isUnfinished(job);
  const done = Math.min(100, Math.max(0, job.progress ?? 0));
  const title = place.isLatest ? (open ? "This run" : "Last run") : "Earlier run";
  return html`<section class="card run" aria-labelledby="run-title">
    <div class="run-head">
      <h2 id="run-title" tabindex="-1">${title}<span class="state ${job.state}">${heard(stateWord(job), open && isLost(state))}</span></h2>
    </div>
    <div class="progress-line">
      <progress max="100" .value=${done} aria-label="Progress of this run" aria-valuetext=${`${progress(done)}, ${epochWords(job)}`}></progress>
      <span class="progress-text">${progress(done)}</span>
    </div>
    ${job.state === "running" || isPaused(job) || !open ? figures(job, state, now) : html`<p class="help">${heard(waitingText(job), isLost(state))}</p>`}
    ${job.attempt > 1 && open
      ? html`<p class="help">The worker stopped unexpectedly and the run was started again (attempt ${count(job.attempt)} of 3). Its epochs are reported anew.</p>`
      : nothing}
    ${adviceView(job, network, place.hasForm, state, act)}
    ${hintsView(network, job, state, act)}
    ${experimentView(network, job, place, state, act)}
  </section>`;
}

/** What is not known has a dash in a run that goes on, where nothing is to move; of one that is over it is left out. @param {Record<string, any>} job @param {State} state @param {number} now */
function figures(job, state, now) {
  const history = state.histories[job.job_id];
  const open = isUnfinished(job);
  const last = history?.epochs.at(-1);
  const item = (term, value) => (value === NO_VALUE && !open ? nothing : html`<div><dt>${term}</dt><dd>${value}</dd></div>`);
  return html`<dl class="run-figures">
    ${item(...epochFigure(job))}
    ${item("Mini-batches finished", epochUnderWay(job) && job.batches ? `${count(job.batch)} of ${count(job.batches)}` : NO_VALUE)}
    ${item("Test accuracy", percent(job.accuracy))}
    ${item("Elapsed", duration(elapsed(job, countedUntil(state, now))))}
    ${item(timeLeftTerm(job), isRunning(job) && !isLost(state) ? timeLeft(job, now) : NO_VALUE)}
    ${item("Speed", speed(presentSpeed(job, last)))}
    ${trainingLosses(job, last).map(([name, value]) => item(name, loss(value)))}
  </dl>`;
}

/** @param {Record<string, any>} job @param {Record<string, any>} network @param {boolean} hasForm @param {State} state @param {Actions} act */
function adviceView(job, network, hasForm, state, act) {
  const words = advice(job, rateFor(suggestedRate(network.activation, network.loss, network.architecture), job));
  if (!words) return nothing;
  const rate = plain(words.rate);
  const tries = words.rate !== null && canStartAgain(network);
  return html`<div class="callout ${job.state === "cancelled" ? "" : "bad"}">
    ${job.state === "cancelled" ? nothing : warnIcon}
    <div>
      <p>${words.text}</p>
      <p>${words.tryText}</p>
      ${tries
        ? tryButton({ label: `Try it with learning rate ${rate}` }, Boolean(state.busy[`try:${job.job_id}`]), () => act.tryChange(network, job, { learning_rate: typed(words.rate) }))
        : nothing}
      ${words.rate !== null && hasForm && (network.trained || !tries)
        ? html`<p>${tries ? "Or let this network go on from the weights it kept:" : "Let this network go on from the weights it has:"} <button class="link" type="button"
            title="Puts ${rate} into the field for the learning rate below." @click=${() => act.edit(network.network_id, "learning_rate", typed(words.rate))}>Use ${rate} below</button></p>`
        : nothing}
    </div>
  </div>`;
}

/** @param {Record<string, any>} network @param {any} latest @param {State} state @param {Actions} act */
function trainView(network, latest, state, act) {
  const id = network.network_id;
  const usual = suggestedRate(network.activation, network.loss, network.architecture);
  const form = act.ensureTrainForm(id, {
    epochs: String(latest?.total_epochs ?? 30),
    mini_batch_size: String(latest?.mini_batch_size ?? 10),
    learning_rate: typed(latest?.learning_rate ?? usual),
    training_seed: "",
    ...recipeOfJob(latest ?? {}),
  });
  const suggested = rateFor(usual, form.values);
  const wrong = checkTraining(form.values).errors;
  const busy = Boolean(state.busy[`train:${id}`]);
  const bind = (field) => ({
    id: `train-${field}`,
    value: form.values[field],
    error: form.errors[field] || (form.touched[field] ? wrong[field] : ""),
    onInput: (value) => act.edit(id, field, value),
    onBlur: () => act.touch(id, field),
  });
  const word = network.trained ? "Train more" : "Train";
  const hint = network.trained ? "Goes on from the weights the network has now." : "Starts training in the background.";
  return html`<section class="card" aria-labelledby="controls-title">
    <h2 id="controls-title">${word}</h2>
    <form data-form="train" novalidate @submit=${(event) => { event.preventDefault(); void act.train(id); }}>
      ${trainingFields({ bind, rate: form.values.learning_rate, suggested, kind: kindText(network.activation, network.loss, network.architecture), onRate: (v) => act.edit(id, "learning_rate", v) })}
      ${recipeFields({ bind, values: form.values, open: form.advancedTraining, onOpen: (open) => act.showAdvanced(open, "advancedTraining", id), network: false })}
      <p class="problem" role="alert" ?hidden=${!form.problem}>${form.problem}</p>
      <div class="actions">
        <button class="button primary" type="submit" data-then="control-pause" aria-disabled=${busy ? "true" : "false"} title=${hint} aria-describedby="train-hint">${busy ? "Starting\u2026" : word}</button>
        <p class="help" id="train-hint">${hint}</p>
      </div>
    </form>
  </section>`;
}
