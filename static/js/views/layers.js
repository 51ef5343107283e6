/**
 * <hippo-layers>: every layer as the latest frame has it: how its weights, biases and activations are spread, how strong
 * its gradient is, and how many of its neurons are dead, saturated or alike; and what each neuron of the first layer
 * looks for.
 */

import { html, nothing, render } from "lit/html.js";

import { channels, colorOf } from "../colors.js";
import { layerName, number } from "../logic/neurons.js";
import { SIDE, barHeights, grid, healthWords, histogramWords, largest, paintWeights, palette } from "../logic/weights.js";
import { FeedElement } from "./feed-element.js";

const CELL = SIDE + 4;
const SCALE = 2;
const MOST_PER_SECOND = 5;

class HippoLayers extends FeedElement {
  #timer = 0;
  #observer = new ResizeObserver(() => this.later());

  /** @type {(choice: {layer: number, neuron: number}) => void} */ onPin = () => {};
  /** @type {{layer: number, neuron: number}|null} */ pinned = null;

  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Numbers that change ten times a second cannot be read. */
  later() {
    if (!this.#timer && this.isConnected) this.#timer = setTimeout(() => this.#draw(), 1000 / MOST_PER_SECOND);
  }

  #draw() {
    this.#timer = 0;
    if (!this.isConnected) return;
    const frame = this.frame;
    if (!frame) return render(html`<p class="help">The layers will be here when the first picture of the network has come.</p>`, this);
    render(html`
      <figure class="looks-for">
        <figcaption><h3>What the first layer looks for</h3>
          <p class="help">One picture for each neuron: its 784 incoming weights, where the pixels are. <span class="plus-word">Blue +</span> wants ink there, <span class="minus-word">orange \u2212</span> wants paper. Click one to keep it.</p></figcaption>
        <canvas class="looks" role="img" aria-label="Incoming weights of ${frame.layers[0].shown} neurons of the first layer, as pictures" @click=${this.#click}></canvas>
      </figure>
      <p class="help">How the weights, biases and activations of each layer are spread: tall bars are many. Activations are the answers to the first 200 validation images.</p>
      <div class="layer-list">${frame.layers.map((layer, index) => this.#layer(layer, index + 1))}</div>
    `, this);
    this.#paint(this.querySelector("canvas.looks"));
  }

  /** @param {import("../logic/frames.js").Layer} layer @param {number} l */
  #layer({ about }, l) {
    const words = healthWords(about);
    return html`<section class="layer" aria-labelledby="layer-${l}">
      <h3 id="layer-${l}">${l === this.frame.layers.length ? "Outputs" : `Hidden layer ${l}`}<span class="help"> ${about.size} neurons, ${about.activation.replace("_", " ")}</span></h3>
      <div class="histograms">
        ${this.#histogram("weights", about.histogram, l, about.weight)}
        ${this.#histogram("biases", about.bias_histogram, l, about.bias)}
        ${this.#histogram("activations", about.activation_histogram, l)}
      </div>
      <dl class="layer-figures">
        <div><dt>Weights</dt><dd>${number(about.weight.mean)} \u00b1 ${number(about.weight.std)}</dd></div>
        <div><dt>Biases</dt><dd>${number(about.bias.mean)} \u00b1 ${number(about.bias.std)}</dd></div>
        <div><dt>Gradient norm</dt><dd>${number(about.gradient_norm)}</dd></div>
      </dl>
      ${words.length ? html`<ul class="layer-health">${words.map((text) => html`<li>${text}</li>`)}</ul>` : nothing}
    </section>`;
  }

  /** @param {string} what @param {{low: number, high: number, counts: number[]}} histogram @param {number} l @param {{mean: number, std: number}} [spread] */
  #histogram(what, histogram, l, spread) {
    const { low, high, counts } = histogram;
    return html`<div>
      <svg class="histogram" viewBox="0 0 ${counts.length} 10" preserveAspectRatio="none" role="img" aria-label=${histogramWords(what, layerName(this.frame, l), histogram, spread)}>
        ${barHeights(counts).map((height, i) => svgBar(i, height))}
      </svg>
      <p class="histogram-ends" aria-hidden="true"><span>${number(low)}</span><span>${what}</span><span>${number(high)}</span></p>
    </div>`;
  }

  /** @param {HTMLCanvasElement} canvas */
  #paint(canvas) {
    const [layer] = this.frame.layers;
    const { columns, rows } = grid(layer.shown, this.clientWidth / SCALE, CELL);
    const [width, height] = [columns * CELL, rows * CELL];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    canvas.style.width = `${width * SCALE}px`;
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(width, height);
    const color = (name) => channels(colorOf(this, name));
    const colors = palette(color("--minus"), color("--surface"), color("--plus"));
    const most = largest(layer.weights);
    for (let place = 0; place < layer.shown; place += 1) {
      paintWeights(image, (place % columns) * CELL + 2, Math.floor(place / columns) * CELL + 2, layer.weights, place, layer.shown, most, colors);
    }
    pen.putImageData(image, 0, 0);
    const place = this.pinned?.layer === 1 ? layer.neurons.indexOf(this.pinned.neuron) : -1;
    if (place < 0) return;
    pen.strokeStyle = colorOf(this, "--ink");
    pen.strokeRect((place % columns) * CELL + 0.5, Math.floor(place / columns) * CELL + 0.5, CELL - 1, CELL - 1);
  }

  #click = (/** @type {MouseEvent} */ event) => {
    const canvas = /** @type {HTMLCanvasElement} */ (event.currentTarget);
    const { left, top, width } = canvas.getBoundingClientRect();
    const scale = canvas.width / width;
    const columns = canvas.width / CELL;
    const place = Math.floor(((event.clientY - top) * scale) / CELL) * columns + Math.floor(((event.clientX - left) * scale) / CELL);
    const neuron = this.frame.layers[0].neurons[place];
    if (neuron !== undefined) this.onPin({ layer: 1, neuron });
  };
}

/** @param {number} i @param {number} height 0 to 1 */
function svgBar(i, height) {
  const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ x: i + 0.08, y: 10 - 10 * height, width: 0.84, height: 10 * height })) bar.setAttribute(name, String(value));
  return bar;
}

customElements.define("hippo-layers", HippoLayers);
