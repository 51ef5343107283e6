/**
 * <hippo-diagram>: a network at work, drawn on a canvas from the frames it is given: the digit's pixels, the neurons
 * lit by their activations, the strongest connections, and rings of the errors that flow back. Neurons are chosen by
 * pointer or by the arrow keys, pinned by a click, a tap or Enter.
 *
 * Two canvases lie on each other: what changes with a frame below, what moves with time above. What is drawn on them
 * is in diagram-pens.js; where it stands, in logic/diagram.js.
 */

import { colorOf } from "../colors.js";
import { brightness, captionsOf, edgeAt, edgesInto, edgesOf, errorShare, heightFor, pixelAt, planFor, SIDE, spotAt, spotFrom, wave } from "../logic/diagram.js";
import { describeEdge, describeNeuron, describePixel } from "../logic/neurons.js";
import { drawConnections, drawNeurons } from "./diagram-pens.js";
import { FeedElement } from "./feed-element.js";

const TIMINGS = 240;
const KEYS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];
const REST = "Move over or tap a neuron, a connection or a pixel to see its numbers; click or tap a neuron to keep it. With the keyboard: arrow keys and Enter. Neurons are counted from 0; layers, rows and columns from 1.";
/** How far beside a thing one may point, px: a finger is not as sharp as a mouse. */
const REACH = { mouse: { neuron: 3, line: 4 }, touch: { neuron: 14, line: 10 } };

class HippoDiagram extends FeedElement {
  #below = document.createElement("canvas");
  #above = document.createElement("canvas");
  #words = document.createElement("p");
  #image = document.createElement("canvas");
  #plan = null;
  #captions = [];
  #edges = [];
  #shares = { lights: [], errors: [] };
  #colors = null;
  #pinned = null;
  #hovered = null;
  /** The words of what is pointed at, made anew with each frame. @type {(() => string)|null} */
  #telling = null;
  #request = 0;
  #stale = true;
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #observer = new ResizeObserver(() => this.#resize());

  /** What is done when a neuron is pinned, or unpinned. @type {(choice: {layer: number, neuron: number}|null) => void} */
  onPin = () => {};
  /** What is done when the pointer is over a neuron, or over none any more. @type {(choice: {layer: number, neuron: number}|null) => void} */
  onHover = () => {};
  /** How long the last drawings took, ms, and when they began. @type {{at: number, took: number}[]} */
  timings = [];

  /** @param {{layer: number, neuron: number}|null} choice */
  set pinned(choice) {
    this.#pinned = choice;
    this.later();
  }

