/**
 * Ten numbers as ten bars, and a distribution as a sentence. A number that is none draws no bar.
 */

import { NO_VALUE, isNumber, percent } from "./format.js";

/** From which probability on a digit is named without doubt, and from which with some. */
const SURE = 0.9;
const LIKELY = 0.5;

/**
 * @typedef {object} Bar
 * @property {number} digit 0 to 9
 * @property {number} share the length of the bar, 0 to 1
 * @property {string} text the number beside it
 * @property {string} meaning a word for what is special about it, else empty
 * @property {boolean} top whether it is the prediction
 */

/**
 * @param {number[]} values one for each digit
 * @param {{predicted: number, label?: number, unit?: "percent"|"output"}} what outputs may exceed 1; the bars then shrink
 * @returns {Bar[]}
 */
export function bars(values, { predicted, label, unit = "percent" }) {
  const longest = Math.max(1, ...values.filter(isNumber));
  return values.map((value, digit) => ({
    digit,
    share: isNumber(value) ? Math.max(0, Math.min(1, value / longest)) : 0,
    text: unit === "percent" ? percent(value) : outputText(value),
    meaning: digit === predicted ? (digit === label ? "correct" : "predicted") : digit === label ? "label" : "",
    top: digit === predicted,
  }));
}

/** Whether the ten outputs are probabilities: a softmax makes them, and sigmoids, which go with quadratic cost, do not. @param {{loss?: string}} network */
export function sumsToOne(network) {
  return network.loss !== "quadratic";
}

/** One output as it is: "0.114". @param {unknown} output */
export function outputText(output) {
  return isNumber(output) ? output.toFixed(3) : NO_VALUE;
}

/** Ten bars before there is anything to show. @returns {Bar[]} */
export function noBars() {
  return Array.from({ length: 10 }, (_, digit) => ({ digit, share: 0, text: NO_VALUE, meaning: "", top: false }));
}

/** "Looks like a 7", "Perhaps a 7", "Hard to tell, at best a 7". @param {number} digit @param {number} confidence its probability, or its output where that is none, 0 to 1 */
export function verdict(digit, confidence) {
  const named = `${digit === 8 ? "an" : "a"} ${digit}`;
  if (confidence >= SURE) return `Looks like ${named}`;
  return confidence >= LIKELY ? `Perhaps ${named}` : `Hard to tell, at best ${named}`;
}

/**
 * What the nearest training digits say, in one sentence.
 * @param {{label: number}[]} neighbours @param {number} predicted
 */
export function agreement(neighbours, predicted) {
  const same = neighbours.filter(({ label }) => label === predicted).length;
  const all = neighbours.length;
  if (same === all) return `All ${all} are labelled ${predicted}, too.`;
  return same ? `${same} of ${all} ${same === 1 ? "is" : "are"} labelled ${predicted}, too.` : `None of them is labelled ${predicted}.`;
}
