/**
 * What one neuron makes of one image, as sums and formulas that add up: z, a, what dropout does to it, and δ. What goes
 * into a formula has six digits and what comes out of it four.
 */

import { activationValue, exactly, factor, inputName, outputsAhead, softmaxTerms, tidy } from "./explained.js";
import { count } from "./format.js";
import { number } from "./neurons.js";

/** Above this, 1 − a has too few digits where a is written with six. */
const NEAR_ONE = 0.99;
/** δ as it was learned with and δ by its formula in float64 differ by more where float32 has too few digits. */
const ROUNDING = 1e-3;

/**
 * One line of a sum: where a term comes from, its two factors, and the term.
 * @typedef {{name: string, factors: string[], term: string}} Line
 */

/** The weighted sum of an image: its largest terms, the rest, and the bias. @param {Record<string, any>} said @param {Record<string, any>} example @returns {Line[]} */
export function weightedSum(said, example) {
  return [
    ...example.top.map(({ input, weight, x, product }) => ({ name: inputName(said, input), factors: [exactly(weight), exactly(x)], term: exactly(product) })),
    ...restLine(example.rest, "input"),
    ...(example.top.length ? [] : [{ name: "every input", factors: ["", "0"], term: "0" }]),
    { name: "the bias b", factors: ["", ""], term: exactly(said.bias.value) },
  ];
}

/** What comes back to a hidden neuron; empty for an output. @param {Record<string, any>} said @param {Record<string, any>} example @returns {Line[]} */
export function backSum(said, { passed_back: back }) {
  if (!back) return [];
  if (!back.top.length) return [{ name: "every neuron", factors: ["", "0"], term: "0" }];
  return [
    ...back.top.map(({ neuron, weight, delta, product }) => ({ name: neuronAhead(said, neuron), factors: [exactly(weight), exactly(delta)], term: exactly(product) })),
    ...restLine(back.rest, "neuron"),
  ];
}

/** @param {{terms: number, sum: number|null}} rest @param {string} what @returns {Line[]} */
function restLine({ terms, sum }, what) {
  return terms ? [{ name: `${count(terms)} more ${what}${terms === 1 ? "" : "s"}`, factors: ["", ""], term: exactly(sum) }] : [];
}

/** @param {Record<string, any>} said @param {number} neuron of the layer behind */
function neuronAhead(said, neuron) {
  return `${outputsAhead(said) ? "output for" : "neuron"} ${neuron}`;
}

/** "kept ×2" or "dropped". @param {{dropout_factor: number|null}} example */
export function dropoutWord({ dropout_factor: d }) {
  return d ? `kept \u00d7${tidy(d)}` : "dropped";
}

/** What the neuron is, and what it hands on, line by line. @param {Record<string, any>} said @param {Record<string, any>} example */
export function activationLines(said, example) {
  const a = activationValue(said, example);
  const z = exactly(example.z);
  const lines = {
    sigmoid: () => `a = 1 / (1 + e^\u2212z) = 1 / (1 + e^${factor(example.z === null ? null : -example.z)}) = ${a}`,
    tanh: () => `a = tanh z = tanh ${factor(example.z)} = ${a}`,
    relu: () => `a = max(0, z) = max(0, ${z}) = ${a}`,
    leaky_relu: () => `a = max(z, 0.01 z) = max(${z}, 0.01\u00b7${factor(example.z)}) = ${a}`,
    softmax: () => softmaxTerms(said, example),
  };
  const d = example.dropout_factor;
  const handedOn = d == null ? [] : [d ? `kept: x = d\u00b7a = ${tidy(d)}\u00b7${inFormula(example.a)} = ${number(times(d, example.a))} goes on` : "dropped: d = 0, so that x = 0 goes on"];
  return [lines[said.activation]?.() ?? `a = ${a}`, ...handedOn];
}

/** How the δ of an image comes about. @param {Record<string, any>} said @param {Record<string, any>} example */
export function deltaLine(said, example) {
  const { symbols, numbers, value } = example.passed_back ? hiddenDelta(said, example) : outputDelta(said, example);
  return `\u03b4 = ${symbols} = ${numbers} = ${result(value, example.delta)}`;
}

