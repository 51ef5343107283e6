/**
 * <hippo-neuron>: one neuron in numbers, as the latest frame has it: its sum, its activation, its error, what comes in,
 * and the picture that its incoming weights make.
 */

import { html, nothing, render } from "lit/html.js";

import { channels, colorOf } from "../colors.js";
import { neuronNumbers, number, strongestInputs, weighed } from "../logic/neurons.js";
import { SIDE, largest, paintWeights, palette } from "../logic/weights.js";
import { FeedElement } from "./feed-element.js";

class HippoNeuron extends FeedElement {
  #choice = null;
  #request = 0;

  /** @param {{layer: number, neuron: number}|null} choice */
  set choice(choice) {
    this.#choice = choice;
    this.later();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    cancelAnimationFrame(this.#request);
    this.#request = 0;
  }

  later() {
    if (!this.#request && this.isConnected) this.#request = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#request = 0;
    const { layer, neuron } = this.#chosen();
    const found = this.frame ? neuronNumbers(this.frame, layer, neuron) : null;
    render(found ? this.#neuron(found) : html`<p class="help">The numbers of the neuron you choose will be here.</p>`, this);
    const canvas = this.querySelector("canvas");
    if (canvas && found) this.#paint(canvas, found.weights);
  }

  /** What is looked at; without a choice the output that should answer. */
  #chosen() {
    return this.#choice ?? { layer: this.frame?.layers.length ?? 0, neuron: this.frame?.header.example.label ?? 0 };
  }

  /** @param {NonNullable<ReturnType<typeof neuronNumbers>>} found */
  #neuron({ name, formula, bias, z, a, delta, weights, exact, blownUp }) {
    const { layer, neuron } = this.#chosen();
    const inputs = strongestInputs(this.frame, layer, neuron);
    return html`
      <h3>${name}</h3>
      <div class="neuron">
        ${layer === 1
          ? html`<figure class="weights-figure">
              <canvas class="weights-image" width=${SIDE} height=${SIDE} role="img" aria-label="Incoming weights as a picture, the largest ${weighed(largest(weights), exact ? Infinity : 127)}"></canvas>
              <figcaption class="help">Incoming weights: <span class="plus-word">blue +</span>, <span class="minus-word">orange \u2212</span></figcaption>
            </figure>`
          : nothing}
        <dl class="equations">
          <div><dt>z = \u03a3 w\u00a0x + b</dt><dd>${number(z)}</dd></div>
          <div><dt>a = ${formula}</dt><dd>${number(a)}</dd></div>
          <div><dt>b, the bias</dt><dd>${number(bias)}</dd></div>
          <div><dt>\u03b4 = \u2202C/\u2202z</dt><dd>${number(delta)}</dd></div>
        </dl>
        ${inputs.length
          ? html`<table class="products"><caption>What counts most in z</caption>
              <thead><tr><th scope="col">from</th><th scope="col">w</th><th scope="col">x</th><th scope="col">w\u00a0x</th></tr></thead>
              <tbody>${inputs.map((input) => html`<tr><th scope="row">${input.name}</th><td>${weighed(input.weight, input.steps)}</td><td>${number(input.x)}</td><td>${weighed(input.product, input.steps)}</td></tr>`)}</tbody>
            </table>`
          : html`<p class="help">All that comes in is 0.</p>`}
      </div>
      ${blownUp ? html`<p class="help">\u2013 stands where the number is too large to be held: this network has blown up.</p>` : nothing}`;
  }

  /** @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} weights */
  #paint(canvas, weights) {
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(SIDE, SIDE);
    const color = (name) => channels(colorOf(this, name));
    paintWeights(image, 0, 0, weights, 0, 1, largest(weights), palette(color("--minus"), color("--surface"), color("--plus")));
    pen.putImageData(image, 0, 0);
  }
}

customElements.define("hippo-neuron", HippoNeuron);
