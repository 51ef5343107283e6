/** Weights as colours and bars. */

import assert from "node:assert/strict";
import test from "node:test";

import { barHeights, grid, healthWords, histogramWords, largest, paintWeights, palette } from "../../static/js/logic/weights.js";

const COLORS = palette([255, 0, 0], [100, 100, 100], [0, 0, 255]);

test("the scale ends in its colours and has the paper in its middle", () => {
  const at = (v) => [...COLORS.slice((v + 127) * 3, (v + 127) * 3 + 3)];
  assert.deepEqual([at(-127), at(0), at(127)], [[255, 0, 0], [100, 100, 100], [0, 0, 255]]);
  assert.ok(at(30)[2] > at(10)[2] && at(10)[2] > 100);
});

test("a neuron's weights stand where its pixels are", () => {
  const weights = new Float32Array(784 * 2);
  weights[1 + 2 * 29] = 0.5; // second neuron, row 1, column 1
  weights[1 + 2 * 783] = -0.5;
  const image = { width: 40, data: new Uint8ClampedArray(40 * 40 * 4) };
  paintWeights(image, 5, 3, weights, 1, 2, 0.5, COLORS);
  const at = (x, y) => [...image.data.slice((y * 40 + x) * 4, (y * 40 + x) * 4 + 4)];
  assert.deepEqual(at(6, 4), [0, 0, 255, 255]);
  assert.deepEqual(at(5 + 27, 3 + 27), [255, 0, 0, 255]);
  assert.deepEqual(at(5, 3), [100, 100, 100, 255]);
  assert.deepEqual(at(4, 3), [0, 0, 0, 0]);
});

test("nothing but zeros is paper, and too large is the strongest colour", () => {
  const image = { width: 28, data: new Uint8ClampedArray(28 * 28 * 4) };
  paintWeights(image, 0, 0, new Float32Array(784), 0, 1, 0, COLORS);
  assert.deepEqual([...image.data.slice(0, 3)], [100, 100, 100]);
  paintWeights(image, 0, 0, new Float32Array(784).fill(9), 0, 1, 1, COLORS);
  assert.deepEqual([...image.data.slice(0, 3)], [0, 0, 255]);
});

test("a histogram is told in words: weights by their spread, activations by what is at the ends", () => {
  const counts = [30, 20, 50];
  assert.equal(
    histogramWords("weights", "hidden layer 1", { low: -1, high: 0.5, counts }, { mean: -0.25, std: 0.125 }),
    "Weights of hidden layer 1: from \u22121 to 0.5, mean \u22120.25, standard deviation 0.125",
  );
  assert.equal(
    histogramWords("activations", "the outputs", { low: 0, high: 1, counts }),
    "Activations of the outputs: from 0 to 1, 30.0\u00a0% in the lowest bar, 50.0\u00a0% in the highest",
  );
  const nothing = histogramWords("activations", "the outputs", { low: null, high: null, counts: [0, 0] });
  assert.equal(nothing, "Activations of the outputs: from \u2013 to \u2013, 0.0\u00a0% in the lowest bar, 0.0\u00a0% in the highest");
});

test("sizes, grids, bars and words", () => {
  assert.equal(largest([1, -3, 2]), 3);
  assert.equal(largest([]), 0);
  assert.deepEqual(grid(30, 900, 60), { columns: 15, rows: 2 });
  assert.deepEqual(grid(3, 900, 60), { columns: 3, rows: 1 });
  assert.deepEqual(grid(3, 10, 60), { columns: 1, rows: 3 });
  assert.deepEqual(barHeights([0, 5, 10]), [0, 0.5, 1]);
  assert.deepEqual(barHeights([0, 0]), [0, 0]);
  assert.deepEqual(healthWords({ size: 30, dead: 0, saturated: 0, alike: 0 }), []);
  assert.match(healthWords({ size: 30, dead: 2, saturated: 0, alike: 30 }).join("; "), /^2 of 30 dead.*; all 30 alike/);
});
