/**
 * What the plots over epochs have in common, drawn by uPlot: they follow the width of their place and the theme, and are
 * pictures with a summary for screen readers. A plot is given its lines, columns and words by what extends this. The look
 * of the axes is that of every plot of the page.
 */

import uPlot from "uplot";

import { colorOf } from "../colors.js";

const EPOCH_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** @param {HTMLElement} element whose theme and font count */
export function axisLook(element) {
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  return { stroke: colorOf(element, "--ink-2"), font, labelFont: font, labelSize: 18, ticks: { show: false }, grid: { stroke: colorOf(element, "--line"), width: 1 } };
}

/** Makes a plot as wide as its place. @param {uPlot|null} plot @param {HTMLElement} place */
export function fitWidth(plot, place) {
  const width = place.clientWidth;
  if (plot && width && Math.abs(width - plot.width) >= 1) plot.setSize({ width, height: plot.height });
}

/** Whether two sets of columns are as long and begin and end alike: all that is appended shows. @param {(number|null)[][]} some @param {(number|null)[][]} others */
export function sameEnds(some, others) {
  return some.every((column, i) => column.length === others[i]?.length && column.at(-1) === others[i].at(-1) && column[0] === others[i][0]);
}

/**
 * What extends this has:
 * - `columns`: the epochs and, for each line, its values;
 * - `lastEpoch`: at which the axis ends;
 * - `latest`: what the legend shows while no pointer is over the plot, as uPlot's setLegend takes it;
 * - `range(low, high)`: the ends of the y axis, for the least and the greatest value;
 * - `look()`: height, padding, series and hooks as uPlot takes them, and `epochWords`, the epoch in the legend.
 */
export class PlotElement extends HTMLElement {
  /** @type {uPlot|null} */ plot = null;
  /** @type {string} */ unit = "";
  #theme = "";
  #observer = new ResizeObserver(() => fitWidth(this.plot, this));

  /** @param {string} theme colours are read again when it changes */
  set theme(theme) {
    if (theme === this.#theme) return;
    this.#theme = theme;
    if (this.plot) requestAnimationFrame(() => this.rebuild());
  }

  /** @param {string} text */
  set summary(text) {
    this.setAttribute("aria-label", text);
  }

  connectedCallback() {
    this.setAttribute("role", "img");
    this.#observer.observe(this);
    // Properties of one render are set one after the other; draw when all are there.
    queueMicrotask(() => this.rebuild());
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  /** Draws other numbers of the same lines. */
  refresh() {
    if (!this.plot) return;
    this.plot.setData(this.columns);
    this.#showLatest();
  }

  /** Draws all anew: other lines, or other colours. */
  rebuild() {
    if (!this.isConnected || !this.clientWidth) return;
    this.plot?.destroy();
    this.replaceChildren();
    this.plot = new uPlot(this.#options(), this.columns, this);
    this.#showLatest();
  }

  #showLatest() {
    if (this.plot.cursor.idx == null) this.plot.setLegend(this.latest);
  }

  #options() {
    const axis = axisLook(this);
    const { height, padding, epochWords, series, hooks } = this.look();
    return {
      width: this.clientWidth,
      height,
      padding,
      cursor: { drag: { x: false, y: false }, points: { size: 7 }, y: false },
      legend: { live: true, markers: { width: 2, dash: (_, i) => legendDash(series[i - 1]?.dash) } },
      scales: {
        x: { time: false, range: () => (this.lastEpoch > 1 ? [1, this.lastEpoch] : [0.5, 1.5]) },
        y: { range: (_, low, high) => (Number.isFinite(low) && Number.isFinite(high) ? this.range(low, high) : [0, 1]) },
      },
      axes: [
        { ...axis, label: "Epoch", size: 30, incrs: EPOCH_STEPS, space: 44, grid: { show: false } },
        { ...axis, label: this.unit, size: 50, space: 36 },
      ],
      series: [{ label: "Epoch", value: epochWords }, ...series],
      hooks: { ...hooks, setCursor: [(u) => { if (u.cursor.idx == null && u === this.plot) this.#showLatest(); }] },
    };
  }
}

/** How the legend draws dashes. @param {number[]|undefined} dash */
export function legendDash(dash) {
  return !dash?.length ? "solid" : dash[0] > 4 ? "dashed" : "dotted";
}
