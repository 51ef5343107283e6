/**
 * Test: a digit of the test set that the network reads rightly and one that it gets wrong, with its ten outputs; below
 * them what it makes of all 10,000 (views/evaluation.js).
 */

import { html, nothing } from "lit/html.js";

import { bars } from "../logic/bars.js";
import { count } from "../logic/format.js";
import { isUnfinished } from "../logic/jobs.js";
import { emptyExamples } from "../store.js";
import { barsView } from "./bars.js";
import { evaluationView } from "./evaluation.js";
import { divergedNote } from "./hints.js";
import { checkIcon, crossIcon } from "./icons.js";

const WORDS = {
  right: { title: "A digit it reads rightly", icon: checkIcon, loading: "Choosing a digit it reads rightly\u2026" },
  wrong: { title: "A digit it gets wrong", icon: crossIcon, loading: "Choosing a digit it gets wrong\u2026" },
};

/** @param {Record<string, any>} network @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function testView(network, state, act) {
  const id = network.network_id;
  const examples = state.examples[id] ?? emptyExamples();
  return html`
    ${noteView(network, state)}
    <div class="pair">
      ${exampleView("right", examples.right, () => act.example(id, "right"))}
      ${exampleView("wrong", examples.wrong, () => act.example(id, "wrong"))}
    </div>
    <p class="help">Both are chosen at random from the 10,000 test images, which the network has never learned from.</p>
    ${evaluationView(network, state, act)}
  `;
}

/** What the digits below stand for, where that is not plain. @param {Record<string, any>} network @param {import("../store.js").State} state */
function noteView(network, state) {
  if (isUnfinished(state.jobs[network.active_job_id])) {
    return html`<p class="callout">This network is in training. Until the run ends, the digits below show what it made of them before${network.trained ? "" : ", when it could only guess"}.</p>`;
  }
  const diverged = divergedNote(network, state);
  if (diverged !== nothing) return diverged;
  return network.trained ? nothing : html`<p class="callout">This network has not been trained yet: it guesses. Train it under Learn, then look again.</p>`;
}

/** @param {"right"|"wrong"} kind @param {import("../store.js").Example} example @param {() => void} another */
function exampleView(kind, example, another) {
  const { title, icon, loading } = WORDS[kind];
  const { status, data } = example;
  return html`<section class="card example" aria-labelledby="example-${kind}" aria-busy=${status === "loading" ? "true" : "false"}>
    <div class="run-head">
      <h2 id="example-${kind}"><span class="badge ${kind}">${icon}</span>${title}</h2>
      <button class="button" type="button" title="Shows another such digit, chosen at random." aria-label="Another: ${title.toLowerCase()}" @click=${another}>
        ${status === "error" ? "Try again" : "Another"}</button>
    </div>
    ${data ? digitView(data) : html`<p class="empty" role="status">${status === "error" ? example.error : loading}</p>`}
  </section>`;
}

/** @param {Record<string, any>} data the answer of the API */
function digitView(data) {
  const { actual_digit: label, predicted_digit: predicted } = data;
  return html`<div class="digit">
    <div>
      <img class="pixels" width="168" height="168" src="data:image/png;base64,${data.image_data}" alt="Handwritten ${label}, test image ${data.example_index}">
      <dl class="reading">
        <div><dt>Label</dt><dd>${label}</dd></div>
        <div><dt>Prediction</dt><dd>${predicted}</dd></div>
      </dl>
      <p class="help">Test image ${count(data.example_index)}</p>
    </div>
    ${barsView(bars(data.network_output, { predicted, label, unit: "output" }), {
      caption: "The ten outputs, from 0 to 1: the highest is the prediction",
      head: "Output",
    })}
  </div>`;
}
