/** Badges of marks: each at its place, merged where they would touch, none beyond the edges of the plot. */

import assert from "node:assert/strict";
import test from "node:test";

import { badgesOf, size } from "../../static/js/logic/marks.js";

const texts = (places, width) => badgesOf(places, width).map(({ text }) => text);

test("badges stand at their places, and are merged where they would touch", () => {
  assert.deepEqual(badgesOf([50, 100], 300), [{ first: 1, last: 1, text: "1", at: 50 }, { first: 2, last: 2, text: "2", at: 100 }]);
  assert.deepEqual(texts([50, 65, 80, 90, 200], 300), ["1\u20134", "5"]);
  assert.deepEqual(texts([50, 100, 103, 106, 200], 300), ["1", "2\u20134", "5"]);
  // The merged one is wider, and takes the one before it in.
  assert.deepEqual(texts([50, 72, 74], 300), ["1\u20133"]);
  assert.deepEqual(badgesOf([], 300), []);
});

test("no badge is cut off at an edge, and none touches another, wherever they are", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const width = 120 + seed * 3;
    const places = Array.from({ length: seed % 30 }, (_, i) => Math.abs(Math.sin(seed * 13 + i)) * width).sort((a, b) => a - b);
    const badges = badgesOf(places, width);
    assert.deepEqual(badges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i)), places.map((_, i) => i + 1));
    badges.forEach(({ at, text }, i) => {
      assert.ok(at - size(text) / 2 >= -9 && at + size(text) / 2 <= width + 9, `${text} at ${at} of ${width}`);
      const next = badges[i + 1];
      if (next) assert.ok(at + size(text) / 2 + 2 <= next.at - size(next.text) / 2, `${text} and ${next.text}`);
    });
  }
});
