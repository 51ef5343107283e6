/** The chosen runs side by side: their curves in one plot each, and a table of results and of the settings that differ. */

import { html, nothing } from "lit/html.js";

import { SETS, rowName } from "../logic/compare.js";
import { epochsFinished } from "../logic/epochs.js";
import { count, duration, isNumber, loss, percent, plural } from "../logic/format.js";
import { stateWord } from "../logic/jobs.js";
import { MARKERS, MOST_RUNS, lastOf, letter, linesOf } from "../logic/lines.js";
import { networkHref } from "../logic/routes.js";
import { differing } from "../logic/settings.js";
import "./lines-chart.js";

const UNLIKE = "These runs do not make the same loss small, so their losses cannot be compared with each other.";
const UNMEASURED = "For some of these runs the loss on validation images was not measured.";
const PLOTS = [
  { kind: "loss", title: "Loss per epoch", unit: "Loss", words: loss, help: "How wrong the outputs are; lower is better." },
  { kind: "accuracy", title: "Accuracy per epoch", unit: "Accuracy, %", words: (v) => percent(v / 100, 2), help: "The share of images that are read rightly; higher is better." },
];

/** Rows of results: a name, the words, and what is best. @type {{name: string, words: (job: any) => string, value?: (job: any) => number|null, best?: "high"|"low"}[]} */
const RESULTS = [
  { name: "State", words: stateWord },
  { name: "Test accuracy", words: (job) => percent(job.accuracy, 2), value: (job) => job.accuracy, best: "high" },
  { name: "Training loss, last epoch", words: (job) => loss(job.loss) },
  { name: "Epochs finished", words: epochsFinished },
  { name: "Time", words: (job) => duration(job.elapsed_time) },
];

/** @param {import("../logic/compare.js").Row[]} rows in the order they were chosen @param {import("../logic/compare.js").Choice} choice @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function comparedView(rows, choice, state, act) {
  const runs = rows.map((row) => ({ name: rowName(row), epochs: state.histories[row.id]?.epochs ?? [] }));
  const reading = rows.slice(0, MOST_RUNS).some((row) => !state.histories[row.id]?.complete);
  return html`<section class="card compared" aria-labelledby="curves-title">
      <div class="run-head wrap">
        <h2 id="curves-title" tabindex="-1">Curves</h2>
        <fieldset class="sets"><legend class="visually-hidden">Images of which curves are drawn</legend>
          ${SETS.map(([key, word]) => html`<label><input type="checkbox" .checked=${choice.curves.includes(key)} title="Draws the curves of these images."
            @change=${(event) => act.compare({ curves: SETS.map(([one]) => one).filter((one) => (one === key ? event.target.checked : choice.curves.includes(one))) })}>
            <svg class="dash ${key}" viewBox="0 0 26 4" aria-hidden="true" focusable="false"><path d="M0 2h26"/></svg>${word}</label>`)}
        </fieldset>
      </div>
      ${rows.length > MOST_RUNS ? html`<p class="help">The curves are of the first ${MOST_RUNS} chosen runs; more could not be told apart.</p>` : nothing}
      <div class="plots">${PLOTS.map((plot) => plotView({ ...plot, help: plot.kind === "loss" ? lossHelp(rows, runs, choice, plot.help) : plot.help }, runs, reading, choice, state))}</div>
    </section>
    ${tableView(rows)}`;
}

/** What is to be known of the losses that are drawn. @param {import("../logic/compare.js").Row[]} rows @param {{epochs: import("../logic/history.js").Epoch[]}[]} runs @param {import("../logic/compare.js").Choice} choice @param {string} help */
function lossHelp(rows, runs, choice, help) {
  const unlike = new Set(rows.map(({ settings }) => settings.loss).filter(Boolean)).size > 1;
  const unmeasured = choice.curves.includes("validation") && runs.some(({ epochs }) => epochs.length && !epochs.some((epoch) => isNumber(epoch.validationLoss)));
  return unlike ? UNLIKE : unmeasured ? `${help} ${UNMEASURED}` : help;
}

/** @param {typeof PLOTS[number]} plot @param {{name: string, epochs: any[]}[]} runs @param {boolean} reading @param {import("../logic/compare.js").Choice} choice @param {import("../store.js").State} state */
function plotView({ kind, title, unit, words, help }, runs, reading, choice, state) {
  const plotted = linesOf(runs, choice.curves, kind);
  const said = plotted.lines.map(({ label }, i) => `${label} ${words(lastOf(plotted.data[i + 1]))}`);
  return html`<figure>
    <figcaption><h3>${title}</h3><p class="help">${help}</p></figcaption>
    ${plotted.lines.length
      ? html`<hippo-lines .plotted=${plotted} .unit=${unit} .words=${words} .theme=${state.theme} .summary=${`${title}, last values: ${said.join("; ")}.`}></hippo-lines>`
      : html`<p class="empty">${reading ? "Reading the epochs of these runs\u2026" : "There is nothing to draw: no epoch of these runs has this figure."}</p>`}
  </figure>`;
}

/** @param {import("../logic/compare.js").Row[]} rows */
function tableView(rows) {
  const settings = differing(rows.map((row) => row.settings));
  return html`<section class="card compared" aria-labelledby="differences-title">
    <h2 id="differences-title">What differs</h2>
    <p class="help">${rows.length === 1 ? "Choose a second run to see in which settings they differ." : settings.length ? `These ${count(rows.length)} runs differ in ${plural(settings.length, "setting")}; all others are equal.` : `All settings of these ${count(rows.length)} runs are equal.`}</p>
    <div class="table-place whole" role="region" aria-label="Table of what differs" tabindex="0">
      <table class="table sides">
        <thead><tr><th scope="col"><span class="visually-hidden">What</span></th>
          ${rows.map((row, i) => html`<th scope="col">${i < MOST_RUNS ? html`<span class="letter" .style=${`color: var(--run-${i + 1})`}>${letter(i)} <span aria-hidden="true">${MARKERS[i][1]}</span></span>` : html`<span class="letter">${letter(i)}</span>`}
            ${row.network ? html`<a href=${networkHref(row.network.network_id, "learn", row.id)} title="Shows this run by itself.">${rowName(row)}</a>` : rowName(row)}</th>`)}
        </tr></thead>
        <tbody>
          ${RESULTS.map((result) => html`<tr><th scope="row">${result.name}</th>${rows.map((row) => html`<td>${result.words(row.job)}${bestOf(result, rows, row) ? html` <strong class="best">best</strong>` : nothing}</td>`)}</tr>`)}
        </tbody>
        ${settings.length ? html`<tbody>${settings.map(({ name, words }) => html`<tr><th scope="row">${name}</th>${words.map((word) => html`<td>${word}</td>`)}</tr>`)}</tbody>` : nothing}
      </table>
    </div>
  </section>`;
}

/** Whether this run has the best result of all, alone or with others, but not with all. @param {typeof RESULTS[number]} result @param {import("../logic/compare.js").Row[]} rows @param {import("../logic/compare.js").Row} row */
function bestOf({ value, best }, rows, row) {
  if (!best || !isNumber(value(row.job))) return false;
  const known = rows.map(({ job }) => value(job)).filter(isNumber);
  const top = best === "high" ? Math.max(...known) : Math.min(...known);
  return value(row.job) === top && known.some((one) => one !== top);
}
