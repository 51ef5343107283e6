/** <hippo-norms>: the gradient norm of every layer over the steps of the run, as far as it was watched; drawn by uPlot. */

import uPlot from "uplot";

import { colorOf } from "../colors.js";
import { number } from "../logic/neurons.js";
import { FeedElement } from "./feed-element.js";
import { axisLook, fitWidth } from "./plot-element.js";

const HEIGHT = 220;
const AGAIN_MS = 500;
/** Up to so many points are shown themselves: the first of them make no line. */
const FEW = 20;
/** Between two mini-batches that are named on the axis. */
const STEPS = [1, 2, 5].flatMap((n) => Array.from({ length: 9 }, (_, power) => n * 10 ** power)).sort((a, b) => a - b);
/** Lines are told apart by their dashes, too. */
const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];
const COLORS = ["--accent", "--minus", "--good", "--ink-2"];

class HippoNorms extends FeedElement {
  #plot = null;
  #layers = 0;
  #timer = 0;
  #observer = new ResizeObserver(() => fitWidth(this.#plot, this));

  connectedCallback() {
    super.connectedCallback();
    this.setAttribute("role", "img");
    this.setAttribute("aria-label", "Gradient norm of every layer over the steps watched");
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    clearTimeout(this.#timer);
    this.#timer = this.#layers = 0;
    this.#plot?.destroy();
    this.#plot = null;
  }

  recolor() {
    this.#layers = 0;
    super.recolor();
  }

  later() {
    if (!this.#timer && this.isConnected) this.#timer = setTimeout(() => this.#draw(), AGAIN_MS);
  }

  #draw() {
    this.#timer = 0;
    const norms = this.feed?.norms ?? [];
    if (!this.isConnected || !this.clientWidth || !norms.length) return;
    const layers = norms[0].values.length;
    const data = [norms.map(({ step }) => step), ...Array.from({ length: layers }, (_, l) => norms.map(({ values }) => values[l]))];
    if (layers !== this.#layers) this.#make(layers, data);
    else this.#plot.setData(data);
  }

  /** @param {number} layers @param {number[][]} data */
  #make(layers, data) {
    this.#layers = layers;
    this.#plot?.destroy();
    this.replaceChildren();
    const axis = axisLook(this);
    this.#plot = new uPlot({
      width: this.clientWidth,
      height: HEIGHT,
      padding: [10, 12, 0, 0],
      cursor: { drag: { x: false, y: false }, y: false },
      scales: { x: { time: false }, y: { range: (_, low, high) => [0, Number.isFinite(high) && high > 0 ? high * 1.08 : 1] } },
      axes: [
        { ...axis, label: "Mini-batch", size: 30, space: 70, incrs: STEPS, grid: { show: false } },
        // Of a run that diverges they are of any size.
        { ...axis, label: "|\u2202C/\u2202W|", size: 80, space: 36, values: (_, at) => at.map((value) => number(value)) },
      ],
      series: [
        { label: "Mini-batch", value: (_, v) => (v == null ? "\u2013" : String(v)) },
        ...Array.from({ length: layers }, (_, l) => ({
          label: l === layers - 1 ? "Outputs" : `Layer ${l + 1}`,
          stroke: colorOf(this, COLORS[l % COLORS.length]),
          dash: DASHES[l % DASHES.length],
          width: 1.6,
          points: { size: 5, show: (_plot, _series, first, last) => last - first < FEW },
          value: (_, v) => number(v),
        })),
      ],
    }, data, this);
  }
}

customElements.define("hippo-norms", HippoNorms);
