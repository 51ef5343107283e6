/**
 * The formulas of one step, with the numbers of one neuron in them. What goes into a formula has six digits and what
 * comes out of it four, so that a calculator that is given what is shown finds what is shown.
 */

import { count } from "./format.js";
import { number, pixelPlace } from "./neurons.js";

const OPTIMIZERS = { sgd: "gradient descent", adam: "Adam", adamw: "AdamW" };

const ACTIVATIONS = {
  sigmoid: "1 / (1 + e^\u2212z)", tanh: "tanh z", relu: "max(0, z)", leaky_relu: "max(z, 0.01 z)", softmax: "e^z / \u03a3 e^z",
};
/** Those whose value is never quite 0; what float64 cannot hold is 0 there all the same. */
const NEVER_ZERO = ["sigmoid", "softmax"];
/** Those that come near 1 and never are 1. */
const BELOW_ONE = ["sigmoid", "softmax", "tanh"];
/** Of a gradient, the terms that are written out. */
const SHOWN_TERMS = 3;
/** Of what is missing to 1, float64 has too few digits below this. */
const SMALLEST_GAP = 1e-12;

/** The layers that can be chosen, the outputs last. @param {number[]} architecture @returns {[number, string][]} */
export function choices(architecture) {
  return architecture.slice(1).map((_, index) => [index + 1, index + 2 === architecture.length ? "Outputs" : `Hidden ${index + 1}`]);
}

/** Where a weight comes from: a pixel's place, or a neuron of the layer before. @param {Record<string, any>} said @param {number} input */
export function inputName(said, input) {
  return said.layer === 1 ? pixelPlace(input) : `neuron ${input} of hidden layer ${said.layer - 1}`;
}

/** The same where it is said already which layer that is. @param {Record<string, any>} said @param {number} input */
export function shortName(said, input) {
  return said.layer === 1 ? pixelPlace(input) : `neuron ${input}`;
}

/** How the inputs are counted. @param {Record<string, any>} said */
export function countingWords(said) {
  if (said.layer === 1) return "x is a pixel, from 0 for paper to 1 for ink; rows and columns are counted from 1, from the top left.";
  const a = said.dropout ? `what a neuron of the layer before hands on: its a / (1 \u2212 ${tidy(said.dropout)}), or 0 where dropout drops it` : "the a of a neuron of the layer before";
  return `x is ${a}; neurons are counted from 0.`;
}

/** Whether the layer behind are the outputs, which are called by their digits. @param {Record<string, any>} said */
export function outputsAhead(said) {
  return said.layer + 1 === said.layers;
}

/** By which rule the weights change. @param {Record<string, any>} said */
export function rule(said) {
  const eta = `\u03b7 = ${exactly(said.learning_rate)}`;
  const decay = said.weight_decay ? `, weight decay \u03bb = ${exactly(said.weight_decay)}` : "";
  if (said.optimizer !== "sgd") {
    const [beta1, beta2] = said.betas ?? [];
    return `The optimizer is ${OPTIMIZERS[said.optimizer] ?? said.optimizer} with ${eta}, \u03b2\u2081 = ${exactly(beta1)}, \u03b2\u2082 = ${exactly(beta2)}, \u03b5 = ${exactly(said.epsilon)}${decay}.`;
  }
  const g = said.weight_decay ? "(\u2202C/\u2202w + \u03bb w)" : "\u2202C/\u2202w";
  if (!said.momentum) return `Gradient descent: every weight changes by \u2212\u03b7 ${g}, ${eta}${decay}.`;
  return `Gradient descent with ${said.nesterov ? "Nesterov\u2019s " : ""}momentum \u03bc = ${exactly(said.momentum)}: v becomes \u03bc v + ${g}, then w changes by ${said.nesterov ? `\u2212\u03b7 (${g} + \u03bc v)` : "\u2212\u03b7 v"}, ${eta}${decay}.`;
}

/** What was done to all gradients first; empty: nothing. @param {Record<string, any>} said */
export function clipWords(said) {
  if (!isClipped(said)) return "";
  return `Together the gradients of all weights are longer than ${exactly(said.clip_norm)}, so that each is multiplied by ${exactly(said.clip_factor)}.`;
}

/** The activation as a formula. @param {Record<string, any>} said */
export function activationFormula(said) {
  return `a = ${ACTIVATIONS[said.activation] ?? "f(z)"}`;
}

/** Never 0 or 1 where the formula has neither. @param {Record<string, any>} said @param {{a: number|null, z: number|null}} example */
export function activationValue({ activation }, { a, z }) {
  if (a === null || !Number.isFinite(z)) return number(a);
  if (a === 0 && NEVER_ZERO.includes(activation)) return "less than 10\u207b\u00b3\u2070\u2070";
  if (!BELOW_ONE.includes(activation) || Number(number(Math.abs(a))) !== 1) return number(a);
  const gap = 1 - Math.abs(a);
  const rest = gap > SMALLEST_GAP ? number(gap) : "less than 10\u207b\u00b9\u00b2";
  return a < 0 ? `\u22121 + ${rest}` : `1 \u2212 ${rest}`;
}

