/** A gradient check is explained: what is compared, what is good, and why it is never quite 0. */

import assert from "node:assert/strict";
import test from "node:test";

import { HOW, readingWords, verdict } from "../../static/js/logic/gradient-check.js";

test("it says how weights are moved, and how the result is read, with the limit that the server named", () => {
  assert.match(HOW, /moved by h both ways.*\(C\(w \+ h\) \u2212 C\(w \u2212 h\)\) \/ 2h/);
  const [error, good, rest, about] = readingWords({ h: 1e-5, limit: 1e-6, examples: 10, seconds: 0.125 });
  assert.match(error, /\|difference of the two gradients\| \/ \(sum of their sizes\)/);
  assert.match(good, /^Below 1\.00\u00b710\u207b\u2076 is good/);
  assert.match(rest, /not exactly 0.*h\u00b2.*rounded/);
  assert.equal(about, "h = 1.00\u00b710\u207b\u2075, on 10 training digits, in 0.125 s.");
});

test("a difference that rounding can make is no error, and of a network that has blown up nothing can be told", () => {
  const layer = (analytic, numerical, rounding) => ({ ok: false, rounding, worst: { analytic, numerical } });
  assert.equal(verdict({ ...layer(1, 1, 1e-11), ok: true }), "agrees");
  assert.equal(verdict(layer(0.5, 0.4, 1e-11)), "WRONG");
  assert.equal(verdict(layer(5e13, 0, 1e40)), "cannot tell");
  for (const lost of [layer(5e13, 0, null), layer(null, 0, 1), layer(1, null, 1)]) assert.equal(verdict(lost), "cannot tell");
  const about = { h: 1e-5, limit: 1e-6, examples: 10, seconds: 0.125 };
  assert.match(readingWords({ ...about, layers: [layer(5e13, 0, 1e40)] })[0], /the quotient says nothing/);
  assert.doesNotMatch(readingWords({ ...about, layers: [layer(0.5, 0.4, 1e-11)] }).join(" "), /says nothing/);
});
