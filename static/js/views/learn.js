/** Learn: the run that is shown (progress or result), its curves, the controls for the next run, and the runs so far. */

import { html, nothing } from "lit/html.js";

import { NO_VALUE, count, duration, loss, percent, plain, progress, speed } from "../logic/format.js";
import { checkTraining, suggestedRate } from "../logic/forms.js";
import { advice, elapsed, isRunning, isUnfinished, stateWord, timeLeft, waitingText } from "../logic/jobs.js";
import { doubt, kindText } from "../logic/learning.js";
import { networkHref } from "../logic/routes.js";
import { runsOf } from "../store.js";
import { curvesView } from "./curves.js";
import { warnIcon } from "./icons.js";
import { runsView } from "./runs.js";
import { trainingFields } from "./training-fields.js";
import { workView } from "./work.js";

/** @typedef {import("../store.js").State} State */
/** @typedef {import("../actions.js").Actions} Actions */

/** @param {Record<string, any>} network @param {State} state @param {Actions} act @param {number} now */
export function learnView(network, state, act, now) {
  const runs = runsOf(state, network.network_id);
  const latest = runs[0] ?? null;
  const chosen = (state.route.run && runs.find((job) => job.job_id === state.route.run)) || latest;
  const unfinished = runs.find(isUnfinished) ?? null;
  return html`
    ${unfinished && chosen !== unfinished
      ? html`<p class="callout">You are looking at an earlier run. <a href=${networkHref(network.network_id)}>Show the one in training</a></p>`
      : nothing}
    ${chosen ? runView(chosen, chosen === latest, network, state, act, now) : nothing}
    ${workView(network, state, act)}
    ${curvesView(network, chosen, state)}
    ${controlsView(network, latest, unfinished, state, act)}
    ${runsView(network, runs, chosen, now)}
  `;
}

/** @param {Record<string, any>} job @param {boolean} isLatest @param {Record<string, any>} network @param {State} state @param {Actions} act @param {number} now */
function runView(job, isLatest, network, state, act, now) {
  const open = isUnfinished(job);
  const done = Math.min(100, Math.max(0, job.progress ?? 0));
  const cancelling = Boolean(job.cancel_requested) || Boolean(state.busy[`cancel:${job.job_id}`]);
  const title = isLatest ? (open ? "This run" : "Last run") : "Earlier run";
  return html`<section class="card run" aria-labelledby="run-title">
    <div class="run-head">
      <h2 id="run-title" tabindex="-1">${title}<span class="state ${job.state}">${stateWord(job)}</span></h2>
      ${open
        ? html`<button class="button" type="button" aria-disabled=${cancelling ? "true" : "false"} data-then="run-title" title="Stops this run after the current mini-batch." @click=${() => cancelling || act.cancel(job.job_id)}>
            ${cancelling ? "Cancelling\u2026" : "Cancel"}</button>`
        : nothing}
    </div>
    <div class="progress-line">
      <progress max="100" .value=${done} aria-label="Progress of this run"></progress>
      <span class="progress-text">${progress(done)}</span>
    </div>
    ${job.state === "running" || !open ? figures(job, state.histories[job.job_id], now) : html`<p class="help">${waitingText(job)}</p>`}
    ${job.attempt > 1 && open
      ? html`<p class="help">The worker stopped unexpectedly and the run was started again (attempt ${count(job.attempt)} of 3). Its epochs are reported anew.</p>`
      : nothing}
    ${adviceView(job, network, act)}
    ${doubtView(job, network, state.histories[job.job_id]?.epochs ?? [], act)}
  </section>`;
}

