/**
 * <hippo-chart>: a curve per epoch. It is given columns and draws them; the legend shows the values under the pointer, else
 * the latest. What changed on the way is a dashed line with a numbered badge above the plot.
 */

import { colorOf } from "../colors.js";
import { badgesOf } from "../logic/marks.js";
import { PlotElement, sameEnds } from "./plot-element.js";

const HEIGHT = 240;
/** Above the plot, without badges and with them. */
const ROOM = 10;
const ROOM_FOR_BADGES = 32;

/** @typedef {{label: string, color: string, dash?: number[], format: (value: number) => string}} Line */

class HippoChart extends PlotElement {
  #data = [[]];
  #lines = [];
  #span = 1;
  /** @type {{x: number, sentence: string}[]} */ #marks = [];
  #badges = Object.assign(document.createElement("div"), { className: "mark-badges" });

  /** @type {"zero"|"percent"} */ from = "zero";

  /** @param {Line[]} lines */
  set lines(lines) {
    this.#lines = lines;
  }

  /** @param {number} span the epoch at which the axis ends */
  set span(span) {
    if (span === this.#span) return;
    this.#span = span;
    this.refresh();
  }

  /** @param {{x: number, sentence: string}[]} marks what changed on the way, and where on the axis of epochs */
  set marks(marks) {
    if (JSON.stringify(marks) === JSON.stringify(this.#marks)) return;
    this.#marks = marks;
    this.plot?.redraw(true, true); // the badges take room from the plot
  }

  /** @param {(number|null)[][]} data */
  set data(data) {
    const old = this.#data;
    this.#data = data;
    if (!sameEnds(data, old)) this.refresh();
  }

  get columns() {
    return this.#data;
  }

  get lastEpoch() {
    return this.#span;
  }

  get latest() {
    return { idx: this.#data[0].length - 1 };
  }

  look() {
    const ink = colorOf(this, "--ink-2");
    return {
      height: HEIGHT,
      padding: [() => (this.#marks.length ? ROOM_FOR_BADGES : ROOM), 12, 0, 0],
      epochWords: (_, v) => (v == null ? "\u2013" : String(v)),
      series: this.#lines.map(({ label, color, dash, format }) => ({
        label,
        stroke: colorOf(this, color),
        width: 2,
        dash,
        value: (_, v) => (v == null ? "\u2013" : format(v)),
        points: { show: (u) => u.data[0].length <= 40, size: 5, fill: colorOf(this, color) },
      })),
      hooks: {
        init: [(u) => u.over.parentElement.append(this.#badges)],
        drawAxes: [(u) => this.#drawMarks(u, ink)], // below the curves
        draw: [(u) => this.#placeBadges(u)],
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
  range(low, high) {
    if (this.from === "percent") {
      const margin = Math.max(0.5, (high - low) * 0.1);
      return [Math.max(0, Math.floor(low - margin)), Math.min(100, Math.ceil(high + margin))];
    }
    return [0, high > 0 ? high * 1.08 : 1];
  }
}

customElements.define("hippo-chart", HippoChart);
