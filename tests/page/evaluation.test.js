/** Evaluation: what an address chooses, and how the matrix is read, shaded and walked through. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  answersQuery, cellWords, choiceHref, choiceIn, choiceKey, choiceTitle, digitRows, emptyWords, entryCell, nextCell, shades, sortHint, sortsOf, sureWords,
} from "../../static/js/logic/evaluation.js";
import { parseRoute } from "../../static/js/logic/routes.js";

const SOFTMAX = { loss: "cross_entropy" };
const SIGMOID = { loss: "quadratic" };
const NBSP = "\u00a0";
const there = (choice) => choiceIn(parseRoute(choiceHref("n", choice)).query);

test("a choice comes back from its address", () => {
  for (const choice of [
    { actual: "4", predicted: "9", outcome: "", sort: "-confidence" },
    { actual: "4", predicted: "", outcome: "wrong", sort: "index" },
    { actual: "", predicted: "", outcome: "turned_wrong", sort: "confidence" },
    { actual: "", predicted: "", outcome: "wrong", sort: "-confidence" },
  ]) assert.deepEqual(there(choice), choice);
  assert.equal(choiceHref("n", { actual: "4", predicted: "9" }), "#/networks/n/test?actual=4&predicted=9");
  assert.equal(choiceHref("n", { outcome: "wrong" }), "#/networks/n/test");
});

test("without a choice it is the mistakes, and nonsense is no choice", () => {
  const mistakes = { actual: "", predicted: "", outcome: "wrong", sort: "-confidence" };
  assert.deepEqual(choiceIn({}), mistakes);
  assert.deepEqual(choiceIn({ actual: "10", predicted: "x", outcome: "odd", sort: "odd" }), mistakes);
  assert.deepEqual(choiceIn({ actual: "4" }).outcome, "");
});

test("what is not chosen is not asked for", () => {
  assert.deepEqual(answersQuery(SOFTMAX, choiceIn({ actual: "4", predicted: "9" }), 24), { actual: "4", predicted: "9", sort: "-confidence", limit: "24", offset: "24" });
  assert.notEqual(choiceKey(choiceIn({ actual: "4" })), choiceKey(choiceIn({ predicted: "4" })));
});

test("what is no probability is not told as one, and the order is that of what is shown", () => {
  const answer = { confidence: 0.958, output: 0.1142 };
  assert.equal(sureWords(SOFTMAX, answer), `95.8${NBSP}% sure`);
  assert.equal(sureWords(SIGMOID, answer), "output 0.114");
  const sent = (network, sort) => answersQuery(network, choiceIn({ sort }), 0).sort;
  const sorts = ["-confidence", "confidence", "index"];
  assert.deepEqual(sorts.map((sort) => sent(SOFTMAX, sort)), sorts);
  assert.deepEqual(sorts.map((sort) => sent(SIGMOID, sort)), ["-output", "output", "index"]);
  assert.deepEqual(sortsOf(SOFTMAX).map(([, words]) => words), ["Most confident first", "Least confident first", "As in the test set"]);
  assert.deepEqual(sortsOf(SIGMOID).map(([, words]) => words), ["Largest output first", "Smallest output first", "As in the test set"]);
  assert.match(sortHint(SOFTMAX), /probability/);
  assert.match(sortHint(SIGMOID), /need not add up to 1/);
});

test("every choice has a title of its own", () => {
  const digits = ["", "4"];
  const titles = digits.flatMap((actual) => digits.flatMap((predicted) => ["", "right", "wrong", "turned_wrong", "turned_right"].map((outcome) =>
    choiceTitle({ actual, predicted, outcome, sort: "index" }))));
  assert.ok(titles.every((title) => title && !/undefined|NaN/.test(title)), titles.join("\n"));
  assert.equal(choiceTitle(choiceIn({ actual: "4", predicted: "9" })), "4s taken for 9s");
  assert.equal(choiceTitle(choiceIn({})), "Mistakes");
});

test("an empty list says why", () => {
  assert.match(emptyWords(choiceIn({ outcome: "turned_wrong" }), false), /not known/);
  assert.match(emptyWords(choiceIn({ outcome: "turned_wrong" }), true), /none/);
  assert.match(emptyWords(choiceIn({}), true), /no such mistake/);
});

test("mistakes are shaded by their number, the diagonal and empty cells are not", () => {
  const shaded = shades([[900, 16, 4], [0, 800, 1], [0, 0, 700]]);
  assert.deepEqual(shaded[0][0], 0);
  assert.deepEqual(shaded[1][0], 0);
  assert.deepEqual([shaded[0][1], shaded[0][2], shaded[1][2]], [42, 21, 11]);
  assert.deepEqual(shades([[5, 0], [0, 5]]), [[0, 0], [0, 0]]);
});

test("a cell is a sentence", () => {
  assert.equal(cellWords(4, 9, 1), "1 of the 4s is taken for a 9");
  assert.equal(cellWords(4, 4, 1200), "1200 of the 4s are read rightly");
});

test("arrow keys go to the next cell that holds digits", () => {
  const matrix = [[5, 0, 2], [0, 6, 0], [1, 0, 7]];
  assert.deepEqual(nextCell(matrix, [0, 0], "ArrowRight"), [0, 2]);
  assert.deepEqual(nextCell(matrix, [0, 2], "ArrowRight"), [0, 2]);
  assert.deepEqual(nextCell(matrix, [0, 0], "ArrowDown"), [2, 0]);
  assert.deepEqual(nextCell(matrix, [2, 2], "ArrowUp"), [0, 2]);
  assert.deepEqual(nextCell(matrix, [2, 2], "ArrowLeft"), [2, 0]);
  assert.deepEqual(nextCell(matrix, [0, 2], "Home"), [0, 0]);
  assert.deepEqual(nextCell(matrix, [0, 0], "End"), [0, 2]);
  assert.equal(nextCell(matrix, [0, 0], "a"), null);
});

test("the matrix is entered where one was last, else at the chosen cell, else at the first", () => {
  const matrix = [[0, 5], [6, 0]];
  const chosen = choiceIn({ actual: "1", predicted: "0" });
  assert.deepEqual(entryCell(matrix, chosen, [0, 1]), [0, 1]);
  assert.deepEqual(entryCell(matrix, chosen, [0, 0]), [1, 0]);
  assert.deepEqual(entryCell(matrix, choiceIn({}), null), [0, 1]);
  assert.deepEqual(entryCell([[0]], choiceIn({}), null), [0, 0]);
});

test("each digit has its bar and its numbers; the best and the weakest are named", () => {
  const rows = digitRows([
    { digit: 0, total: 4, correct: 4, accuracy: 1 }, { digit: 1, total: 4, correct: 1, accuracy: 0.25 },
    { digit: 2, total: 0, correct: 0, accuracy: null }, { digit: 3, total: 4, correct: 2, accuracy: 0.5 },
  ]);
  assert.deepEqual(rows.map((r) => r.meaning), ["best", "weakest", "", ""]);
  assert.deepEqual(rows.map((r) => r.text), [`100.0${NBSP}%`, `25.0${NBSP}%`, "\u2013", `50.0${NBSP}%`]);
  assert.deepEqual([rows[1].of, rows[1].wrong, rows[1].share, rows[2].share], ["1 of 4", 3, 0.25, 0]);
});
