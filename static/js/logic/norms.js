/**
 * The gradient norms of the layers as lines over the steps: their columns, how each line is told from the others, and a
 * logarithmic axis that numbers of any size fit. What is 0, or not known, has no place on such an axis and is left out.
 */

import { MARKERS } from "./lines.js";
import { number } from "./neurons.js";

/** Norms of numbers in float32 are within these, and uPlot finds places for them on an axis. */
const [LEAST, MOST] = [1e-30, 1e30];
/** An axis is at least so many times as high at its top as at its foot, or a trembling line would look like a leap. */
const LEAST_SPAN = 10;
/** Some air above and below. */
const AIR = 1.2;
/** On an axis of more powers of ten only some are named. */
const MOST_TICKS = 6;
/** Dashes that the legend can draw, too. */
const DASHES = [[], [7, 4], [2, 3]];
/** Markers on a line. */
const MARKED = 8;

/** @typedef {{step: number, values: (number|null)[]}} Norms of every layer at a step */
/** @typedef {{label: string, color: string, marker: string, dash: number[]}} Line */

/** The columns of the plot: the steps, and of each layer its norms. @param {Norms[]} norms @returns {(number|null)[][]} */
export function normColumns(norms) {
  const layers = norms[0]?.values.length ?? 0;
  const shown = (value) => (value >= LEAST && value <= MOST ? value : null);
  return [norms.map(({ step }) => step), ...Array.from({ length: layers }, (_, l) => norms.map(({ values }) => shown(values[l])))];
}

/** One line for each layer: no two have the same colour, marker and dashes. @param {number} layers the outputs among them @returns {Line[]} */
export function normLines(layers) {
  return Array.from({ length: layers }, (_, l) => {
    const [marker, character] = MARKERS[l % MARKERS.length];
    return { label: `${character} ${lineName(l, layers)}`, color: `--run-${(l % MARKERS.length) + 1}`, marker, dash: DASHES[l % DASHES.length] };
  });
}

/** @param {number} l from 0 @param {number} layers */
function lineName(l, layers) {
  return l === layers - 1 ? "Outputs" : `Layer ${l + 1}`;
}

/** Where a line has markers: of each so many points one, not where the others have theirs, and where a point is no line. @param {(number|null)[]} column @param {number} l @param {number} layers @returns {number[]} */
export function markedPlaces(column, l, layers) {
  const every = Math.max(1, Math.ceil(column.length / MARKED));
  const from = Math.floor((l * every) / layers);
  const alone = (i) => (column[i - 1] ?? null) === null && (column[i + 1] ?? null) === null;
  return column.flatMap((value, i) => (value !== null && (i % every === from % every || alone(i)) ? [i] : []));
}

/** The ends of the axis. @param {number|null} low the smallest number above 0 @param {number|null} high @returns {[number, number]} */
export function logRange(low, high) {
  if (!(low > 0) || !Number.isFinite(high)) return [0.1, 1];
  const [foot, top] = [low / AIR, high * AIR];
  const missing = Math.sqrt(Math.max(1, LEAST_SPAN / (top / foot)));
  return [foot / missing, top * missing];
}

/** The numbers on the axis: powers of ten, few of many, and on a short axis twice and five times those, too. @param {number} low @param {number} high */
export function logTicks(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const powers = Math.log10(high / low);
  const step = Math.max(1, Math.ceil(powers / MOST_TICKS));
  const times = powers <= 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = first; power <= last; power += 1) {
    // As written, since powers are not exact: 10 ** -5 is not 1e-5.
    if (power % step === 0) for (const n of times) found.push(Number(`${n}e${power}`));
  }
  return found.filter((tick) => tick >= low && tick <= high);
}

/** The plot in words: the latest norms. @param {Norms[]} norms */
export function normWords(norms) {
  const latest = norms.at(-1);
  if (!latest) return "Gradient norm of every layer over the steps watched";
  const said = latest.values.map((value, l) => `${lineName(l, latest.values.length)} ${number(value)}`);
  return `Gradient norm of every layer over the steps watched, on a logarithmic axis. After mini-batch ${latest.step}: ${said.join(", ")}`;
}
