/** Curves of several runs: one column each over the same epochs, and no two lines that look alike. */

import assert from "node:assert/strict";
import test from "node:test";

import { MARKERS, MOST_RUNS, lastEpochs, lastOf, letter, linesOf } from "../../static/js/logic/lines.js";

const epoch = (n, more = {}) => ({ epoch: n, accuracy: 0.5, loss: 1 / n, validationLoss: n === 1 ? 3 : null, testLoss: 2 / n, validation: 0.6, training: null, ...more });
const run = (name, ...epochs) => ({ name, epochs });

test("runs of different length share one axis", () => {
  const { data, lines } = linesOf([run("a", epoch(1), epoch(2)), run("b", epoch(1), epoch(3, { testLoss: null }))], ["test"], "loss");
  assert.deepEqual(data, [[1, 2, 3], [2, 1, null], [2, null, null]]);
  assert.deepEqual(lines.map(({ label }) => label), ["A \u25cf a, test", "B \u25a0 b, test"]);
  assert.equal(lastOf(data[2]), 2);
  assert.deepEqual(lastEpochs(data), [2, 1]);
  assert.equal(lastOf([null]), null);
});

test("accuracies are percentages; images of which nothing is known have no line", () => {
  const { data, lines } = linesOf([run("a", epoch(1))], ["test", "validation", "training"], "accuracy");
  assert.deepEqual(data, [[1], [50], [60]]);
  assert.equal(lines.length, 2);
  assert.deepEqual(linesOf([run("a", epoch(1), epoch(2))], ["validation"], "loss").data, [[1, 2], [3, null]]);
  assert.equal(linesOf([run("a", epoch(2))], ["validation"], "loss").lines.length, 0);
  assert.deepEqual(linesOf([run("a")], ["test"], "loss"), { data: [[]], lines: [] });
});

test("no two lines look alike, in colour or without it, and more than can be told apart are not drawn", () => {
  const many = Array.from({ length: 10 }, (_, i) => run(String(i), epoch(1, { training: 0.1 })));
  const { lines } = linesOf(many, ["test", "validation", "training"], "accuracy");
  assert.equal(lines.length, 3 * MOST_RUNS);
  assert.equal(new Set(lines.map(({ marker, dash }) => `${marker} ${dash}`)).size, lines.length);
  assert.equal(new Set(lines.map(({ color, dash }) => `${color} ${dash}`)).size, lines.length);
  assert.equal(MARKERS.length, MOST_RUNS);
});

test("letters go on after Z", () => {
  assert.deepEqual([0, 25, 26, 27, 52].map(letter), ["A", "Z", "AA", "AB", "BA"]);
});
