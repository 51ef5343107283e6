/** The sums of one image add up, and the formulas of a and δ give what stands behind them. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  activationLines, backSum, deltaLine, dropoutWord, dropoutWords, slopeWords, targetWords, weightedSum,
} from "../../static/js/logic/explained-image.js";
import { assertFits, calculated } from "./calculated.js";

const SAID = { layer: 2, layers: 3, total: 10, dropout: 0, label_smoothing: 0, activation: "sigmoid", bias: { value: -0.0278570123 } };
const EXAMPLE = {
  z: 0.5, a: 0.6224593, delta: 0, target: null, slope: 0.2350037, dropout_factor: null, logits: null, passed_back: null, rest: { terms: 0, sum: 0 },
  top: [{ input: 4, weight: 1.234567, x: -0.5, product: -0.6172831 }],
};
const ACTIVATIONS = {
  sigmoid: [(z) => 1 / (1 + Math.exp(-z)), (z) => Math.exp(-z) / (1 + Math.exp(-z)) ** 2],
  tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  relu: [(z) => Math.max(0, z), (z) => Number(z > 0)],
  leaky_relu: [(z) => Math.max(z, 0.01 * z), (z) => (z > 0 ? 1 : 0.01)],
};
const BACK = {
  sum: -0.01234567, rest: { terms: 1, sum: 0.0001 },
  top: [{ neuron: 7, weight: 0.5, delta: -0.02, product: -0.01 }, { neuron: 0, weight: -0.3, delta: 0.0081522, product: -0.00244567 }],
};

/** A calculator finds what stands there. @param {string} line */
function assertFormula(line) {
  assert.doesNotMatch(line, /NaN|undefined|null/);
  if (!line.startsWith("dropped")) assertFits(line.replace(/^kept: x = | goes on$/g, ""));
}

test("the terms of a weighted sum are named, and add up to z", () => {
  const z = -0.6172831 + 0.25 - 0.0278570123;
  const sum = weightedSum(SAID, { ...EXAMPLE, z, rest: { terms: 1025, sum: 0.25 } });
  assert.deepEqual(sum.map(({ name }) => name), ["neuron 4 of hidden layer 1", "1,025 more inputs", "the bias b"]);
  assert.deepEqual(sum[0], { name: "neuron 4 of hidden layer 1", factors: ["1.23457", "\u22120.5"], term: "\u22120.617283" });
  assert.ok(Math.abs(sum.reduce((all, { term }) => all + calculated(term), 0) - z) < 1e-6);
  assert.deepEqual(weightedSum({ ...SAID, layer: 1 }, EXAMPLE).map(({ name }) => name), ["row 1, column 5", "the bias b"]);
  assert.equal(weightedSum(SAID, { ...EXAMPLE, rest: { terms: 1, sum: 0 } })[1].name, "1 more input");
  assert.deepEqual(weightedSum(SAID, { ...EXAMPLE, top: [] })[0], { name: "every input", factors: ["", "0"], term: "0" });
});

test("what comes back is named after the layer that it comes from", () => {
  assert.deepEqual(backSum(SAID, { passed_back: BACK }).map(({ name }) => name), ["output for 7", "output for 0", "1 more neuron"]);
  assert.deepEqual(backSum({ ...SAID, layer: 1 }, { passed_back: BACK })[0], { name: "neuron 7", factors: ["0.5", "\u22120.02"], term: "\u22120.01" });
  assert.deepEqual(backSum(SAID, EXAMPLE), []);
  assert.deepEqual(backSum(SAID, { passed_back: { sum: 0, top: [], rest: { terms: 0, sum: 0 } } }), [{ name: "every neuron", factors: ["", "0"], term: "0" }]);
});

