/**
 * The curves of several runs in one plot: one column for each run and set of images, and how each line is told from the
 * others: a run by its letter, colour and marker, the images by the dashes.
 */

import { isNumber } from "./format.js";

/** More runs than this are not drawn: nobody could tell their lines apart. */
export const MOST_RUNS = 8;
/** Markers by run: a shape to draw, and a character for the legend. */
export const MARKERS = [["circle", "\u25cf"], ["square", "\u25a0"], ["triangle", "\u25b2"], ["diamond", "\u25c6"], ["cross", "\u2716"], ["flag", "\u25bc"], ["plus", "\u271a"], ["ring", "\u25cb"]];
const DASHES = { test: [], validation: [9, 5], training: [2, 4] };
const FIELDS = {
  loss: { test: "testLoss", validation: "validationLoss", training: "loss" },
  accuracy: { test: "accuracy", validation: "validation", training: "training" },
};
const WORDS = { test: "test", validation: "validation", training: "training" };

/** The letter that stands for the nth run, from 0: A to Z, then AA. @param {number} n @returns {string} */
export function letter(n) {
  return (n >= 26 ? letter(Math.floor(n / 26) - 1) : "") + String.fromCharCode(65 + (n % 26));
}

/**
 * @typedef {{label: string, color: string, marker: string, dash: number[], every: number, from: number}} Line `every`: a marker on
 *   each so many epochs, the first `from` epochs after the first one
 *
 * @param {{name: string, epochs: import("./history.js").Epoch[]}[]} runs @param {string[]} sets @param {"loss"|"accuracy"} kind accuracies in percent
 * @returns {{data: (number|null)[][], lines: Line[]}} the first column: epochs; none where there is nothing to draw
 */
export function linesOf(runs, sets, kind) {
  const longest = Math.max(0, ...runs.map(({ epochs }) => epochs.at(-1)?.epoch ?? 0));
  const data = [Array.from({ length: longest }, (_, i) => i + 1)];
  const lines = [];
  runs.slice(0, MOST_RUNS).forEach(({ name, epochs }, run) => {
    for (const set of sets) {
      const field = FIELDS[kind][set];
      if (!field || !epochs.some((epoch) => isNumber(epoch[field]))) continue;
      const column = new Array(longest).fill(null);
      for (const epoch of epochs) column[epoch.epoch - 1] = isNumber(epoch[field]) ? epoch[field] * (kind === "accuracy" ? 100 : 1) : null;
      const every = Math.max(1, Math.ceil(longest / 12));
      data.push(column);
      lines.push({
        label: `${letter(run)} ${MARKERS[run][1]} ${name}, ${WORDS[set]}`,
        color: `--run-${run + 1}`, marker: MARKERS[run][0], dash: DASHES[set], every, from: Math.floor((run * every) / MOST_RUNS),
      });
    }
  });
  return lines.length ? { data, lines } : { data: [[]], lines: [] };
}

/** The last number of a column. @param {(number|null)[]} column */
export function lastOf(column) {
  return column.findLast(isNumber) ?? null;
}

/** The epoch at which each run's curve ends, from 1. @param {(number|null)[][]} data the first column: epochs @returns {number[]} */
export function lastEpochs(data) {
  return data.slice(1).map((column) => column.findLastIndex((value) => value !== null) + 1);
}
