/** One step, explained: the next mini-batch of a paused run, and every number by which it moves one neuron's weights. */

import { html, nothing } from "lit/html.js";

import {
  activationFormula, activationValue, bias, changeTerms, choices, clipWords, countingWords, exactly, gradientTerms, inputName, logitWords, rule,
  softmaxTerms, sumTerms,
} from "../logic/explained.js";
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
    ${shown ? stepView(shown, job) : nothing}
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

/** @param {Record<string, any>} said the API's explanation @param {Record<string, any>} job */
function stepView(said, job) {
  const heaviest = said.weights[0];
  const examples = said.examples.slice(0, SHOWN);
  const logits = examples[0]?.logits;
  return html`
    <p>The next step is mini-batch <strong>${count(said.batch)}</strong> of ${count(said.batches)} in epoch ${count(said.epoch)} of ${count(job.total_epochs)}: ${count(said.mini_batch_size)} images, mean loss C = ${number(said.loss)}. ${rule(said)} ${clipWords(said)}</p>
    <h3>Forward: what the neuron makes of each image</h3>
    <div class="table-scroll" tabindex="0" role="region" aria-label="Numbers of each image"><table class="numbers">
      <thead><tr><th scope="col">Image</th><th scope="col">Label</th><th scope="col">z = \u03a3 w\u00a0x + b</th><th scope="col">${formula(activationFormula(said))}</th><th scope="col">\u03b4 = \u2202C/\u2202z</th>${logits ? html`<th scope="col">All ${logits.length} z</th>` : nothing}<th scope="col">What counts most in z</th></tr></thead>
      <tbody>${examples.map((example) => html`<tr>
        <th scope="row"><img class="tiny" width="28" height="28" src="data:image/png;base64,${example.image_data}" alt="Training image ${example.index}"></th>
        <td>${example.label}</td><td>${exactly(example.z)}</td><td>${activationValue(said, example)}</td><td>${exactly(example.delta)}</td>
        ${example.logits ? html`<td class="sum">${halves(example.logits)}</td>` : nothing}
        <td class="sum">${sumTerms(said, example.top).map((term, i) => html`<div>${i ? "+ " : ""}${term}</div>`)}</td>
      </tr>`)}</tbody>
    </table></div>
    ${logits
      ? html`<div class="formulas"><p><span class="formula-name">First image</span> <code>${formula(softmaxTerms(said, examples[0]))}</code></p></div>`
      : nothing}
    <p class="help">${countingWords(said)}${said.total > SHOWN ? ` These are the first ${SHOWN} of ${count(said.total)} images; the gradients are sums over all.` : ""}</p>
    <h3>Backward: how its weights will change</h3>
    <div class="formulas">
      ${lines("Bias", bias(said))}
      ${heaviest ? lines(`Weight from ${inputName(said, heaviest.input)}`, [gradientTerms(said, heaviest), ...changeTerms(said, heaviest)]) : nothing}
    </div>
    ${said.weights.length
      ? html`<div class="table-scroll" tabindex="0" role="region" aria-label="Weights that change most"><table class="numbers">
          <caption>The weights that change most</caption>
          <thead><tr><th scope="col">from input</th><th scope="col">w</th><th scope="col">\u2202C/\u2202w${clipWords(said) ? nothing : " = \u03a3 x\u00a0\u03b4"}</th><th scope="col">\u0394w</th><th scope="col">w after</th></tr></thead>
          <tbody>${said.weights.map((weight) => html`<tr><th scope="row">${inputName(said, weight.input)}</th><td>${exactly(weight.weight)}</td><td>${exactly(weight.gradient)}</td><td>${number(weight.change)}</td><td>${exactly(weight.after)}</td></tr>`)}</tbody>
        </table></div>
        <p class="help">w after is w + \u0394w rounded to the seven digits that the run keeps of a weight (float32).</p>`
      : html`<p class="help">This step changes none of its weights: no gradient reaches it.</p>`}
  `;
}

/** Powers stand higher. @param {string} text such as "e^z", "e^(−1.5)" */
function formula(text) {
  return text.split(/\^(\([^)]*\)|[^\s)]+)/).map((part, i) => (i % 2 ? html`<sup>${part.replace(/^\((.*)\)$/, "$1")}</sup>` : part));
}

/** @param {(number|null)[]} logits in two lines */
function halves(logits) {
  const words = logitWords(logits).split(", ");
  const half = Math.ceil(words.length / 2);
  return [words.slice(0, half), words.slice(half)].map((line) => html`<div>${line.join(", ")}</div>`);
}

/** @param {string} name @param {string[]} texts one under the other */
function lines(name, texts) {
  return html`<p><span class="formula-name">${name}</span> <code>${texts.map((text, i) => html`${i ? html`<br>` : nothing}${formula(text)}`)}</code></p>`;
}