  connectedCallback() {
    if (!this.#below.isConnected) {
      this.#image.width = this.#image.height = SIDE;
      this.#words.className = "diagram-words";
      this.#words.setAttribute("role", "status");
      this.#words.textContent = REST;
      for (const canvas of [this.#below, this.#above]) canvas.setAttribute("aria-hidden", "true");
      this.append(this.#below, this.#above, this.#words);
    }
    this.tabIndex = 0;
    this.setAttribute("role", "application");
    this.setAttribute("aria-roledescription", "network diagram");
    this.#observer.observe(this);
    this.addEventListener("pointermove", this.#move);
    this.addEventListener("pointerleave", this.#out);
    this.addEventListener("click", this.#click);
    this.addEventListener("keydown", this.#key);
    this.#still.addEventListener("change", this.#restart);
    super.connectedCallback(); // at last: a frame may be there already
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    this.removeEventListener("pointermove", this.#move);
    this.removeEventListener("pointerleave", this.#out);
    this.removeEventListener("click", this.#click);
    this.removeEventListener("keydown", this.#key);
    this.#still.removeEventListener("change", this.#restart);
    cancelAnimationFrame(this.#request);
    this.#request = 0;
  }

  recolor() {
    requestAnimationFrame(() => { this.#colors = null; this.later(); });
  }

  /** @param {import("../logic/frames.js").Frame} frame */
  take(frame) {
    const sizes = (each) => each?.layers.map((layer) => layer.shown).join("-");
    const other = sizes(frame) !== sizes(this.frame);
    this.frame = frame;
    if (other || !this.#plan) this.#resize(true);
    this.#shares = {
      lights: frame.layers.map((layer) => brightness(layer.a, layer.about.activation)),
      errors: frame.layers.map((layer) => errorShare(layer.delta)),
    };
    this.setAttribute("aria-label", `The network, drawn: ${frame.header.layers.map((l) => l.size).join(", ")} neurons behind 784 pixels.`);
    this.dataset.step = String(frame.header.step ?? "");
    if (other) this.#telling = null;
    this.#write();
    this.later();
  }

  #resize(force = false) {
    const width = Math.floor(this.clientWidth);
    if (!width || !this.frame || (!force && this.#plan?.width === width)) return;
    const height = heightFor(width);
    this.#plan = planFor(this.frame.layers.map((layer) => layer.shown), width, height);
    const dots = Math.min(2, devicePixelRatio);
    for (const canvas of [this.#below, this.#above]) {
      canvas.width = Math.round(width * dots);
      canvas.height = Math.round(height * dots);
      canvas.style.height = `${height}px`;
      canvas.getContext("2d").setTransform(dots, 0, 0, dots, 0, 0);
    }
    const pen = this.#below.getContext("2d");
    pen.font = this.#font(400);
    this.#captions = captionsOf(this.#plan, this.frame.layers, (text) => pen.measureText(text).width);
    this.#hovered = null;
    this.later();
  }

  /** @param {number} weight */
  #font(weight) {
    return `${weight} ${this.#plan.width < 520 ? 11 : 12}px ${getComputedStyle(this).fontFamily}`;
  }

  /** Whether things move has changed. */
  #restart = () => this.later();

  later() {
    this.#stale = true;
    if (!this.#request && this.isConnected) this.#request = requestAnimationFrame(this.#draw);
  }

  #draw = (/** @type {number} */ now) => {
    this.#request = 0;
    if (!this.frame || !this.#plan || !this.isConnected) return;
    const began = performance.now();
    this.#colors ??= this.#readColors();
    if (this.#stale) this.#drawBelow();
    this.#stale = false;
    const moving = this.feed.live && !this.#still.matches;
    const chosen = [this.#place(this.#pinned), this.#hovered].filter(Boolean);
    drawNeurons(this.#above.getContext("2d"), this.#picture(), this.#shares, moving ? wave(now, this.#plan.layers.length) : null, chosen);
    this.timings.push({ at: began, took: performance.now() - began });
    if (this.timings.length > TIMINGS) this.timings.shift();
    if (moving && !document.hidden) this.#request = requestAnimationFrame(this.#draw);
  };

  /** What the pens are given. */
  #picture() {
    return { plan: this.#plan, frame: this.frame, colors: this.#colors, captions: this.#captions };
  }

  #drawBelow() {
    const chosen = this.#hovered ?? this.#place(this.#pinned);
    this.#edges = chosen ? edgesInto(this.frame, this.#plan, chosen.layer, chosen.place) : edgesOf(this.frame, this.#plan);
    drawConnections(this.#below.getContext("2d"), this.#picture(), this.#edges, this.#image, (weight) => this.#font(weight));
  }

  #readColors() {
    const names = ["ink", "ink-2", "edge", "surface", "accent", "plus", "minus", "sunken", "paper", "pen"];
    return Object.fromEntries(names.map((name) => [name, colorOf(this, `--${name}`)]));
  }

  /** The spot of a neuron, where it is shown. @param {{layer: number, neuron: number}|null} choice */
  #place(choice) {
    const layer = choice && this.frame?.layers[choice.layer - 1];
    const place = layer ? layer.neurons.indexOf(choice.neuron) : -1;
    return place < 0 ? null : this.#plan.layers[choice.layer - 1][place];
  }

  /** @param {import("../logic/diagram.js").Spot} spot */
  #choice(spot) {
    return { layer: spot.layer, neuron: this.frame.layers[spot.layer - 1].neurons[spot.place] };
  }

  /** @param {import("../logic/diagram.js").Spot|null} spot */
  #hover(spot) {
    if (spot === this.#hovered) return;
    this.#hovered = spot;
    this.onHover(spot ? this.#choice(spot) : null);
    this.later();
  }

  /** Says what is pointed at, or what can be done. @param {(() => string)|null} telling */
  #say(telling) {
    this.#telling = telling;
    this.#write();
  }

  #write() {
    const text = this.#telling?.() ?? REST;
    if (this.#words.textContent !== text) this.#words.textContent = text;
  }

  /** @param {import("../logic/diagram.js").Spot} spot */
  #sayNeuron(spot) {
    const { layer, neuron } = this.#choice(spot);
    this.#say(() => describeNeuron(this.frame, layer, neuron));
  }

  /**
   * What is under a pointer: says it, and returns the neuron, if it is one.
   * @param {MouseEvent} event @param {{neuron: number, line: number}} reach
   */
  #point({ clientX, clientY }, reach) {
    const { left, top } = this.#above.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const spot = spotAt(this.#plan, x, y, reach.neuron);
    const pixel = pixelAt(this.#plan, x, y);
    const edge = edgeAt(this.#edges, x, y, reach.line);
    if (spot) this.#sayNeuron(spot);
    else if (pixel >= 0) this.#say(() => describePixel(this.frame, pixel));
    else this.#say(edge && (() => describeEdge(this.frame, edge)));
    return spot;
  }

  #move = (/** @type {PointerEvent} */ event) => {
    if (this.frame && this.#plan) this.#hover(this.#point(event, REACH.mouse));
  };

  #out = () => {
    this.#hover(null);
    this.#say(null);
  };

  /** Looks for itself what is under it: a tap comes without a move before it. */
  #click = (/** @type {PointerEvent} */ event) => {
    if (!this.frame || !this.#plan) return;
    const spot = this.#point(event, event.pointerType === "touch" ? REACH.touch : REACH.mouse);
    if (spot) this.#pin(spot);
  };

  /** Pins a neuron; the one that is pinned is let go. @param {import("../logic/diagram.js").Spot} spot */
  #pin(spot) {
    const choice = this.#choice(spot);
    const same = this.#pinned?.layer === choice.layer && this.#pinned.neuron === choice.neuron;
    this.onPin(same ? null : choice);
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (!this.#plan || event.ctrlKey || event.altKey || event.metaKey) return;
    if (KEYS.includes(event.key)) {
      const spot = spotFrom(this.#plan, this.#hovered ?? this.#place(this.#pinned), event.key);
      event.preventDefault();
      if (!spot) return;
      this.#hover(spot);
      this.#sayNeuron(spot);
    } else if (event.key === "Enter" && this.#hovered) {
      this.#pin(this.#hovered);
    } else if (event.key === "Escape") {
      this.#out();
      this.onPin(null);
    }
  };
}

customElements.define("hippo-diagram", HippoDiagram);