test("a calculator finds a and \u03b4 of a hidden neuron, with dropout and without", () => {
  for (const [activation, [f, slope]] of Object.entries(ACTIVATIONS)) {
    for (const z of [0.512345678, -0.512345678, -6.25, 6.25]) {
      for (const d of [null, 0, 2, 1.428578]) {
        const delta = Math.fround((d ?? 1) * slope(z) * BACK.sum);
        const example = { ...EXAMPLE, z, a: f(z), slope: slope(z), delta, dropout_factor: d, passed_back: BACK };
        const said = { ...SAID, activation };
        const line = deltaLine(said, example);
        assertFormula(line);
        assert.doesNotMatch(line, /float32/);
        assert.equal(line.startsWith("\u03b4 = d\u00b7"), d !== null, line);
        for (const text of activationLines(said, example)) assertFormula(text);
        assert.equal(activationLines(said, example).length, d === null ? 1 : 2);
      }
    }
  }
});

test("a calculator finds \u03b4 of an output, also near 0 and 1, and with smoothed labels", () => {
  for (const z of [0.5, -0.5, -9.87654, 9.87654, 15]) {
    for (const y of [0, 1, Math.fround(0.91), Math.fround(0.01)]) {
      const a = 1 / (1 + Math.exp(-z));
      const gap = 1 / (1 + Math.exp(z));
      const slope = a * gap;
      const quadratic = deltaLine(SAID, { ...EXAMPLE, z, a, slope, target: y, delta: ((a - y) * slope) / 10 });
      assert.match(quadratic, /^\u03b4 = \(a \u2212 y\)\u00b7a\u00b7\(1 \u2212 a\) \/ m = /);
      assertFormula(quadratic);
      const softmax = deltaLine({ ...SAID, activation: "softmax" }, { ...EXAMPLE, z, a, slope: null, target: y, delta: (a - y) / 10 });
      assert.match(softmax, /^\u03b4 = \(a \u2212 y\) \/ m = /);
      assertFormula(softmax);
    }
  }
});

test("where float32 has too few digits, both are told", () => {
  const line = deltaLine(SAID, { ...EXAMPLE, z: -26, a: 5.1e-12, slope: 5.1e-12, target: 0, delta: 0 });
  assert.match(line, / = 2\.60\u00b710\u207b\u00b2\u2074; the run, which computes in float32, has 0$/);
  assertFits(line);
});

test("numbers that are not finite are dashes", () => {
  for (const activation of [...Object.keys(ACTIVATIONS), "softmax"]) {
    const hole = { ...EXAMPLE, z: null, a: null, delta: null, slope: null, target: 1, logits: [null, null], top: [{ input: 0, weight: null, x: null, product: null }], rest: { terms: 1, sum: null } };
    const back = { ...hole, target: null, dropout_factor: 2, passed_back: { sum: null, rest: { terms: 2, sum: null }, top: [{ neuron: 0, weight: null, delta: null, product: null }] } };
    for (const example of [hole, back]) {
      const texts = [deltaLine({ ...SAID, activation }, example), ...activationLines({ ...SAID, activation }, example), ...[...weightedSum(SAID, example), ...backSum(SAID, example)].flatMap(({ factors, term }) => [...factors, term])];
      for (const text of texts) assert.doesNotMatch(text, /NaN|undefined|null/);
    }
  }
});

test("dropout, slopes and labels are put into words", () => {
  assert.equal(dropoutWord({ dropout_factor: 2 }), "kept \u00d72");
  assert.equal(dropoutWord({ dropout_factor: 1.4285780 }), "kept \u00d71.42858");
  assert.equal(dropoutWord({ dropout_factor: 0 }), "dropped");
  assert.equal(dropoutWords({ ...SAID, examples: [EXAMPLE] }), "");
  assert.match(dropoutWords({ ...SAID, dropout: 0.3, examples: [{ ...EXAMPLE, dropout_factor: 0 }] }), /^Dropout, p = 0\.3, /);
  assert.match(slopeWords({ activation: "relu" }), /is 1 where z is above 0, and else 0\./);
  assert.match(slopeWords({ activation: "leaky_relu" }), /else 0\.01\./);
  assert.equal(slopeWords({ activation: "tanh" }), "");
  assert.match(targetWords(SAID), /y is 1 for images of this digit, and else 0/);
  assert.match(targetWords({ ...SAID, label_smoothing: 0.1 }), /y is 0\.91 for .* and else 0\.01: the labels are smoothed by 0\.1/);
});
