/**
 * The network at work: the controls of its run, the drawing with the digit that goes through it, and the neuron that is
 * looked at, in numbers.
 */

import { html, nothing } from "lit/html.js";

import { count } from "../logic/format.js";
import { neuronName } from "../logic/neurons.js";
import { controlsView } from "./controls.js";
import "./diagram.js";
import "./neuron.js";

const LAST = 9_999;

/** @param {Record<string, any>} network @param {any} job the run that is shown, if there is one @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function workView(network, job, state, act) {
  const id = network.network_id;
  const { pins, hovered, problem } = state.watching;
  const feed = act.watching.feed(id);
  const pinned = pins[id] ?? null;
  const choice = hovered?.networkId === id ? hovered : pinned;
  return html`<section class="card work" aria-labelledby="work-title">
    <div class="run-head">
      <h2 id="work-title" tabindex="-1">The network at work</h2>
      ${exampleView(state.watching.example, act)}
    </div>
    ${problem ? html`<p class="callout" role="status">${problem}</p>` : nothing}
    ${controlsView(job, state, act)}
    <hippo-diagram .feed=${feed} .theme=${state.theme} .pinned=${pinned}
      .onPin=${(chosen) => act.watching.pin(id, chosen)} .onHover=${(chosen) => act.watching.hover(id, chosen)}></hippo-diagram>
    ${legendView()}
    <div class="neuron-card">
      ${pinned ? html`<p class="help">${neuronName({ layers: network.architecture.slice(1) }, pinned.layer, pinned.neuron)} is kept. <button class="link" type="button" title="The numbers follow the pointer again." @click=${() => act.watching.pin(id, null)}>Let it go</button></p>` : nothing}
      <hippo-neuron .feed=${feed} .choice=${choice} .theme=${state.theme}></hippo-neuron>
    </div>
  </section>`;
}

/** Which digit goes through. @param {number} example @param {import("../actions.js").Actions} act */
function exampleView(example, act) {
  const show = act.watching.showExample;
  return html`<div class="example-choice" role="group" aria-label="The digit that goes through">
    <button class="button small" type="button" title="The digit before this one." aria-label="Previous digit" ?disabled=${example <= 0} @click=${() => show(example - 1)}>\u2039</button>
    <label class="small-field">Test digit
      <input inputmode="numeric" .value=${String(example)} size="5" title="0 to ${count(LAST)}: its place in the test set."
        @change=${(event) => { show(Number(event.target.value)); event.target.value = String(Math.max(0, Math.min(LAST, Math.trunc(Number(event.target.value)) || 0))); }}></label>
    <button class="button small" type="button" title="The digit after this one." aria-label="Next digit" ?disabled=${example >= LAST} @click=${() => show(example + 1)}>\u203a</button>
    <button class="button small" type="button" title="Any digit of the test set." @click=${() => show(Math.floor(Math.random() * (LAST + 1)))}>Random</button>
  </div>`;
}

function legendView() {
  return html`<ul class="legend" aria-label="What the drawing shows">
    <li><span class="line plus"></span>positive weight</li>
    <li><span class="line minus"></span>dashed: negative weight</li>
    <li><span class="blob"></span>the fuller a neuron, the larger its activation; with a bar it is negative</li>
    <li><span class="ring"></span>the thicker its ring, the larger its error beside the others of its layer: dashed orange wants less, blue wants more</li>
    <li><span class="halo"></span>a glow that runs: forward the activations, blue; then back the errors, orange</li>
  </ul>`;
}
