/** What a calculator makes of the formulas of the page. */

import assert from "node:assert/strict";

const RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

/** What a calculator makes of a line with numbers. @param {string} text such as "−3·(0.9·(−1) + 0.25)" */
export function calculated(text) {
  const code = text
    .replace(/\u00b710([\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)/g, (_, power) => `e${[...power].map((c) => (c === "\u207b" ? "-" : RAISED.indexOf(c))).join("")}`)
    .replace(/e\^(\([^)]*\)|[\d.]+)/g, "exp($1)")
    .replace(/\u221a(\([^)]*\)|[\d.]+)/g, "sqrt($1)")
    .replace(/([\d.]+|\([^()]*\))\u00b2/g, "square($1)")
    .replace(/ from [\d,]+ more images?/g, "")
    .replace(/tanh (\([^)]*\)|[\d.]+)/g, "tanh($1)")
    .replaceAll("\u2212", "-").replaceAll("\u00b7", "*");
  return new Function("exp", "sqrt", "square", "tanh", "max", `return ${code}`)(Math.exp, Math.sqrt, (x) => x * x, Math.tanh, Math.max);
}

/** Whether both sides of the last equals sign of a line give the same, but for the rounding of three digits. @param {string} line */
export function assertFits(line) {
  const sides = line.split(/, so |; the run/)[0].split(" = ");
  const [left, right] = sides.slice(-2).map(calculated);
  assert.ok(Math.abs(left - right) <= 5.1e-3 * Math.abs(right), `${line}: ${left} is not ${right}`);
}
