/**
 * <hippo-lines>: the curves of several runs in one plot, each run with a colour and a marker of its own, each set of images
 * with its dashes. It is given columns and lines and draws them; the legend shows the values under the pointer, else the last
 * of each run, with its epoch where the runs end at different ones. The numbers stand in a table, too.
 */

import { colorOf } from "../colors.js";
import { lastEpochs } from "../logic/lines.js";
import { drawMarker } from "./markers.js";
import { PlotElement, sameEnds } from "./plot-element.js";

const HEIGHT = 300;

class HippoLines extends PlotElement {
  /** @type {{data: (number|null)[][], lines: import("../logic/lines.js").Line[]}} */ #plotted = { data: [[]], lines: [] };
  #looks = "";

  /** @type {(value: number) => string} */ words = String;

  /** @param {{data: (number|null)[][], lines: import("../logic/lines.js").Line[]}} plotted */
  set plotted(plotted) {
    const looks = JSON.stringify(plotted.lines);
    const same = sameEnds(plotted.data, this.#plotted.data);
    this.#plotted = plotted;
    if (looks !== this.#looks) {
      this.#looks = looks;
      if (this.plot) this.rebuild();
    } else if (!same) {
      this.refresh();
    }
  }

  get columns() {
    return this.#plotted.data;
  }

  get lastEpoch() {
    return this.#plotted.data[0].length;
  }

  /** Runs end at different epochs: the last value of each. */
  get latest() {
    return { idxs: this.#plotted.data.map((column) => column.findLastIndex((value) => value !== null)) };
  }

  /** What was reached, with some air; losses and accuracies are compared by their differences. @param {number} low @param {number} high @returns {[number, number]} */
  range(low, high) {
    const air = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
    return [Math.max(0, low - air), high + air];
  }

  look() {
    // Without a pointer each run is at an end of its own.
    const ends = (u) => (u.cursor.idx == null ? lastEpochs(this.#plotted.data) : []);
    const apart = (u) => new Set(ends(u)).size > 1;
    const written = (u, value, i) => (value == null ? "\u2013" : `${this.words(value)}${apart(u) ? ` (epoch ${ends(u)[i - 1]})` : ""}`);
    return {
      height: HEIGHT,
      padding: [10, 12, 0, 0],
      epochWords: (u, value) => (apart(u) ? "last of each run" : String(ends(u)[0] ?? value ?? "\u2013")),
      series: this.#plotted.lines.map(({ label, color, dash }) => ({
        label, dash, width: 2, stroke: colorOf(this, color), value: written, points: { show: false },
      })),
      hooks: { draw: [(u) => this.#drawMarkers(u)] },
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
        drawMarker(pen, marker, u.valToPos(epoch + 1, "x", true), u.valToPos(value, "y", true));
      });
    });
    pen.restore();
  }
}

customElements.define("hippo-lines", HippoLines);
