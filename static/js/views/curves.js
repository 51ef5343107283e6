/** The two charts of a run: loss and accuracy per epoch, or what will be there and how to get it. */

import { html, nothing } from "lit/html.js";

import { loss, percent, plural } from "../logic/format.js";
import { marksOf, marksSummary } from "../logic/controls.js";
import { accuracyColumns, epochSpan, lossColumns } from "../logic/history.js";
import { isUnfinished } from "../logic/jobs.js";
import "./chart.js";

/** Dashes and colours by the images, the dashes as where runs are compared. */
const LOSS_LINES = [
  { label: "Training images", color: "--run-2", dash: [2, 4], format: loss },
  { label: "Validation images", color: "--run-3", dash: [9, 5], format: loss },
  { label: "Test images", color: "--accent", format: loss },
];
const ACCURACY_LINES = [{ label: "Test images", color: "--accent", format: (v) => percent(v / 100, 2) }];

/** @param {Record<string, any>} network @param {any} job @param {import("../store.js").State} state */
export function curvesView(network, job, state) {
  const history = job && state.histories[job.job_id];
  const epochs = history?.epochs ?? [];
  if (!epochs.length) return html`<section class="card blank" aria-label="Curves"><p class="empty">${emptyText(job, history, network)}</p></section>`;
  const last = epochs[epochs.length - 1];
  const span = epochSpan(last.epoch, job.total_epochs ?? last.epoch);
  const losses = lossColumns(epochs);
  const marks = marksOf(history.changes, job);
  const told = marksSummary(marks);
  return html`<section class="charts" aria-label="Curves">
    <figure class="card">
      <figcaption><h2>Loss per epoch</h2><p class="help">How wrong the outputs are; lower is better. It learns from the training images only: when their curve falls and the other two rise, it learns them by heart.</p></figcaption>
      <hippo-chart .data=${losses} .lines=${LOSS_LINES} .span=${span} .unit=${"Loss"} .theme=${state.theme} .from=${"zero"} .marks=${marks}
        .summary=${`Loss after ${plural(epochs.length, "epoch")}: ${loss(last.loss)} on training images, ${loss(last.validationLoss)} on validation images, ${loss(last.testLoss)} on test images.${told}`}></hippo-chart>
    </figure>
    <figure class="card">
      <figcaption><h2>Accuracy per epoch</h2><p class="help">Share of the 10,000 test images that are read rightly; higher is better.</p></figcaption>
      <hippo-chart .data=${accuracyColumns(epochs)} .lines=${ACCURACY_LINES} .span=${span} .unit=${"Accuracy, %"} .theme=${state.theme} .from=${"percent"} .marks=${marks}
        .summary=${`Accuracy after ${plural(epochs.length, "epoch")}: ${percent(last.accuracy)} of the test images.${told}`}></hippo-chart>
    </figure>
    ${marks.length ? marksView(marks) : nothing}
  </section>`;
}

/** What the numbers above the curves stand for. @param {ReturnType<typeof marksOf>} marks */
function marksView(marks) {
  return html`<div class="card marks">
    <h3 id="marks-title">Changed on the way</h3>
    <ol class="mark-list" aria-labelledby="marks-title">${marks.map(({ where, what }, i) => html`<li>${i + 1} \u00b7 ${where}: ${what}</li>`)}</ol>
  </div>`;
}

/** @param {any} job @param {any} history @param {Record<string, any>} network */
function emptyText(job, history, network) {
  if (isUnfinished(job)) return "Loss and accuracy will be drawn here, one point after each epoch. The first epoch is on its way.";
  if (job && !history?.complete) return "Reading the epochs of this run\u2026";
  if (job) return "This run ended before its first epoch was finished, so there are no curves. Train again to see some.";
  return network.trained
    ? "No run of this network is on record, so there are no curves. Train more to see loss and accuracy per epoch."
    : "Loss and accuracy will be drawn here after each epoch. Press Train to begin.";
}
