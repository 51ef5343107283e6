/**
 * <hippo-chart>: a curve per epoch, drawn by uPlot. It is given columns and draws them; it follows the width of
 * its place and the theme, and is a picture with a summary for screen readers. The legend shows the values
 * under the pointer, else the latest. What changed on the way is a dashed line with a numbered badge above the plot.
 */

import uPlot from "uplot";

import { colorOf } from "../colors.js";
import { badgesOf } from "../logic/marks.js";

const HEIGHT = 240;
/** Above the plot, without badges and with them. */
const ROOM = 10;
const ROOM_FOR_BADGES = 32;
const EPOCH_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** @typedef {{label: string, color: string, dash?: number[], format: (value: number) => string}} Line */

class HippoChart extends HTMLElement {
  #data = [[]];
  #theme = "";
  #plot = null;
  #lines = [];
  #span = 1;
  /** @type {{x: number, sentence: string}[]} */ #marks = [];
  #badges = document.createElement("div");
  #observer = new ResizeObserver(() => this.#resize());

  /** @type {string} */ unit = "";
  /** @type {"zero"|"percent"} */ from = "zero";

  /** @param {Line[]} lines */
  set lines(lines) {
    this.#lines = lines;
  }

  /** @param {number} span the epoch at which the axis ends */
  set span(span) {
    if (span === this.#span) return;
    this.#span = span;
    this.#refresh();
  }

  /** @param {{x: number, sentence: string}[]} marks what changed on the way, and where on the axis of epochs */
  set marks(marks) {
    if (JSON.stringify(marks) === JSON.stringify(this.#marks)) return;
    this.#marks = marks;
    this.#plot?.redraw(true, true); // the badges take room from the plot
  }

  /** @param {string} theme colours are read again when it changes */
  set theme(theme) {
    if (theme === this.#theme) return;
    this.#theme = theme;
    if (this.#plot) requestAnimationFrame(() => this.#rebuild());
  }

  /** @param {string} text */
  set summary(text) {
    this.setAttribute("aria-label", text);
  }

  /** @param {(number|null)[][]} data */
  set data(data) {
    const old = this.#data;
    this.#data = data;
    const length = data[0].length;
    const same = old[0].length === length && data.every((column, i) => column[length - 1] === old[i]?.[length - 1] && column[0] === old[i]?.[0]);
    if (!same) this.#refresh();
  }

  connectedCallback() {
    this.setAttribute("role", "img");
    this.#observer.observe(this);
    // Properties of one render are set one after the other; draw when all are there.
    queueMicrotask(() => this.#rebuild());
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #refresh() {
    if (!this.#plot) return;
    this.#plot.setData(this.#data);
    this.#showLatest();
  }

  #resize() {
    const width = this.clientWidth;
    if (this.#plot && width && Math.abs(width - this.#plot.width) >= 1) this.#plot.setSize({ width, height: HEIGHT });
  }

  #rebuild() {
    if (!this.isConnected || !this.clientWidth) return;
    this.#plot?.destroy();
    this.replaceChildren();
    this.#plot = new uPlot(this.#options(), this.#data, this);
    this.#badges.className = "mark-badges";
    this.#plot.over.parentElement.append(this.#badges);
    this.#showLatest();
  }

  #showLatest() {
    if (this.#plot.cursor.idx == null) this.#plot.setLegend({ idx: this.#data[0].length - 1 });
  }

  #options() {
    const ink = colorOf(this, "--ink-2");
    const line = colorOf(this, "--line");
    const font = `12px ${getComputedStyle(this).fontFamily}`;
    const axis = { stroke: ink, font, labelFont: font, labelSize: 18, ticks: { show: false }, grid: { stroke: line, width: 1 } };
    return {
      width: this.clientWidth,
      height: HEIGHT,
      padding: [() => (this.#marks.length ? ROOM_FOR_BADGES : ROOM), 12, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 7 }, y: false },
      legend: { live: true, markers: { width: 2, dash: (_, i) => legendDash(this.#lines[i - 1]?.dash) } },
      scales: {
        x: { time: false, range: () => [this.#span > 1 ? 1 : 0.5, this.#span > 1 ? this.#span : 1.5] },
        y: { range: (_, low, high) => this.#range(low, high) },
      },
      axes: [
        { ...axis, label: "Epoch", size: 30, incrs: EPOCH_STEPS, space: 44, grid: { show: false } },
        { ...axis, label: this.unit, size: 50, space: 36 },
      ],
      series: [
        { label: "Epoch", value: (_, v) => (v == null ? "\u2013" : String(v)) },
        ...this.#lines.map(({ label, color, dash, format }) => ({
          label,
          stroke: colorOf(this, color),
          width: 2,
          dash,
          value: (_, v) => (v == null ? "\u2013" : format(v)),
          points: { show: (u) => u.data[0].length <= 40, size: 5, fill: colorOf(this, color) },
        })),
      ],
      hooks: {
        drawAxes: [(u) => this.#drawMarks(u, ink)], // below the curves
        draw: [(u) => this.#placeBadges(u)],
        setCursor: [(u) => { if (u.cursor.idx == null && u === this.#plot) this.#showLatest(); }],
      },
    };
  }

  /** Dashed lines where something changed. @param {uPlot} u @param {string} color */
  #drawMarks(u, color) {
    const { ctx, bbox } = u;
    const scale = devicePixelRatio;
    ctx.save();
    Object.assign(ctx, { strokeStyle: color, lineWidth: scale });
    ctx.setLineDash([3 * scale, 3 * scale]);
    for (const { x } of this.#marks) {
      const at = Math.round(Math.min(bbox.left + bbox.width, Math.max(bbox.left, u.valToPos(x, "x", true)))) + 0.5;
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** @param {uPlot} u */
  #placeBadges(u) {
    const { offsetLeft: left, offsetTop: top, clientWidth: width } = u.over;
    const places = this.#marks.map(({ x }) => Math.min(width, Math.max(0, u.valToPos(x, "x"))));
    this.#badges.replaceChildren(...badgesOf(places, width).map(({ first, last, text, at }) => {
      const badge = document.createElement("span");
      badge.className = "mark-badge";
      badge.textContent = text;
      badge.title = this.#marks.slice(first - 1, last).map(({ sentence }) => sentence).join("; ");
      badge.style.left = `${left + at}px`;
      badge.style.top = `${top - 8}px`;
      return badge;
    }));
  }

  /** The y axis: losses from zero, accuracies between round percents around what was reached. @param {number} low @param {number} high */
  #range(low, high) {
    if (low == null || high == null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
    if (this.from === "percent") {
      const margin = Math.max(0.5, (high - low) * 0.1);
      return [Math.max(0, Math.floor(low - margin)), Math.min(100, Math.ceil(high + margin))];
    }
    return [0, high > 0 ? high * 1.08 : 1];
  }
}

/** How the legend draws dashes. @param {number[]|undefined} dash */
function legendDash(dash) {
  return !dash ? "solid" : dash[0] > 4 ? "dashed" : "dotted";
}

customElements.define("hippo-chart", HippoChart);
