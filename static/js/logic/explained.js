/** The formulas of one step, with the numbers of one neuron in them. */

import { number } from "./neurons.js";

const OPTIMIZERS = { sgd: "gradient descent", adam: "Adam", adamw: "AdamW" };

/** The layers that can be chosen, the outputs last. @param {number[]} architecture @returns {[number, string][]} */
export function choices(architecture) {
  return architecture.slice(1).map((_, index) => [index + 1, index + 2 === architecture.length ? "Outputs" : `Hidden ${index + 1}`]);
}

/** By which rule the weights change. @param {Record<string, any>} said */
export function rule(said) {
  const eta = `\u03b7 = ${number(said.learning_rate)}`;
  if (said.optimizer !== "sgd") return `The optimizer is ${OPTIMIZERS[said.optimizer] ?? said.optimizer} with ${eta}.`;
  return said.momentum
    ? `Gradient descent with momentum \u03bc = ${number(said.momentum)}: v becomes \u03bc v + \u2202C/\u2202w, then w changes by \u2212\u03b7 v, ${eta}.`
    : `Gradient descent: every weight changes by \u2212\u03b7 \u2202C/\u2202w, ${eta}.`;
}

/** @param {number} value in brackets where a minus would meet another sign */
function factor(value) {
  return value < 0 ? `(${number(value)})` : number(value);
}

/** The largest products of a weighted sum. @param {{x: number, weight: number}[]} top */
export function sumTerms(top) {
  return top.slice(0, 3).map(({ x, weight }) => `${factor(weight)}\u00b7${factor(x)}`).join(" + ");
}

/** The gradient of one weight as the sum that it is. @param {Record<string, any>} said @param {Record<string, any>} weight */
export function gradientTerms(said, weight) {
  const terms = said.examples
    .map(({ delta }, i) => ({ x: weight.x[i], delta }))
    .filter(({ x, delta }) => x && delta)
    .sort((a, b) => Math.abs(b.x * b.delta) - Math.abs(a.x * a.delta));
  const shown = terms.slice(0, 3).map(({ x, delta }) => `${factor(x)}\u00b7${factor(delta)}`);
  const more = terms.length > 3 || said.total > said.examples.length ? ["\u2026"] : [];
  return `\u2202C/\u2202w = \u03a3 x \u03b4 = ${[...shown, ...more].join(" + ") || "0"} = ${number(weight.gradient)}`;
}

/** How one weight changes. @param {Record<string, any>} said @param {Record<string, any>} weight */
export function changeTerms(said, weight) {
  return `\u0394w = ${change(said, weight.gradient, weight.memory, weight.change)}, so w: ${number(weight.weight)} \u2192 ${number(weight.after)}`;
}

/** How the bias changes. @param {Record<string, any>} said */
export function bias(said) {
  const { gradient, memory, change: by, value, after } = said.bias;
  return `\u2202C/\u2202b = \u03a3 \u03b4 = ${number(gradient)}; \u0394b = ${change(said, gradient, memory, by)}, so b: ${number(value)} \u2192 ${number(after)}`;
}

/** Written out where plain gradient descent makes it. @param {Record<string, any>} said @param {number} gradient @param {Record<string, number>} memory @param {number} by */
function change(said, gradient, memory, by) {
  const plain = said.optimizer === "sgd" && !said.nesterov && !said.weight_decay;
  if (!plain) return number(by);
  if (!said.momentum) return `\u2212\u03b7 \u2202C = \u2212${number(said.learning_rate)}\u00b7${factor(gradient)} = ${number(by)}`;
  return `\u2212\u03b7 (\u03bc v + \u2202C) = \u2212${number(said.learning_rate)}\u00b7(${number(said.momentum)}\u00b7${factor(memory.v ?? 0)} + ${factor(gradient)}) = ${number(by)}`;
}