/** "0: 1.5, 1: −2": the z of all outputs, by digit. @param {(number|null)[]} logits */
export function logitWords(logits) {
  return logits.map((z, digit) => `${digit}: ${exactly(z)}`).join(", ");
}

/** The softmax of one image with its numbers. @param {Record<string, any>} said @param {{a: number|null, z: number|null, logits: (number|null)[]}} example */
export function softmaxTerms(said, example) {
  const power = (z) => `e^${factor(z)}`;
  return `a = e^z / \u03a3 e^z = ${power(example.z)} / (${example.logits.map(power).join(" + ")}) = ${activationValue(said, example)}`;
}

/** What goes into a formula. @param {number|null|undefined} value */
export function exactly(value) {
  return number(value, 6).replace(/\.?0+\u00b7/, "\u00b7");
}

/** A number that is known to fewer digits than it has, without the zeros of rounding. @param {number|null|undefined} value */
export function tidy(value) {
  return value == null ? exactly(value) : exactly(Number(value.toPrecision(6)));
}

/** @param {number|null|undefined} value in brackets where a minus would meet another sign */
export function factor(value) {
  return value < 0 ? `(${exactly(value)})` : exactly(value);
}

/** @param {number} value in brackets where a square or a root would meet a power of ten */
function whole(value) {
  const text = factor(value);
  return text.includes("\u00b7") && !text.startsWith("(") ? `(${text})` : text;
}

/** The gradient of one weight as the sum that it is: its largest terms, and the rest. @param {Record<string, any>} said @param {Record<string, any>} weight */
export function gradientTerms(said, weight) {
  const terms = said.examples
    .map(({ delta }, i) => ({ x: weight.x[i], delta, product: weight.x[i] * delta }))
    .filter(({ x, delta }) => x && delta)
    .sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const unseen = said.total - said.examples.length;
  const sum = (some) => some.reduce((all, { product }) => all + product, 0);
  const shown = terms.slice(0, SHOWN_TERMS);
  const others = terms.length - shown.length + unseen;
  const rest = unseen ? minus(beforeClipping(said, weight.gradient), sum(shown)) : sum(terms.slice(SHOWN_TERMS));
  const words = [
    ...shown.map(({ x, delta }) => `${factor(x)}\u00b7${factor(delta)}`),
    ...(others ? [`${factor(rest)} from ${count(others)} more image${others === 1 ? "" : "s"}`] : []),
  ].join(" + ") || "0";
  const all = isClipped(said) ? `${exactly(said.clip_factor)} \u03a3 x \u03b4 = ${exactly(said.clip_factor)}\u00b7(${words})` : `\u03a3 x \u03b4 = ${words}`;
  return `\u2202C/\u2202w = ${all} = ${number(weight.gradient)}`;
}

/**
 * What stands below the columns δ and x δ of the images: what those that are not shown add, and the sums over all.
 * @param {Record<string, any>} said @param {Record<string, any>|null} weight
 * @returns {{name: string, delta: string, product: string}[]}
 */
export function totals(said, weight) {
  const unseen = said.total - said.examples.length;
  const delta = beforeClipping(said, said.bias.gradient);
  const product = weight && beforeClipping(said, weight.gradient);
  const seen = (x) => said.examples.reduce((sum, example, i) => sum + x(i) * example.delta, 0);
  const rest = { name: `${count(unseen)} more images`, delta: exactly(minus(delta, seen(() => 1))), product: weight ? exactly(minus(product, seen((i) => weight.x[i]))) : "" };
  return [...(unseen ? [rest] : []), { name: `Sum over all ${count(said.total)}`, delta: exactly(delta), product: weight ? exactly(product) : "" }];
}

/** The weight that is chosen; else the one that changes most, if any does. @param {Record<string, any>} said @param {number|null|undefined} input */
export function chosenWeight(said, input) {
  return said.weights.find((weight) => weight.input === input) ?? said.weights[0] ?? null;
}

/** @param {Record<string, any>} said @param {number|null} gradient as the optimizer was given it */
function beforeClipping(said, gradient) {
  return gradient !== null && isClipped(said) && said.clip_factor ? gradient / said.clip_factor : gradient;
}

/** @param {number|null} a @param {number} b */
function minus(a, b) {
  return a === null ? null : a - b;
}

/** How one weight changes, line by line. @param {Record<string, any>} said @param {Record<string, any>} weight */
export function changeTerms(said, weight) {
  return changes(said, "w", { ...weight, value: weight.weight });
}

/** How the bias changes, line by line. @param {Record<string, any>} said */
export function bias(said) {
  const times = isClipped(said) ? `${exactly(said.clip_factor)} ` : "";
  return [`\u2202C/\u2202b = ${times}\u03a3 \u03b4 = ${number(said.bias.gradient)}`, ...changes(said, "b", said.bias)];
}

