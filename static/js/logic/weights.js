/** Weights as colours and as bars: a picture of what a neuron of the first layer looks for, and how many are how large. */

import { percent } from "./format.js";
import { number } from "./neurons.js";

export const SIDE = 28;

/** The largest size among numbers. @param {ArrayLike<number>} values */
export function largest(values) {
  let most = 0;
  for (let i = 0; i < values.length; i += 1) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/**
 * A scale of 255 colours from the most negative weight to the most positive, paper in the middle.
 * @param {[number, number, number]} minus @param {[number, number, number]} paper @param {[number, number, number]} plus
 * @returns {Uint8Array} red, green, blue for -127 to 127
 */
export function palette(minus, paper, plus) {
  const colors = new Uint8Array(255 * 3);
  for (let v = -127; v <= 127; v += 1) {
    const end = v < 0 ? minus : plus;
    // The square root lifts small weights out of the paper: most are small.
    const share = Math.sqrt(Math.abs(v) / 127);
    for (let c = 0; c < 3; c += 1) colors[(v + 127) * 3 + c] = Math.round(paper[c] + (end[c] - paper[c]) * share);
  }
  return colors;
}

/**
 * Writes the picture of one neuron's 784 weights into an image.
 * @param {{data: Uint8ClampedArray, width: number}} image @param {number} left @param {number} top
 * @param {ArrayLike<number>} weights @param {number} first where the neuron's first weight is @param {number} step to the next
 * @param {number} most the size that has the strongest colour @param {Uint8Array} colors
 */
export function paintWeights(image, left, top, weights, first, step, most, colors) {
  const factor = most ? 127 / most : 0;
  for (let pixel = 0; pixel < SIDE * SIDE; pixel += 1) {
    const value = Math.max(-127, Math.min(127, Math.round(weights[first + pixel * step] * factor))) + 127;
    const at = ((top + Math.floor(pixel / SIDE)) * image.width + left + (pixel % SIDE)) * 4;
    image.data[at] = colors[value * 3];
    image.data[at + 1] = colors[value * 3 + 1];
    image.data[at + 2] = colors[value * 3 + 2];
    image.data[at + 3] = 255;
  }
}

/** How many pictures stand in a row, and how many rows that makes. @param {number} count @param {number} width CSS pixels @param {number} cell of each, with the gap */
export function grid(count, width, cell) {
  const columns = Math.max(1, Math.min(count, Math.floor(width / cell)));
  return { columns, rows: Math.ceil(count / columns) };
}

/** The heights of a histogram's bars, 0 to 1. @param {number[]} counts */
export function barHeights(counts) {
  const most = Math.max(...counts, 0);
  return counts.map((count) => (most ? count / most : 0));
}

/**
 * What a histogram shows, for who does not see it. Of activations what counts is how many are at the ends.
 * @param {string} what "weights", "biases", "activations" @param {string} layer @param {{low: number|null, high: number|null, counts: number[]}} histogram
 * @param {{mean: number|null, std: number|null}} [spread] of all of them
 */
export function histogramWords(what, layer, { low, high, counts }, spread) {
  const all = counts.reduce((sum, n) => sum + n, 0);
  const part = (n) => percent(all ? n / all : 0);
  const rest = spread
    ? `mean ${number(spread.mean)}, standard deviation ${number(spread.std)}`
    : `${part(counts[0])} in the lowest bar, ${part(counts[counts.length - 1])} in the highest`;
  return `${what[0].toUpperCase()}${what.slice(1)} of ${layer}: from ${number(low)} to ${number(high)}, ${rest}`;
}

/** What is wrong with the neurons of a layer, in words; empty for nothing. @param {Record<string, any>} about */
export function healthWords({ size, dead, saturated, alike }) {
  const words = [];
  const of = (count) => (count === size ? `all ${size}` : `${count} of ${size}`);
  if (dead) words.push(`${of(dead)} dead: they answer 0 to every picture`);
  if (saturated) words.push(`${of(saturated)} saturated: at the flat end of their curve`);
  if (alike) words.push(`${of(alike)} alike: with the same weights as another`);
  return words;
}
