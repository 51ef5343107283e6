/** One step, explained: the next mini-batch of a paused run, and every number by which it moves one neuron's weights. */

import { html, nothing } from "lit/html.js";

import { bias, choices, changeTerms, gradientTerms, rule, sumTerms } from "../logic/explained.js";
import { chosenNeuron } from "../insight.js";
import { count } from "../logic/format.js";
import { number } from "../logic/neurons.js";

const SHOWN = 10;

/**
 * @param {Record<string, any>} network @param {Record<string, any>|null} job the unfinished run
 * @param {import("../store.js").State} state @param {import("../actions.js").Actions} act
 */
export function explainedView(network, job, state, act) {
  const id = network.network_id;
  const paused = job?.state === "paused";
  const { status, data, error } = state.explanations[id] ?? { status: "idle", data: null, error: "" };
  const shown = paused && data?.job_id === job.job_id ? data : null;
  const stepping = Boolean(state.busy[`batch:${job?.job_id}`]);
  return html`<section class="card explained" aria-labelledby="explained-title" aria-busy=${status === "loading" ? "true" : "false"}>
    <div class="run-head">
      <h2 id="explained-title">One step, explained</h2>
      ${paused
        ? html`<button class="button primary" type="button" aria-disabled=${stepping ? "true" : "false"} title="Lets the run take this one mini-batch, and pauses it again." @click=${() => stepping || act.oneBatch(job.job_id)}>
            ${stepping ? "Stepping\u2026" : "Take this step"}</button>`
        : job && job.state === "running"
          ? html`<button class="button" type="button" title="Pauses the run after its current mini-batch." @click=${() => act.pause(job.job_id)}>Pause to look</button>`
          : nothing}
    </div>
    ${paused ? choiceView(network, state, act) : html`<p class="empty">${job ? "Pause the run: its next mini-batch is then shown here, number by number." : "Start a run under Learn and pause it: its next mini-batch is then shown here, number by number."}</p>`}
    ${error && paused ? html`<p class="problem" role="status">${error}</p>` : nothing}
    ${shown ? stepView(shown) : nothing}
  </section>`;
}

/** @param {Record<string, any>} network @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function choiceView(network, state, act) {
  const id = network.network_id;
  const { layer, neuron } = chosenNeuron(network, state);
  const last = network.architecture[layer] - 1;
  const pin = (l, n) => act.watching.pin(id, { layer: l, neuron: Math.max(0, Math.min(network.architecture[l] - 1, Math.trunc(n) || 0)) });
  return html`<div class="example-choice" role="group" aria-label="The neuron that is explained">
    <label class="small-field">Layer <select title="The layer of the neuron." @change=${(event) => pin(Number(event.target.value), 0)}>
      ${choices(network.architecture).map(([value, word]) => html`<option value=${value} .selected=${value === layer}>${word}</option>`)}</select></label>
    <label class="small-field">Neuron <input inputmode="numeric" size="5" .value=${String(neuron)} title="0 to ${count(last)}" @change=${(event) => pin(layer, Number(event.target.value))}></label>
  </div>`;
}

/** @param {Record<string, any>} said the API's explanation */
function stepView(said) {
  const heaviest = said.weights[0];
  return html`
    <p>The next step is mini-batch <strong>${count(said.batch)}</strong> of ${count(said.batches)} in epoch ${count(said.epoch)}: ${count(said.mini_batch_size)} images, mean loss C = ${number(said.loss)}. ${rule(said)}</p>
    <h3>Forward: what the neuron makes of each image</h3>
    <div class="table-scroll" tabindex="0" role="region" aria-label="Numbers of each image"><table class="numbers">
      <thead><tr><th scope="col">Image</th><th scope="col">Label</th><th scope="col">z = \u03a3 w\u00a0x + b</th><th scope="col">a</th><th scope="col">\u03b4 = \u2202C/\u2202z</th><th scope="col">What counts most in z</th></tr></thead>
      <tbody>${said.examples.slice(0, SHOWN).map((example) => html`<tr>
        <th scope="row"><img class="tiny" width="28" height="28" src="data:image/png;base64,${example.image_data}" alt="Training image ${example.index}"></th>
        <td>${example.label}</td><td>${number(example.z)}</td><td>${number(example.a)}</td><td>${number(example.delta)}</td>
        <td class="sum">${sumTerms(example.top)} + \u2026</td>
      </tr>`)}</tbody>
    </table></div>
    ${said.total > SHOWN ? html`<p class="help">The first ${SHOWN} of ${count(said.total)} images; the gradients are sums over all.</p>` : nothing}
    <h3>Backward: how its weights will change</h3>
    <div class="formulas">
      <p><span class="formula-name">Bias</span> <code>${bias(said)}</code></p>
      ${heaviest ? html`<p><span class="formula-name">Weight ${heaviest.input}</span> <code>${gradientTerms(said, heaviest)}</code></p>
        <p><span class="formula-name"></span> <code>${changeTerms(said, heaviest)}</code></p>` : nothing}
    </div>
    ${said.weights.length
      ? html`<div class="table-scroll" tabindex="0" role="region" aria-label="Weights that change most"><table class="numbers">
          <caption>The weights that change most</caption>
          <thead><tr><th scope="col">from input</th><th scope="col">w</th><th scope="col">\u2202C/\u2202w = \u03a3 x\u00a0\u03b4</th><th scope="col">\u0394w</th><th scope="col">w after</th></tr></thead>
          <tbody>${said.weights.map((weight) => html`<tr><th scope="row">${weight.input}</th><td>${number(weight.weight)}</td><td>${number(weight.gradient)}</td><td>${number(weight.change)}</td><td>${number(weight.after)}</td></tr>`)}</tbody>
        </table></div>`
      : html`<p class="help">This step changes none of its weights: no gradient reaches it.</p>`}
  `;
}
