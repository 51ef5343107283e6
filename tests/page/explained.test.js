/** The formulas of a step are written with their numbers, and never say NaN or undefined. */

import assert from "node:assert/strict";
import test from "node:test";

import { bias, changeTerms, choices, gradientTerms, rule, sumTerms } from "../../static/js/logic/explained.js";

const SAID = {
  optimizer: "sgd", learning_rate: 3, momentum: 0, nesterov: false, weight_decay: 0, total: 2,
  examples: [{ delta: 0.5 }, { delta: -0.25 }],
  bias: { value: 1, gradient: 0.25, change: -0.75, after: 0.25, memory: {} },
};
const WEIGHT = { weight: 2, gradient: 0.25, change: -0.75, after: 1.25, x: [1, 1], memory: {} };

test("layers are named, the outputs last", () => {
  assert.deepEqual(choices([784, 30, 10]), [[1, "Hidden 1"], [2, "Outputs"]]);
  assert.deepEqual(choices([784, 10]), [[1, "Outputs"]]);
});

test("plain gradient descent is written out", () => {
  assert.equal(rule(SAID), "Gradient descent: every weight changes by \u2212\u03b7 \u2202C/\u2202w, \u03b7 = 3.");
  assert.equal(gradientTerms(SAID, WEIGHT), "\u2202C/\u2202w = \u03a3 x \u03b4 = 1\u00b70.5 + 1\u00b7(\u22120.25) = 0.25");
  assert.equal(changeTerms(SAID, WEIGHT), "\u0394w = \u2212\u03b7 \u2202C = \u22123\u00b70.25 = \u22120.75, so w: 2 \u2192 1.25");
  assert.match(bias(SAID), /^\u2202C\/\u2202b = \u03a3 \u03b4 = 0.25; .*b: 1 \u2192 0.25$/);
});

test("momentum remembers", () => {
  const said = { ...SAID, momentum: 0.9 };
  assert.match(rule(said), /\u03bc = 0.9/);
  assert.match(changeTerms(said, { ...WEIGHT, memory: { v: -1 } }), /\u22123\u00b7\(0.9\u00b7\(\u22121\) \+ 0.25\)/);
});

test("what other optimizers do is a number", () => {
  for (const more of [{ optimizer: "adam" }, { optimizer: "adamw" }, { nesterov: true, momentum: 0.9 }, { weight_decay: 0.1 }]) {
    const said = { ...SAID, ...more };
    assert.match(changeTerms(said, WEIGHT), /^\u0394w = \u22120.75, so/);
    assert.doesNotMatch(rule(said), /undefined|NaN/);
  }
});

test("a sum says that there is more of it", () => {
  assert.match(gradientTerms({ ...SAID, total: 50 }, WEIGHT), / \+ \u2026 = 0.25$/);
  assert.equal(sumTerms([{ x: 1, weight: -2 }, { x: 0.5, weight: 1 }]), "(\u22122)\u00b71 + 1\u00b70.5");
  assert.equal(gradientTerms(SAID, { ...WEIGHT, x: [0, 0], gradient: 0 }), "\u2202C/\u2202w = \u03a3 x \u03b4 = 0 = 0");
});
