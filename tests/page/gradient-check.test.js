/** A gradient check is explained: what is compared, what is good, and why it is never quite 0. */

import assert from "node:assert/strict";
import test from "node:test";

import { HOW, readingWords } from "../../static/js/logic/gradient-check.js";

test("it says how weights are moved, and how the result is read, with the limit that the server named", () => {
  assert.match(HOW, /moved by h both ways.*\(C\(w \+ h\) \u2212 C\(w \u2212 h\)\) \/ 2h/);
  const [error, good, rest, about] = readingWords({ h: 1e-5, limit: 1e-6, examples: 10, seconds: 0.125 });
  assert.match(error, /\|difference of the two gradients\| \/ \(sum of their sizes\)/);
  assert.match(good, /^Below 1\.00\u00b710\u207b\u2076 is good/);
  assert.match(rest, /not exactly 0.*h\u00b2.*rounded/);
  assert.equal(about, "h = 1.00\u00b710\u207b\u2075, on 10 training digits, in 0.125 s.");
});
