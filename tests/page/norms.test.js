/** Gradient norms as lines on a logarithmic axis. */

import assert from "node:assert/strict";
import test from "node:test";

import { logRange, logTicks, markedPlaces, normColumns, normLines, normWords } from "../../static/js/logic/norms.js";

test("each layer is a column; what has no place on a logarithmic axis is left out", () => {
  const norms = [{ step: 1, values: [0, 0.5] }, { step: 3, values: [null, 2] }, { step: 4, values: [1e-8, Infinity] }];
  assert.deepEqual(normColumns(norms), [[1, 3, 4], [null, null, 1e-8], [0.5, 2, null]]);
  assert.deepEqual(normColumns([]), [[]]);
});

test("no two layers of the deepest network look alike, and the last are the outputs", () => {
  const lines = normLines(19);
  const looks = new Set(lines.map(({ color, marker, dash }) => `${color} ${marker} ${dash}`));
  assert.equal(looks.size, 19);
  for (const other of lines.slice(0, 8)) assert.equal(lines.slice(0, 8).filter(({ color, marker }) => color === other.color || marker === other.marker).length, 1);
  assert.match(lines[0].label, /^\S Layer 1$/);
  assert.match(lines[18].label, /^\S Outputs$/);
  assert.deepEqual([lines[0].dash, lines[1].dash.length, lines[2].dash.length], [[], 2, 2]);
});

test("the axis fits numbers of any size, with a few ticks that are within it", () => {
  const sizes = [[1e-4, 0.9], [0.2, 0.2], [0.19, 0.21], [1e-22, 1e19], [3e-23, 3e-23], [1e19, 1.8e19], [1e-30, 1e30], [0.4, 1.1]];
  for (const [least, most] of sizes) {
    const [low, high] = logRange(least, most);
    assert.ok(low > 0 && low < least && high > most && Number.isFinite(high) && high / low >= 9.99, `${least} ${most}: ${low} ${high}`);
    const ticks = logTicks(low, high);
    assert.ok(ticks.length >= 2 && ticks.length <= 8, `${low} ${high}: ${ticks}`);
    assert.ok(ticks.every((tick) => tick >= low && tick <= high));
  }
  assert.deepEqual(logTicks(3e-5, 2), [1e-4, 1e-3, 0.01, 0.1, 1]);
  assert.deepEqual(logTicks(0.04, 0.7), [0.05, 0.1, 0.2, 0.5]);
  assert.deepEqual(logTicks(1e-6, 1e6).filter((tick) => tick === 1), [1]);
  for (const nothing of [[null, null], [undefined, undefined], [Infinity, -Infinity], [0, 0]]) assert.deepEqual(logRange(...nothing), [0.1, 1]);
});

test("every line has markers of its own, and a point between gaps is seen", () => {
  const column = Array.from({ length: 400 }, (_, i) => i + 1);
  const [one, other] = [markedPlaces(column, 0, 3), markedPlaces(column, 1, 3)];
  assert.deepEqual([one.length, other.length, one.filter((place) => other.includes(place))], [8, 8, []]);
  assert.deepEqual(markedPlaces([5], 2, 3), [0]);
  assert.ok(markedPlaces([...column.fill(null, 100, 200), null, 7, null], 0, 3).includes(401));
  assert.deepEqual(markedPlaces([null, null], 0, 3), []);
});

test("the latest norms are told in words", () => {
  assert.equal(normWords([]), "Gradient norm of every layer over the steps watched");
  const words = normWords([{ step: 9, values: [1, 2, 3] }, { step: 12, values: [1e-5, null, 0] }]);
  assert.match(words, /^Gradient norm of every layer .*After mini-batch 12: Layer 1 1\.00\u00b710\u207b\u2075, Layer 2 \u2013, Outputs 0$/);
});