/** @param {Record<string, any>} said @param {Record<string, any>} example */
function outputDelta(said, { a, target: y, slope }) {
  const m = said.total;
  const difference = `(${inSum(a)} \u2212 ${tidy(y)})`;
  if (said.activation === "softmax") return { symbols: "(a \u2212 y) / m", numbers: `${difference} / ${m}`, value: times(minus(a, y), 1 / m) };
  const curve = slopeTerms(said.activation, a, slope);
  return { symbols: `(a \u2212 y)\u00b7${curve.symbols} / m`, numbers: `${difference}\u00b7${curve.numbers} / ${m}`, value: times(minus(a, y), slope, 1 / m) };
}

/** @param {Record<string, any>} said @param {Record<string, any>} example */
function hiddenDelta(said, { a, slope, dropout_factor: d, passed_back: back }) {
  const curve = slopeTerms(said.activation, a, slope);
  const [dropped, kept] = d == null ? ["", ""] : ["d\u00b7", `${tidy(d)}\u00b7`];
  return {
    symbols: `${dropped}${curve.symbols}\u00b7\u03a3 w \u03b4`,
    numbers: `${kept}${curve.numbers}\u00b7${factor(back.sum)}`,
    value: times(d ?? 1, slope, back.sum),
  };
}

/** The derivative of an activation. @param {string} activation @param {number|null} a @param {number|null} slope */
function slopeTerms(activation, a, slope) {
  if (activation === "sigmoid") return { symbols: "a\u00b7(1 \u2212 a)", numbers: `${inFormula(a)}\u00b7(1 \u2212 ${inFormula(a)})` };
  if (activation === "tanh") return { symbols: "(1 \u2212 a\u00b2)", numbers: `(1 \u2212 ${whole(a)}\u00b2)` };
  return { symbols: "f\u2032(z)", numbers: exactly(slope) };
}

/** Why a derivative is what it is; empty where the formula says it. @param {Record<string, any>} said */
export function slopeWords({ activation }) {
  if (activation === "relu") return "f\u2032(z), the slope of the activation, is 1 where z is above 0, and else 0.";
  if (activation === "leaky_relu") return "f\u2032(z), the slope of the activation, is 1 where z is above 0, and else 0.01.";
  return "";
}

/** What y is. @param {Record<string, any>} said */
export function targetWords(said) {
  const smoothing = said.label_smoothing;
  if (!smoothing) return "y is 1 for images of this digit, and else 0; m is the number of images.";
  const wrong = smoothing / 10;
  return `y is ${tidy(1 - smoothing + wrong)} for images of this digit, and else ${tidy(wrong)}: the labels are smoothed by ${tidy(smoothing)}; m is the number of images.`;
}

/** What dropout does to this neuron; empty: nothing. @param {Record<string, any>} said */
export function dropoutWords(said) {
  if (said.examples[0]?.dropout_factor == null) return "";
  return `Dropout, p = ${tidy(said.dropout)}, drops this neuron for each image by chance. d is 0 where it is dropped, and else 1 / (1 \u2212 p): the neuron hands on d\u00b7a, and its \u03b4 has the factor d, too.`;
}

/** @param {number|null} value by the formula @param {number|null} delta that was learned with */
function result(value, delta) {
  if (value === null || delta === null || Math.abs(value - delta) <= ROUNDING * Math.abs(value)) return number(delta);
  return `${number(value)}; the run, which computes in float32, has ${number(delta)}`;
}

/** A product; null where a factor is no number. @param {...(number|null)} values */
function times(...values) {
  return values.some((value) => value == null) ? null : values.reduce((product, value) => product * value, 1);
}

/** @param {number|null} a @param {number|null} b */
function minus(a, b) {
  return a === null || b === null ? null : a - b;
}

/** An activation at the beginning of a bracket, "1 − 0.000012" where it is nearly 1. @param {number|null} a */
function inSum(a) {
  const gap = a === null ? 1 : 1 - Math.abs(a);
  if (gap > 1 - NEAR_ONE || gap === 0) return exactly(a);
  return a < 0 ? `\u22121 + ${exactly(gap)}` : `1 \u2212 ${exactly(gap)}`;
}

/** An activation as a factor. @param {number|null} a */
function inFormula(a) {
  const text = inSum(a);
  return text.includes(" ") || text.startsWith("\u2212") ? `(${text})` : text;
}

/** An activation that is squared. @param {number|null} a */
function whole(a) {
  const text = inFormula(a);
  return text.includes("\u00b7") && !text.startsWith("(") ? `(${text})` : text;
}
