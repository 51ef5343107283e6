/**
 * <hippo-lines>: the curves of several runs in one plot, drawn by uPlot, each run with a colour and a marker of its own, each
 * set of images with its dashes. It is given columns and lines and draws them; the legend shows the values under the
 * pointer, else the last of each run, with its epoch where the runs end at different ones. A picture with a summary for screen readers; the numbers stand in a table, too.
 */

import uPlot from "uplot";

import { colorOf } from "../colors.js";
import { lastEpochs } from "../logic/lines.js";

const HEIGHT = 300;
const EPOCH_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
/** How the legend draws dashes, by their length. */
const DASHES = { 9: "dashed", 2: "dotted" };
/** Half the size of a marker, in pixels of the page. */
const MARKER = 4.2;

class HippoLines extends HTMLElement {
  /** @type {{data: (number|null)[][], lines: import("../logic/lines.js").Line[]}} */ #plotted = { data: [[]], lines: [] };
  #looks = "";
  #theme = "";
  #plot = null;
  #observer = new ResizeObserver(() => this.#resize());

  /** @type {string} */ unit = "";
  /** @type {(value: number) => string} */ words = String;

  /** @param {{data: (number|null)[][], lines: import("../logic/lines.js").Line[]}} plotted */
  set plotted(plotted) {
    const looks = JSON.stringify(plotted.lines);
    const old = this.#plotted.data;
    const same = plotted.data.every((column, i) => column.length === old[i]?.length && column.at(-1) === old[i].at(-1) && column[0] === old[i][0]);
    this.#plotted = plotted;
    if (looks !== this.#looks) {
      this.#looks = looks;
      if (this.#plot) this.#rebuild();
    } else if (!same && this.#plot) {
      this.#plot.setData(plotted.data);
      this.#showLast();
    }
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

  #resize() {
    const width = this.clientWidth;
    if (this.#plot && width && Math.abs(width - this.#plot.width) >= 1) this.#plot.setSize({ width, height: HEIGHT });
  }

  #rebuild() {
    if (!this.isConnected || !this.clientWidth) return;
    this.#plot?.destroy();
    this.replaceChildren();
    this.#plot = new uPlot(this.#options(), this.#plotted.data, this);
    this.#showLast();
  }

  /** Runs end at different epochs: the last value of each. */
  #showLast() {
    if (this.#plot.cursor.idx != null) return;
    const idxs = this.#plotted.data.map((column) => column.findLastIndex((value) => value !== null));
    this.#plot.setLegend({ idxs });
  }

  #options() {
    const ink = colorOf(this, "--ink-2");
    const grid = colorOf(this, "--line");
    const font = `12px ${getComputedStyle(this).fontFamily}`;
    const axis = { stroke: ink, font, labelFont: font, labelSize: 18, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
    // Without a pointer each run is at an end of its own.
    const ends = (u) => (u.cursor.idx == null ? lastEpochs(this.#plotted.data) : []);
    const apart = (u) => new Set(ends(u)).size > 1;
    const written = (u, value, i) => (value == null ? "\u2013" : `${this.words(value)}${apart(u) ? ` (epoch ${ends(u)[i - 1]})` : ""}`);
    const epoch = (u, value) => (apart(u) ? "last of each run" : String(ends(u)[0] ?? value ?? "\u2013"));
    const last = () => Math.max(1, this.#plotted.data[0].length);
    return {
      width: this.clientWidth,
      height: HEIGHT,
      padding: [10, 12, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 7 }, y: false },
      legend: { live: true, markers: { width: 2, dash: (_, i) => DASHES[this.#plotted.lines[i - 1]?.dash[0]] ?? "solid" } },
      scales: {
        x: { time: false, range: () => (last() > 1 ? [1, last()] : [0.5, 1.5]) },
        y: { range: (_, low, high) => range(low, high) },
      },
      axes: [
        { ...axis, label: "Epoch", size: 30, incrs: EPOCH_STEPS, space: 44, grid: { show: false } },
        { ...axis, label: this.unit, size: 50, space: 36 },
      ],
      series: [
        { label: "Epoch", value: epoch },
        ...this.#plotted.lines.map(({ label, color, dash }) => ({
          label, dash, width: 2, stroke: colorOf(this, color), value: written, points: { show: false },
        })),
      ],
      hooks: {
        draw: [(u) => this.#drawMarkers(u)],
        setCursor: [(u) => { if (u.cursor.idx == null && u === this.#plot) this.#showLast(); }],
      },
    };
  }

  /** @param {uPlot} u */
  #drawMarkers(u) {
    const pen = u.ctx;
    pen.save();
    pen.lineWidth = 2 * devicePixelRatio;
    this.#plotted.lines.forEach(({ color, marker, every, from }, i) => {
      const column = this.#plotted.data[i + 1];
      pen.fillStyle = pen.strokeStyle = colorOf(this, color);
      const end = column.findLastIndex((value) => value !== null);
      column.forEach((value, epoch) => {
        if (value === null || ((epoch - from) % every !== 0 && epoch !== end)) return;
        drawMarker(pen, marker, u.valToPos(epoch + 1, "x", true), u.valToPos(value, "y", true), MARKER * devicePixelRatio);
      });
    });
    pen.restore();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {string} marker @param {number} x @param {number} y @param {number} r half its size */
function drawMarker(pen, marker, x, y, r) {
  const corners = {
    square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    triangle: [[0, -1.15], [1.1, 0.85], [-1.1, 0.85]],
    diamond: [[0, -1.3], [1.1, 0], [0, 1.3], [-1.1, 0]],
    flag: [[0, 1.15], [1.1, -0.85], [-1.1, -0.85]],
  }[marker];
  const strokes = { cross: [[-0.9, -0.9, 0.9, 0.9], [-0.9, 0.9, 0.9, -0.9]], plus: [[0, -1.2, 0, 1.2], [-1.2, 0, 1.2, 0]] }[marker];
  pen.setLineDash([]);
  pen.beginPath();
  if (corners) corners.forEach(([dx, dy], i) => (i ? pen.lineTo(x + dx * r, y + dy * r) : pen.moveTo(x + dx * r, y + dy * r)));
  else if (strokes) for (const [a, b, c, d] of strokes) { pen.moveTo(x + a * r, y + b * r); pen.lineTo(x + c * r, y + d * r); }
  else pen.arc(x, y, r, 0, 2 * Math.PI);
  if (strokes || marker === "ring") pen.stroke();
  else pen.fill();
}

/** The y axis: what was reached, with some air; losses and accuracies are compared by their differences. @param {number} low @param {number} high @returns {[number, number]} */
function range(low, high) {
  if (low == null || high == null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const air = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  return [Math.max(0, low - air), high + air];
}

customElements.define("hippo-lines", HippoLines);
