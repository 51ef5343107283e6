/** Numbers in words: every unit, every rounding at its edge, and a dash for all that is no number. */

import assert from "node:assert/strict";
import test from "node:test";

import * as format from "../../static/js/logic/format.js";

const spaced = (text) => text.replaceAll("\u00a0", " ");
const rows = (table, call) => {
  for (const [given, expected] of table) assert.equal(spaced(call(given)), expected, String(given));
};

test("names are listed, and of many only the first", () => {
  assert.deepEqual([format.listed([], 2), format.listed(["a"], 2), format.listed(["a", "b"], 2)], ["", "a", "a and b"]);
  assert.deepEqual([format.listed(["a", "b", "c"], 2), format.listed(["a", "b", "c", "d"], 5)], ["a, b and 1 more", "a, b, c and d"]);
});

test("what is not a finite number is a dash, in every format", () => {
  for (const name of ["count", "percent", "progress", "duration", "countdown", "speed", "loss", "plain", "typed", "bytes"]) {
    for (const value of [undefined, null, NaN, Infinity, "3"]) assert.equal(format[name](value), format.NO_VALUE, `${name}(${value})`);
  }
  assert.equal(format.ago(null), format.NO_VALUE);
  assert.equal(format.moment(undefined), "");
});

test("percentages are rounded, and 100 % means all", () => {
  rows([[0, "0.0 %"], [0.9623, "96.2 %"], [0.29, "29.0 %"], [0.9598, "96.0 %"], [0.99999, "99.9 %"], [1, "100.0 %"]], (v) => format.percent(v));
  assert.equal(spaced(format.percent(0.95127, 2)), "95.13 %");
});

test("progress stays between 0 and 100", () => {
  rows([[-1, "0 %"], [40.3, "40 %"], [99.9, "99 %"], [100, "100 %"], [120, "100 %"]], format.progress);
});

test("durations have two units at most and never 60 of the smaller one", () => {
  rows([
    [0.42, "0.4 s"], [9.94, "9.9 s"], [9.96, "10 s"], [59.4, "59 s"], [59.6, "1 min"], [125, "2 min 5 s"],
    [3599.6, "1 h"], [7500, "2 h 5 min"], [86399, "1 d"], [90000, "1 d 1 h"], [-1, format.NO_VALUE],
  ], format.duration);
  rows([[0.2, "1 s"], [41.3, "42 s"], [59.2, "60 s"], [60, "1 min"], [61.2, "1 min 2 s"]], format.countdown);
});

test("speed has three significant digits, losses four", () => {
  rows([[92130.4, "92,100 images/s"], [0, format.NO_VALUE]], format.speed);
  rows([[0.041234, "0.04123"], [2.5, "2.500"], [0.5, "0.5000"], [0.512, "0.5120"], [9.99996, "10.00"], [999.96, "1000"], [3244.6, "3245"], [0, "0"], [123456, "1.23·10⁵"], [0.00001, "1.00·10⁻⁵"]], format.loss);
});

test("settings are read with powers of ten as all numbers are, and typed as fields take them", () => {
  rows([[3, "3"], [0.001, "0.001"], [1e30, "1·10³⁰"], [-2.5e-9, "−2.5·10⁻⁹"]], format.plain);
  rows([[3, "3"], [1e30, "1e+30"], [2.5e-9, "2.5e-9"]], format.typed);
});

test("counts and sizes are grouped and have units", () => {
  rows([[23860, "23,860"]], format.count);
  rows([[999, "999 bytes"], [95440, "95 kB"], [1.5e6, "1.5 MB"], [2e8, "200 MB"]], format.bytes);
  assert.equal(spaced(format.plural(1, "network")), "1 network");
  assert.equal(spaced(format.plural(0, "network")), "0 networks");
});

test("how long ago", () => {
  const now = Date.parse("2026-01-02T12:00:00Z");
  rows([
    ["2026-01-02T11:59:30.000Z", "just now"], ["2026-01-02T11:55:00Z", "5 min ago"], ["2026-01-02T09:00:00Z", "3 h ago"],
    ["2025-12-24T12:00:00Z", "24 Dec 2025"], ["2026-01-02T12:00:05Z", "just now"], ["nonsense", format.NO_VALUE],
  ], (iso) => format.ago(iso, now));
});
