/** Bars, the sentence above them, and what the neighbours say. */

import assert from "node:assert/strict";
import test from "node:test";

import { agreement, bars, noBars, outputText, sumsToOne, verdict } from "../../static/js/logic/bars.js";

test("a distribution: shares as they are, numbers in percent, the prediction in a word", () => {
  const shown = bars([0, 0.25, 0.75, 0, 0, 0, 0, 0, 0, 0], { predicted: 2 });
  assert.deepEqual(shown[1], { digit: 1, share: 0.25, text: "25.0\u00a0%", meaning: "", top: false });
  assert.deepEqual(shown[2], { digit: 2, share: 0.75, text: "75.0\u00a0%", meaning: "predicted", top: true });
  assert.equal(shown.filter(({ top }) => top).length, 1);
});

test("outputs beyond 1 shrink the others; the label has its word", () => {
  const shown = bars([2, 1, -1, 0, 0, 0, 0, 0, 0, 0], { predicted: 0, label: 1, unit: "output" });
  assert.deepEqual(shown.slice(0, 3).map(({ share, text, meaning }) => [share, text, meaning]), [[1, "2.000", "predicted"], [0.5, "1.000", "label"], [0, "-1.000", ""]]);
  assert.equal(bars([1, 0], { predicted: 0, label: 0 })[0].meaning, "correct");
});

test("what is no number draws no bar", () => {
  for (const value of [NaN, null, undefined, Infinity]) {
    assert.deepEqual(bars([value], { predicted: 3 }), [{ digit: 0, share: 0, text: "\u2013", meaning: "", top: false }]);
  }
  assert.equal(noBars().length, 10);
  assert.ok(noBars().every(({ share, text }) => share === 0 && text === "\u2013"));
});

test("only a softmax's outputs are probabilities; others are told as they are", () => {
  assert.ok(sumsToOne({ loss: "cross_entropy" }));
  assert.ok(!sumsToOne({ loss: "quadratic" }));
  assert.equal(outputText(0.11449), "0.114");
  assert.equal(outputText(undefined), "\u2013");
});

test("the surer the network, the firmer the words", () => {
  assert.equal(verdict(7, 0.98), "Looks like a 7");
  assert.equal(verdict(8, 0.9), "Looks like an 8");
  assert.equal(verdict(1, 0.89), "Perhaps a 1");
  assert.equal(verdict(3, 0.5), "Perhaps a 3");
  assert.equal(verdict(3, 0.49), "Hard to tell, at best a 3");
});

test("how many neighbours agree", () => {
  const labelled = (...labels) => labels.map((label) => ({ label }));
  assert.equal(agreement(labelled(7, 7, 7, 7, 7), 7), "All 5 are labelled 7, too.");
  assert.equal(agreement(labelled(7, 9, 7, 7, 9), 7), "3 of 5 are labelled 7, too.");
  assert.equal(agreement(labelled(9, 9, 7, 9, 9), 7), "1 of 5 is labelled 7, too.");
  assert.equal(agreement(labelled(9, 9, 4, 9, 9), 7), "None of them is labelled 7.");
});
