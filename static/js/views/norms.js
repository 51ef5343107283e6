/**
 * <hippo-norms>: the gradient norm of every layer over the steps of the run, as far as it was watched, on a logarithmic
 * axis: those of early layers can be a hundred times smaller. Drawn by uPlot; the legend shows the values under the
 * pointer, else the latest.
 */

import uPlot from "uplot";

import { colorOf } from "../colors.js";
import { number } from "../logic/neurons.js";
import { logRange, logTicks, markedPlaces, normColumns, normLines, normWords } from "../logic/norms.js";
import { FeedElement } from "./feed-element.js";
import { drawMarker } from "./markers.js";
import { axisLook, fitWidth, legendDash } from "./plot-element.js";

const HEIGHT = 220;
const AGAIN_MS = 500;
/** Between two mini-batches that are named on the axis. */
const STEPS = [1, 2, 5].flatMap((n) => Array.from({ length: 9 }, (_, power) => n * 10 ** power)).sort((a, b) => a - b);

class HippoNorms extends FeedElement {
  #plot = null;
  /** @type {import("../logic/norms.js").Norms[]} */ #norms = [];
  #layers = 0;
  #timer = 0;
  #observer = new ResizeObserver(() => fitWidth(this.#plot, this));

  connectedCallback() {
    super.connectedCallback();
    this.setAttribute("role", "img");
    this.setAttribute("aria-label", normWords([]));
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
    const norms = this.#norms = this.feed?.norms ?? [];
    if (!this.isConnected || !this.clientWidth || !norms.length) return;
    const data = normColumns(norms);
    const layers = data.length - 1;
    if (layers !== this.#layers) this.#make(layers, data);
    else this.#plot.setData(data);
    this.#showLatest();
    this.setAttribute("aria-label", normWords(norms));
  }

  #showLatest() {
    if (this.#plot.cursor.idx == null) this.#plot.setLegend({ idx: this.#plot.data[0].length - 1 });
  }

  /** @param {number} layers @param {(number|null)[][]} data */
  #make(layers, data) {
    this.#layers = layers;
    this.#plot?.destroy();
    this.replaceChildren();
    const axis = axisLook(this);
    const lines = normLines(layers);
    this.#plot = new uPlot({
      width: this.clientWidth,
      height: HEIGHT,
      padding: [10, 12, 0, 0],
      cursor: { drag: { x: false, y: false }, y: false },
      legend: { live: true, markers: { width: 2, dash: (_, i) => legendDash(lines[i - 1]?.dash) } },
      scales: { x: { time: false }, y: { distr: 3, range: (_, low, high) => logRange(low, high) } },
      axes: [
        { ...axis, label: "Mini-batch", size: 30, space: 70, incrs: STEPS, grid: { show: false } },
        { ...axis, label: "|\u2202C/\u2202W|", size: 66, splits: (_u, _axis, low, high) => logTicks(low, high), filter: (_, ticks) => ticks, values: (_, at) => at.map((tick) => number(tick, 2)) },
      ],
      series: [
        { label: "Mini-batch", value: (_, v) => (v == null ? "\u2013" : String(v)) },
        ...lines.map(({ label, color, dash }) => ({ label, dash, width: 1.6, stroke: colorOf(this, color), points: { show: false }, value: (_, _v, l, i) => number(this.#norms[i]?.values[l - 1]) })),
      ],
      hooks: {
        draw: [(u) => this.#drawMarkers(u, lines)],
        setCursor: [(u) => { if (u.cursor.idx == null && u === this.#plot) this.#showLatest(); }],
      },
    }, data, this);
  }

  /** @param {uPlot} u @param {import("../logic/norms.js").Line[]} lines */
  #drawMarkers(u, lines) {
    const pen = u.ctx;
    pen.save();
    pen.lineWidth = 2 * devicePixelRatio;
    lines.forEach(({ color, marker }, l) => {
      pen.fillStyle = pen.strokeStyle = colorOf(this, color);
      for (const i of markedPlaces(u.data[l + 1], l, lines.length)) drawMarker(pen, marker, u.valToPos(u.data[0][i], "x", true), u.valToPos(u.data[l + 1][i], "y", true));
    });
    pen.restore();
  }
}

customElements.define("hippo-norms", HippoNorms);
