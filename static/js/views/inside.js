/** Inside: one step of the run with every number of one neuron, a gradient check, and the layers of the network. */

import { html, nothing } from "lit/html.js";

import { count } from "../logic/format.js";
import { HOW, readingWords, verdict } from "../logic/gradient-check.js";
import { isUnfinished } from "../logic/jobs.js";
import { number } from "../logic/neurons.js";
import { explainedView } from "./explained.js";
import { divergedNote, insideNote } from "./hints.js";
import "./layers.js";
import "./norms.js";

/** @param {Record<string, any>} network @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function insideView(network, state, act) {
  const id = network.network_id;
  const job = state.jobs[network.active_job_id];
  const feed = act.watching.feed(id);
  return html`
    ${state.watching.problem ? html`<p class="callout" role="status">${state.watching.problem}</p>` : nothing}
    ${isUnfinished(job) ? nothing : divergedNote(network, state)}
    ${explainedView(network, isUnfinished(job) ? job : null, state, act)}
    ${checkView(id, state, act)}
    ${insideNote(network, state)}
    <section class="card" aria-labelledby="layers-title">
      <h2 id="layers-title">The layers now</h2>
      <hippo-layers .feed=${feed} .theme=${state.theme} .pinned=${state.watching.pins[id] ?? null} .onPin=${(choice) => act.watching.pin(id, choice)}></hippo-layers>
    </section>
    <section class="card" aria-labelledby="norms-title">
      <h2 id="norms-title">Gradient norms</h2>
      <p class="help">How strong the pull on each layer is while it learns. Where an early layer's line lies far below the others, its gradient vanishes on the way back. The axis is logarithmic: equal distances are equal factors, and 0 has no place on it. The lines begin where this page began to watch the run; after a reload they begin anew.</p>
      <hippo-norms .feed=${feed} .theme=${state.theme}></hippo-norms>
      ${feed.norms.length ? nothing : html`<p class="empty">The lines grow while the network trains and this page is open.</p>`}
    </section>
  `;
}

/** @param {string} id @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function checkView(id, state, act) {
  const { status, data, error } = state.checks[id] ?? { status: "idle", data: null, error: "" };
  const busy = status === "loading";
  return html`<section class="card check" aria-labelledby="check-title">
    <div class="run-head">
      <h2 id="check-title">Gradient check</h2>
      <button class="button" type="button" aria-disabled=${busy ? "true" : "false"} title="Moves single weights a little up and down and compares the change of the loss with the gradient." @click=${() => busy || act.checkGradients(id)}>
        ${busy ? "Checking\u2026" : data ? "Check again" : "Check the gradients"}</button>
    </div>
    <p class="help">${HOW}</p>
    <div role="status">${error ? html`<p class="problem">${error}</p>` : nothing}
    ${data
      ? html`<div class="table-scroll" tabindex="0" role="region" aria-label="Result of the gradient check"><table class="numbers">
          <thead><tr><th scope="col">Layer</th><th scope="col">Checked</th><th scope="col">Relative error</th><th scope="col">Result</th><th scope="col">Least alike: backpropagation</th><th scope="col">difference quotient</th></tr></thead>
          <tbody>${data.layers.map((layer) => html`<tr>
            <th scope="row">${layer.layer}</th>
            <td>${count(layer.checked)} of ${count(layer.parameters)}</td>
            <td>${number(layer.relative_error)}</td>
            <td>${verdict(layer)}</td>
            <td>${number(layer.worst.analytic)}</td>
            <td>${number(layer.worst.numerical)}</td>
          </tr>`)}</tbody>
        </table></div>
        <p class="help">${readingWords(data).join(" ")}</p>`
      : nothing}</div>
  </section>`;
}