/** @param {Record<string, any>} said */
function isClipped({ clip_factor: clip }) {
  return Number.isFinite(clip) && clip !== 1;
}

/**
 * The optimizer's formula with the numbers of one parameter, and what becomes of it.
 * @param {Record<string, any>} said @param {"w"|"b"} letter
 * @param {{value: number, gradient: number, memory: Record<string, number>, change: number, after: number}} one
 */
function changes(said, letter, one) {
  const after = `so ${letter}: ${exactly(one.value)} \u2192 ${exactly(one.after)}`;
  const lines = said.optimizer === "sgd" ? descent(said, letter, one) : adam(said, letter, one);
  return [...lines.slice(0, -1), `\u0394${letter} = ${lines[lines.length - 1]} = ${number(one.change)}, ${after}`];
}

/** The gradient that the optimizer goes by: with weight decay in it, if there is any. */
function pull(said, letter, { gradient, value }) {
  if (!said.weight_decay) return { symbols: `\u2202C/\u2202${letter}`, numbers: factor(gradient) };
  return { symbols: `\u2202C/\u2202${letter} + \u03bb ${letter}`, numbers: `${factor(gradient)} + ${exactly(said.weight_decay)}\u00b7${factor(value)}` };
}

/** @returns {string[]} what is worked out first; last the change */
function descent(said, letter, one) {
  const { symbols, numbers } = pull(said, letter, one);
  const [eta, mu] = [exactly(said.learning_rate), exactly(said.momentum)];
  if (!said.momentum) {
    return [said.weight_decay ? `\u2212\u03b7 (${symbols}) = \u2212${eta}\u00b7(${numbers})` : `\u2212\u03b7 ${symbols} = \u2212${eta}\u00b7${numbers}`];
  }
  const old = one.memory?.v ?? 0;
  if (!said.nesterov) return [`\u2212\u03b7 (\u03bc v + ${symbols}) = \u2212${eta}\u00b7(${mu}\u00b7${factor(old)} + ${numbers})`];
  const v = said.momentum * old + one.gradient + said.weight_decay * one.value;
  return [
    `v = \u03bc v + ${symbols} = ${mu}\u00b7${factor(old)} + ${numbers} = ${exactly(v)}`,
    `\u2212\u03b7 (${symbols} + \u03bc v) = \u2212${eta}\u00b7(${numbers} + ${mu}\u00b7${factor(v)})`,
  ];
}

/** @returns {string[]} what is worked out first; last the change */
function adam(said, letter, one) {
  const [[beta1, beta2], t] = [said.betas, said.step + 1];
  const decoupled = said.optimizer === "adamw";
  const decayed = Boolean(said.weight_decay) && !decoupled;
  const g = one.gradient + (decayed ? said.weight_decay * one.value : 0);
  const m = beta1 * (one.memory?.m ?? 0) + (1 - beta1) * g;
  const v = beta2 * (one.memory?.v ?? 0) + (1 - beta2) * g * g;
  const [mhat, vhat] = [m / (1 - beta1 ** t), v / (1 - beta2 ** t)];
  const [eta, epsilon, lambda] = [exactly(said.learning_rate), exactly(said.epsilon), exactly(said.weight_decay)];
  const apart = decoupled && said.weight_decay;
  const { symbols, numbers } = pull(said, letter, one);
  return [
    ...(decayed ? [`g = ${symbols} = ${numbers} = ${exactly(g)}`] : [`g = ${symbols} = ${exactly(g)}`]),
    `m = \u03b2\u2081 m + (1 \u2212 \u03b2\u2081) g = ${exactly(beta1)}\u00b7${factor(one.memory?.m ?? 0)} + ${exactly(1 - beta1)}\u00b7${factor(g)} = ${exactly(m)}`,
    `v = \u03b2\u2082 v + (1 \u2212 \u03b2\u2082) g\u00b2 = ${exactly(beta2)}\u00b7${factor(one.memory?.v ?? 0)} + ${exactly(1 - beta2)}\u00b7${whole(g)}\u00b2 = ${exactly(v)}`,
    `step t = ${t}: m\u0302 = m / (1 \u2212 \u03b2\u2081^t) = ${exactly(mhat)}, v\u0302 = v / (1 \u2212 \u03b2\u2082^t) = ${exactly(vhat)}`,
    `\u2212\u03b7 m\u0302 / (\u221av\u0302 + \u03b5)${apart ? ` \u2212 \u03b7 \u03bb ${letter}` : ""} = \u2212${eta}\u00b7${factor(mhat)} / (\u221a${whole(vhat)} + ${epsilon})${apart ? ` \u2212 ${eta}\u00b7${lambda}\u00b7${factor(one.value)}` : ""}`,
  ];
}