/** What is not known is left out. @param {Record<string, any>} job @param {any} history @param {number} now */
function figures(job, history, now) {
  const running = isRunning(job);
  const last = history?.epochs.at(-1);
  const item = (term, value) => (value === NO_VALUE ? nothing : html`<div><dt>${term}</dt><dd>${value}</dd></div>`);
  return html`<dl class="run-figures">
    ${item("Epoch", `${count(job.epoch ?? 0)} of ${count(job.total_epochs)}`)}
    ${item("Test accuracy", percent(job.accuracy))}
    ${item("Elapsed", duration(elapsed(job, now)))}
    ${running ? item("Time left", timeLeft(job, now)) : nothing}
    ${item("Speed", speed(last?.speed ?? job.images_per_second))}
    ${item("Training loss", loss(last?.loss ?? job.loss))}
  </dl>`;
}

/** @param {Record<string, any>} job @param {Record<string, any>} network @param {Actions} act */
function adviceView(job, network, act) {
  const words = advice(job, suggestedRate(network.activation, network.loss, network.architecture));
  if (!words) return nothing;
  return html`<div class="callout ${job.state === "cancelled" ? "" : "bad"}">
    ${job.state === "cancelled" ? nothing : warnIcon}
    <div>
      <p>${words.text}</p>
      <p>${words.tryText}
        ${words.rate === null
          ? nothing
          : html`<button class="link" type="button" title="Puts ${plain(words.rate)} into the field for the learning rate below."
              @click=${() => act.edit(network.network_id, "learning_rate", plain(words.rate))}>Use ${plain(words.rate)} below</button>`}
      </p>
    </div>
  </div>`;
}

/** @param {Record<string, any>} job @param {Record<string, any>} network @param {import("../logic/history.js").Epoch[]} epochs @param {Actions} act */
function doubtView(job, network, epochs, act) {
  const found = doubt(network, job, epochs);
  if (!found) return nothing;
  const { offer } = found;
  return html`<div class="callout doubt bad">${warnIcon}
    <div>
      <p>${found.text}</p>
      <p>${found.tryText}
        ${!offer
          ? nothing
          : offer.action === "use"
            ? html`<button class="link" type="button" title="Puts ${plain(offer.value)} into the form below."
                @click=${() => act.edit(network.network_id, offer.field, plain(offer.value))}>Use ${plain(offer.value)} below</button>`
            : html`<button class="link" type="button" title="Opens the form for a network like this one, to be trained with ${plain(offer.value)}."
                @click=${() => act.anew(network, job, offer)}>New network with ${plain(offer.value)}</button>`}
      </p>
    </div>
  </div>`;
}

/** @param {Record<string, any>} network @param {any} latest @param {any} unfinished @param {State} state @param {Actions} act */
function controlsView(network, latest, unfinished, state, act) {
  const id = network.network_id;
  const suggested = suggestedRate(network.activation, network.loss, network.architecture);
  const form = act.ensureTrainForm(id, {
    epochs: String(latest?.total_epochs ?? 30),
    mini_batch_size: String(latest?.mini_batch_size ?? 10),
    learning_rate: plain(latest?.learning_rate ?? suggested),
  });
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
  const hint = unfinished ? "One run at a time: wait for this one to end, or cancel it." : network.trained
    ? "Goes on from the weights the network has now." : "Starts training in the background.";
  return html`<section class="card" aria-labelledby="controls-title">
    <h2 id="controls-title">${word}</h2>
    <form data-form="train" novalidate @submit=${(event) => { event.preventDefault(); if (!unfinished) void act.train(id); }}>
      ${trainingFields({ bind, rate: form.values.learning_rate, suggested, kind: kindText(network.activation, network.loss, network.architecture), onRate: (v) => act.edit(id, "learning_rate", v) })}
      <p class="problem" role="alert" ?hidden=${!form.problem}>${form.problem}</p>
      <div class="actions">
        <button class="button primary" type="submit" aria-disabled=${busy || unfinished ? "true" : "false"} title=${hint} aria-describedby="train-hint">${busy ? "Starting\u2026" : word}</button>
        <p class="help" id="train-hint">${hint}</p>
      </div>
    </form>
  </section>`;
}
