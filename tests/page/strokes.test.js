/** What lies on the drawing pad: strokes come and go, the picture under them goes last, and no point leaves the paper. */

import assert from "node:assert/strict";
import test from "node:test";

import { began, emptySheet, isEmpty, moved, placed, smooth, undone } from "../../static/js/logic/strokes.js";

const picture = { image: null, width: 40, height: 20, pixelated: false, words: "a picture" };

test("strokes are undone one by one, then the picture", () => {
  let sheet = { picture, strokes: [] };
  sheet = moved(began(sheet, [0.1, 0.1]), [[0.2, 0.2], [0.3, 0.2]]);
  sheet = began(sheet, [0.5, 0.5]);
  assert.deepEqual(sheet.strokes, [[[0.1, 0.1], [0.2, 0.2], [0.3, 0.2]], [[0.5, 0.5]]]);
  sheet = undone(sheet);
  assert.equal(sheet.strokes.length, 1);
  sheet = undone(sheet);
  assert.equal(sheet.picture, picture);
  assert.equal(isEmpty(sheet), false);
  sheet = undone(sheet);
  assert.equal(isEmpty(sheet), true);
  assert.deepEqual(undone(sheet), emptySheet());
});

test("a sheet is never changed, only replaced", () => {
  const first = began(emptySheet(), [0.1, 0.1]);
  const second = moved(first, [[0.9, 0.9]]);
  assert.deepEqual(first.strokes, [[[0.1, 0.1]]]);
  assert.deepEqual(second.strokes, [[[0.1, 0.1], [0.9, 0.9]]]);
});

test("a hand at rest adds nothing, and a pen that moves before it comes down neither", () => {
  const sheet = began(emptySheet(), [0.5, 0.5]);
  assert.equal(moved(sheet, [[0.5001, 0.5], [0.5, 0.5002]]), sheet);
  const empty = emptySheet();
  assert.equal(moved(empty, [[0.5, 0.5]]), empty);
});

test("what goes beyond the paper stays at its edge", () => {
  assert.deepEqual(moved(began(emptySheet(), [-1, 0.5]), [[0.5, 7]]).strokes, [[[0, 0.5], [0.5, 1]]]);
});

test("a smooth line begins at the first point, ends at the last, and bends at those between", () => {
  assert.deepEqual(smooth([[0, 0]]), { from: [0, 0], curves: [], to: [0, 0] });
  assert.deepEqual(smooth([[0, 0], [1, 1]]), { from: [0, 0], curves: [], to: [1, 1] });
  assert.deepEqual(smooth([[0, 0], [1, 0], [1, 1]]), { from: [0, 0], curves: [[1, 0, 1, 0.5]], to: [1, 1] });
});

test("a picture lies whole in the middle, whatever its shape", () => {
  assert.deepEqual(placed(picture), { x: 0, y: 0.25, width: 1, height: 0.5 });
  assert.deepEqual(placed({ width: 20, height: 40 }), { x: 0.25, y: 0, width: 0.5, height: 1 });
  assert.deepEqual(placed({ width: 28, height: 28 }), { x: 0, y: 0, width: 1, height: 1 });
});
