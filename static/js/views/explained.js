/** One step, explained: the next mini-batch of a paused run, and every number by which it moves one neuron's weights. */

import { html, nothing } from "lit/html.js";

import {
  bias, changeTerms, choices, chosenWeight, clipWords, countingWords, exactly, gradientTerms, inputName, rule, shortName,
} from "../logic/explained.js";
import { chosenNeuron, chosenSums } from "../insight.js";
import { count } from "../logic/format.js";
import { number } from "../logic/neurons.js";
import { imagesTable, imageView } from "./explained-image.js";
import { lines } from "./formulas.js";

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
    ${shown ? stepView(network, { ...shown, layers: network.architecture.length - 1 }, job, state, act) : nothing}
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

/**
 * @param {Record<string, any>} network @param {Record<string, any>} said the API's explanation, and how many `layers` there are
 * @param {Record<string, any>} job @param {import("../store.js").State} state @param {import("../actions.js").Actions} act
 */
function stepView(network, said, job, state, act) {
  const chosen = chosenSums(network, state);
  const weight = chosenWeight(said, chosen.input);
  const image = Math.min(chosen.image, said.examples.length - 1);
  return html`
    <p>The next step is mini-batch <strong>${count(said.batch)}</strong> of ${count(said.batches)} in epoch ${count(said.epoch)} of ${count(job.total_epochs)}: ${count(said.mini_batch_size)} images, mean loss C = ${number(said.loss)}. ${rule(said)} ${clipWords(said)}</p>
    <h3>Every image: what the neuron makes of it</h3>
    ${imagesTable(said, image, weight, (place) => act.chooseSums(network, { image: place }))}
    <p class="help">${countingWords(said)} ${said.total > said.examples.length ? `These are the first ${said.examples.length} of ${count(said.total)} images.` : nothing} Choose an image to see its sums.</p>
    ${imageView(said, image)}
    <h3>How its weights will change</h3>
    ${said.weights.some(({ change }) => change !== 0) ? nothing : html`<p class="help">This step changes none of its weights: no gradient reaches it.</p>`}
    ${weight ? weightsTable(said, weight, (input) => act.chooseSums(network, { input })) : nothing}
    <div class="formulas">
      ${weight ? lines(`Weight, ${shortName(said, weight.input)}`, [gradientTerms(said, weight), ...changeTerms(said, weight)]) : nothing}
      ${lines("Bias", bias(said))}
    </div>
  `;
}

/** @param {Record<string, any>} said @param {Record<string, any>} chosen @param {(input: number) => void} onChoose */
function weightsTable(said, chosen, onChoose) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Weights that change most"><table class="numbers">
      <caption>The weights that change most</caption>
      <thead><tr><th scope="col">from input</th><th scope="col">w</th><th scope="col">\u2202C/\u2202w${clipWords(said) ? nothing : " = \u03a3 x\u00a0\u03b4"}</th><th scope="col">\u0394w</th><th scope="col">w after</th></tr></thead>
      <tbody>${said.weights.map((weight) => html`<tr>
        <th scope="row"><label class="row-choice"><input type="radio" name="explained-weight" title="Shows x and the formulas of this weight." .checked=${weight === chosen} @change=${() => onChoose(weight.input)}>${inputName(said, weight.input)}</label></th>
        <td>${exactly(weight.weight)}</td><td>${exactly(weight.gradient)}</td><td>${number(weight.change)}</td><td>${exactly(weight.after)}</td></tr>`)}</tbody>
    </table></div>
    <p class="help">Choose a weight to see its formulas, and its x for every image in the table above; it stays in this list through the next steps. w after is w + \u0394w rounded to the seven digits that the run keeps of a weight (float32).</p>`;
}
