/** The formulas of a step are written with their numbers, and never say NaN or undefined. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  activationFormula, activationValue, bias, changeTerms, choices, chosenWeight, clipWords, countingWords, exactly, gradientTerms, inputName,
  logitWords, rule, shortName, softmaxTerms, totals,
} from "../../static/js/logic/explained.js";
import { assertFits } from "./calculated.js";

const SAID = {
  layer: 2, step: 0, activation: "sigmoid", optimizer: "sgd", learning_rate: 3, momentum: 0, nesterov: false, weight_decay: 0,
  clip_norm: null, clip_factor: 1, betas: null, epsilon: null, total: 2,
  examples: [{ delta: 0.5 }, { delta: -0.25 }],
  bias: { value: 1, gradient: 0.25, change: -0.75, after: 0.25, memory: {} },
};
const WEIGHT = { weight: 2, gradient: 0.25, change: -0.75, after: 1.25, x: [1, 1], memory: {} };
const ADAM = { optimizer: "adam", learning_rate: 0.001, betas: [0.9, 0.999], epsilon: 1e-8 };

test("layers are named, the outputs last", () => {
  assert.deepEqual(choices([784, 30, 10]), [[1, "Hidden 1"], [2, "Outputs"]]);
  assert.deepEqual(choices([784, 10]), [[1, "Outputs"]]);
});

test("inputs are named: pixels by their place, counted from 1, neurons by their number", () => {
  assert.equal(inputName({ layer: 1 }, 28 * 11 + 6), "row 12, column 7");
  assert.equal(inputName({ layer: 1 }, 0), "row 1, column 1");
  assert.equal(inputName({ layer: 1 }, 783), "row 28, column 28");
  assert.equal(inputName({ layer: 2 }, 4), "neuron 4 of hidden layer 1");
  assert.match(countingWords({ layer: 1 }), /counted from 1/);
  assert.match(countingWords({ layer: 3, dropout: 0 }), /^x is the a of a neuron of the layer before; .*counted from 0/);
  assert.match(countingWords({ layer: 3, dropout: 0.5 }), /its a \/ \(1 \u2212 0\.5\), or 0 where dropout drops it/);
  assert.doesNotMatch(countingWords({ layer: 1, dropout: 0.5 }), /dropout/);
  assert.deepEqual([shortName({ layer: 1 }, 0), shortName({ layer: 2 }, 4)], ["row 1, column 1", "neuron 4"]);
});

test("plain gradient descent is written out", () => {
  assert.equal(rule(SAID), "Gradient descent: every weight changes by \u2212\u03b7 \u2202C/\u2202w, \u03b7 = 3.");
  assert.equal(gradientTerms(SAID, WEIGHT), "\u2202C/\u2202w = \u03a3 x \u03b4 = 1\u00b70.5 + 1\u00b7(\u22120.25) = 0.25");
  assert.deepEqual(changeTerms(SAID, WEIGHT), ["\u0394w = \u2212\u03b7 \u2202C/\u2202w = \u22123\u00b70.25 = \u22120.75, so w: 2 \u2192 1.25"]);
  assert.deepEqual(bias(SAID), ["\u2202C/\u2202b = \u03a3 \u03b4 = 0.25", "\u0394b = \u2212\u03b7 \u2202C/\u2202b = \u22123\u00b70.25 = \u22120.75, so b: 1 \u2192 0.25"]);
});

test("a calculator finds the change that is shown, by every rule", () => {
  const [w, g, m, old] = [0.123456789, -1.23456789e-5, 3.3333333e-6, 7.77777e-11];
  const sgd = [[0, false, 0], [0, false, 0.3], [0.9, false, 0], [0.9, false, 0.3], [0.9, true, 0], [0.9, true, 0.3]];
  for (const [momentum, nesterov, weight_decay] of sgd) {
    const said = { ...SAID, learning_rate: 0.0123456789, momentum, nesterov, weight_decay };
    const decayed = g + weight_decay * w;
    const v = momentum * m + decayed;
    const change = -said.learning_rate * (nesterov ? decayed + momentum * v : v);
    for (const line of changeTerms(said, { weight: w, gradient: g, memory: momentum ? { v: m } : {}, change, after: w + change, x: [] })) assertFits(line);
  }
  for (const [optimizer, weight_decay] of [["adam", 0], ["adam", 0.3], ["adamw", 0], ["adamw", 0.3]]) {
    const said = { ...SAID, ...ADAM, optimizer, weight_decay, step: 6 };
    const pull = g + (optimizer === "adam" ? weight_decay * w : 0);
    const mhat = (0.9 * m + (1 - 0.9) * pull) / (1 - 0.9 ** 7);
    const vhat = (0.999 * old + (1 - 0.999) * pull * pull) / (1 - 0.999 ** 7);
    const change = -0.001 * mhat / (Math.sqrt(vhat) + 1e-8) - (optimizer === "adamw" ? 0.001 * weight_decay * w : 0);
    const lines = changeTerms(said, { weight: w, gradient: g, memory: { m, v: old }, change, after: w + change, x: [] });
    assert.equal(lines.length, 5);
    for (const line of [lines[1], lines[2], lines[4]]) assertFits(line);
    for (const line of lines) assert.doesNotMatch(line, /\u2202C(?!\/\u2202w)/);
    assert.match(lines[3], /^step t = 7: m\u0302 = m \/ \(1 \u2212 \u03b2\u2081\^t\) = /);
    assert.ok(lines[3].endsWith(`= ${exactly(vhat)}`));
    assert.match(lines[4], /^\u0394w = .*, so w: 0\.123457 \u2192 /);
  }
});

test("the rule names all that it needs", () => {
  assert.match(rule({ ...SAID, momentum: 0.9 }), /momentum \u03bc = 0\.9: v becomes \u03bc v \+ \u2202C\/\u2202w, then w changes by \u2212\u03b7 v/);
  assert.match(rule({ ...SAID, momentum: 0.9, nesterov: true }), /Nesterov\u2019s momentum.*\u2212\u03b7 \(\u2202C\/\u2202w \+ \u03bc v\)/);
  assert.match(rule({ ...SAID, weight_decay: 0.1 }), /\u2212\u03b7 \(\u2202C\/\u2202w \+ \u03bb w\).*\u03bb = 0\.1/);
  assert.match(rule({ ...SAID, ...ADAM }), /Adam with \u03b7 = 0\.001, \u03b2\u2081 = 0\.9, \u03b2\u2082 = 0\.999, \u03b5 = 1\u00b710\u207b\u2078\.$/);
  assert.match(rule({ ...SAID, ...ADAM, optimizer: "adamw", weight_decay: 0.01 }), /AdamW .*\u03bb = 0\.01\.$/);
});

test("gradients that were shortened say by how much, and fit", () => {
  assert.equal(clipWords(SAID), "");
  const said = { ...SAID, clip_norm: 1, clip_factor: 0.5, bias: { ...SAID.bias, gradient: 0.125, change: -0.375, after: 0.625 } };
  const weight = { ...WEIGHT, gradient: 0.125, change: -0.375, after: 1.625 };
  assert.match(clipWords(said), /longer than 1, .*multiplied by 0\.5/);
  assert.equal(gradientTerms(said, weight), "\u2202C/\u2202w = 0.5 \u03a3 x \u03b4 = 0.5\u00b7(1\u00b70.5 + 1\u00b7(\u22120.25)) = 0.125");
  assertFits(gradientTerms(said, weight));
  assert.equal(bias(said)[0], "\u2202C/\u2202b = 0.5 \u03a3 \u03b4 = 0.125");
});

test("a softmax is written out with the z of all outputs", () => {
  const logits = [1.2345678, -0.5, 0, 2, -3, 0.1, 0.2, 0.3, -0.00001234567, 4];
  const a = Math.exp(1.2345678) / logits.reduce((sum, z) => sum + Math.exp(z), 0);
  const said = { ...SAID, activation: "softmax" };
  const line = softmaxTerms(said, { z: logits[0], a, logits });
  assert.match(line, /^a = e\^z \/ \u03a3 e\^z = e\^1\.23457 \/ \(e\^1\.23457 \+ e\^\(\u22120\.5\) \+ e\^0 \+ /);
  assert.equal(line.match(/ \+ /g).length, 9);
  assertFits(line);
  assert.match(logitWords(logits), /^0: 1\.23457, 1: \u22120\.5, 2: 0, .*, 9: 4$/);
  assert.equal(activationFormula(said), "a = e^z / \u03a3 e^z");
  assert.equal(activationFormula(SAID), "a = 1 / (1 + e^\u2212z)");
});

test("what is not 0 is never shown as 0, and what is not 1 never as 1", () => {
  const shown = (activation, a, z) => activationValue({ activation }, { a, z });
  assert.equal(shown("sigmoid", 1e-9, -20.7), "1.00\u00b710\u207b\u2079");
  assert.equal(shown("sigmoid", 5e-324, -744), "4.94\u00b710\u207b\u00b3\u00b2\u2074");
  assert.equal(shown("sigmoid", 0, -900), "less than 10\u207b\u00b3\u2070\u2070");
  assert.equal(shown("softmax", 0, -900), "less than 10\u207b\u00b3\u2070\u2070");
  assert.equal(shown("relu", 0, -2), "0");
  assert.equal(shown("relu", 1, 1), "1");
  assert.equal(shown("tanh", 0, 0), "0");
  assert.equal(shown("sigmoid", 0.25, -1), "0.25");
  assert.equal(shown("sigmoid", 1 - 6.1e-6, 12), "1 \u2212 6.10\u00b710\u207b\u2076");
  assert.equal(shown("tanh", -1 + 6.1e-6, -6), "\u22121 + 6.10\u00b710\u207b\u2076");
  assert.equal(shown("sigmoid", 1, 40), "1 \u2212 less than 10\u207b\u00b9\u00b2");
  assert.equal(shown("sigmoid", null, null), "\u2013");
  assert.equal(exactly(1e-45), "1\u00b710\u207b\u2074\u2075");
  assert.equal(exactly(-1.234567e-40), "\u22121.2346\u00b710\u207b\u2074\u2070");
});

test("nothing reads NaN or undefined, whatever the optimizer", () => {
  for (const more of [{}, ADAM, { ...ADAM, optimizer: "adamw", weight_decay: 0.1 }, { nesterov: true, momentum: 0.9 }, { weight_decay: 0.1 }]) {
    const said = { ...SAID, ...more };
    const holes = { weight: null, gradient: null, change: null, after: null, x: [null, 1], memory: {} };
    for (const text of [rule(said), ...bias(said), gradientTerms(said, holes), ...changeTerms(said, holes), ...changeTerms(said, WEIGHT)]) {
      assert.doesNotMatch(text, /undefined|NaN|null/);
    }
  }
});

test("a sum says what the terms that are left out add up to", () => {
  const large = { ...SAID, total: 50 };
  assert.equal(gradientTerms(large, { ...WEIGHT, gradient: 0.5 }), "\u2202C/\u2202w = \u03a3 x \u03b4 = 1\u00b70.5 + 1\u00b7(\u22120.25) + 0.25 from 48 more images = 0.5");
  assert.equal(gradientTerms(SAID, { ...WEIGHT, x: [0, 0], gradient: 0 }), "\u2202C/\u2202w = \u03a3 x \u03b4 = 0 = 0");
  const x = [0.1, 0, 0.9, 0.5, 0.25, 0.7], deltas = [0.3, 0.2, -0.123456, 0.0456, 0.01, -0.02];
  const gradient = x.reduce((sum, one, i) => sum + one * deltas[i], 0);
  const six = { ...SAID, total: 6, examples: deltas.map((delta) => ({ delta })) };
  assert.match(gradientTerms(six, { ...WEIGHT, x, gradient }), / = 0\.9\u00b7\(\u22120\.123456\) \+ .* from 2 more images = /);
  for (const more of [{}, { total: 60 }, { clip_norm: 1, clip_factor: 0.5 }, { total: 60, clip_norm: 1, clip_factor: 0.5 }]) {
    const said = { ...six, ...more };
    assertFits(gradientTerms(said, { ...WEIGHT, x, gradient: gradient * (said.clip_factor ?? 1) }));
  }
  assert.match(gradientTerms({ ...six, examples: six.examples.slice(0, 4), total: 4 }, { ...WEIGHT, x, gradient }), /0\.0228|0\.5\u00b70\.0456/);
});

test("below the images stand the sums over all, and what those add that are not shown", () => {
  assert.deepEqual(totals(SAID, WEIGHT), [{ name: "Sum over all 2", delta: "0.25", product: "0.25" }]);
  assert.deepEqual(totals(SAID, null), [{ name: "Sum over all 2", delta: "0.25", product: "" }]);
  const large = { ...SAID, total: 1002, bias: { ...SAID.bias, gradient: 0.5 }, clip_norm: 1, clip_factor: 0.5 };
  assert.deepEqual(totals(large, WEIGHT), [
    { name: "1,000 more images", delta: "0.75", product: "0.25" },
    { name: "Sum over all 1,002", delta: "1", product: "0.5" },
  ]);
  assert.deepEqual(totals({ ...large, bias: { gradient: null } }, null).map(({ delta }) => delta), ["\u2013", "\u2013"]);
});

test("the weight that is chosen is shown, and else the one that changes most", () => {
  const said = { weights: [{ input: 4 }, { input: 9 }] };
  assert.equal(chosenWeight(said, 9).input, 9);
  assert.equal(chosenWeight(said, 5).input, 4);
  assert.equal(chosenWeight(said, null).input, 4);
  assert.equal(chosenWeight({ weights: [] }, 4), null);
});
