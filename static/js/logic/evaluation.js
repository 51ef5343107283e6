/**
 * What a network makes of the whole test set, made ready for the page: which answers the address chooses, what their list
 * is called, how strongly a cell of the confusion matrix is shaded, and where the arrow keys lead in it.
 */

import { outputText, sumsToOne } from "./bars.js";
import { NO_VALUE, count, isNumber, percent } from "./format.js";
import { networkHref, withQuery } from "./routes.js";

/** Pictures read at once. */
export const PAGE = 24;
/** How answers are sorted: the word in the address, what people read of probabilities, and of outputs that are none. */
export const SORTS = [
  ["-confidence", "Most confident first", "Largest output first"],
  ["confidence", "Least confident first", "Smallest output first"],
  ["index", "As in the test set", "As in the test set"],
];
const OUTCOMES = ["right", "wrong", "turned_wrong", "turned_right"];
/** The strongest shade of a cell, in percent: text upon it is still read easily. */
const DARKEST = 42;

/**
 * Which answers are looked at; what is empty is not asked for.
 * @typedef {{actual: string, predicted: string, outcome: string, sort: string}} Choice
 */

/** The choice in an address; without one the mistakes. What makes no sense is left out. @param {Record<string, string>} query @returns {Choice} */
export function choiceIn(query) {
  const digit = (text) => (/^[0-9]$/.test(text ?? "") ? text : "");
  const [actual, predicted] = [digit(query.actual), digit(query.predicted)];
  const outcome = OUTCOMES.includes(query.outcome) ? query.outcome : "";
  const sort = SORTS.some(([key]) => key === query.sort) ? query.sort : SORTS[0][0];
  return { actual, predicted, outcome: actual || predicted || outcome ? outcome : "wrong", sort };
}

/** Where a choice is found. @param {string} networkId @param {Partial<Choice>} choice */
export function choiceHref(networkId, { actual = "", predicted = "", outcome = "", sort = SORTS[0][0] }) {
  const all = !actual && !predicted && outcome === "wrong";
  return withQuery(networkHref(networkId, "test"), { actual, predicted, outcome: all ? "" : outcome, sort: sort === SORTS[0][0] ? "" : sort });
}

/** Two choices are the same when their keys are. @param {Choice} choice */
export function choiceKey({ actual, predicted, outcome, sort }) {
  return [actual, predicted, outcome, sort].join(" ");
}

/** The orders to choose from, by what is shown of an answer. @param {{loss?: string}} network @returns {[key: string, words: string][]} */
export function sortsOf(network) {
  return SORTS.map(([key, probability, output]) => [key, sumsToOne(network) ? probability : output]);
}

/** What the answers are sorted by, in a sentence. @param {{loss?: string}} network */
export function sortHint(network) {
  return sumsToOne(network)
    ? "Confidence is the probability that the network gives its answer."
    : "By the output of the answer, from 0 to 1. The ten outputs of this network are no probabilities: they need not add up to 1.";
}

/** How sure an answer is: its probability, or the output where that is none. @param {{loss?: string}} network @param {{confidence: number, output: number}} answer */
export function sureWords(network, { confidence, output }) {
  return sumsToOne(network) ? `${percent(confidence)} sure` : `output ${outputText(output)}`;
}

/** What the request asks: the order is that of the numbers shown. @param {{loss?: string}} network @param {Choice} choice @param {number} offset @returns {Record<string, string>} */
export function answersQuery(network, choice, offset) {
  const sort = sumsToOne(network) ? choice.sort : choice.sort.replace("confidence", "output");
  const query = { ...choice, sort, limit: String(PAGE), offset: String(offset) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
}

/** The heading above the pictures. @param {Choice} choice */
export function choiceTitle({ actual, predicted, outcome }) {
  const turned = { turned_wrong: "turned from right to wrong", turned_right: "turned from wrong to right" }[outcome];
  if (actual && predicted) {
    const what = actual === predicted ? `${actual}s read rightly` : `${actual}s taken for ${predicted}s`;
    return turned ? `${what}, ${turned}` : what;
  }
  if (actual) return turned ? `${actual}s that ${turned}` : { right: `${actual}s read rightly`, wrong: `${actual}s taken for others` }[outcome] ?? `All ${actual}s`;
  if (predicted) return turned ? `Taken for ${predicted}s, ${turned}` : { right: `${predicted}s read rightly`, wrong: `Others taken for ${predicted}s` }[outcome] ?? `All that is taken for ${predicted}s`;
  return turned ? `Digits that ${turned}` : outcome === "right" ? "Digits read rightly" : "Mistakes";
}

/** Why a choice has no pictures. @param {Choice} choice @param {boolean} known whether the answers one epoch earlier are */
export function emptyWords({ outcome }, known) {
  if (outcome.startsWith("turned") && !known) return "What the last epoch changed is not known: it is after a run of two epochs or more.";
  return outcome === "wrong" ? "There is none: the network makes no such mistake." : "There is none among the 10,000 test digits.";
}

/**
 * How strongly the cells are shaded, 0 to 42 percent: mistakes by their number, the largest darkest; the diagonal not at all.
 * @param {number[][]} matrix rows are what digits are @returns {number[][]}
 */
export function shades(matrix) {
  const most = Math.max(1, ...matrix.flatMap((row, actual) => row.filter((_, predicted) => predicted !== actual)));
  // The root, so that few mistakes are seen beside many.
  return matrix.map((row, actual) => row.map((n, predicted) => (n && predicted !== actual ? Math.max(4, Math.round(Math.sqrt(n / most) * DARKEST)) : 0)));
}

/** What a cell means, in a sentence that begins with the number as it stands in the cell. @param {number} actual @param {number} predicted @param {number} n */
export function cellWords(actual, predicted, n) {
  const one = n === 1;
  return `${n} of the ${actual}s ${one ? "is" : "are"} ${actual === predicted ? "read rightly" : one ? `taken for a ${predicted}` : `taken for ${predicted}s`}`;
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * The cell that a key leads to: the next one in its direction that holds digits; Home and End: the first and the last
 * one of the row. The same cell where there is none, null for another key.
 * @param {number[][]} matrix @param {[number, number]} from row and column @param {string} key @returns {[number, number]|null}
 */
export function nextCell(matrix, from, key) {
  const [row, column] = from;
  const filled = matrix[row].flatMap((n, i) => (n ? [i] : []));
  if (key === "Home" || key === "End") return filled.length ? [row, key === "Home" ? filled[0] : filled[filled.length - 1]] : from;
  const step = STEPS[key];
  if (!step) return null;
  for (let [y, x] = [row + step[0], column + step[1]]; matrix[y]?.[x] !== undefined; y += step[0], x += step[1]) {
    if (matrix[y][x]) return [y, x];
  }
  return from;
}

/** The cell that the tabulator leads to: the one last visited or chosen, else the first that holds digits. @param {number[][]} matrix @param {Choice} choice @param {[number, number]|null} visited @returns {[number, number]} */
export function entryCell(matrix, choice, visited) {
  for (const cell of [visited, choice.actual && choice.predicted && !choice.outcome ? [Number(choice.actual), Number(choice.predicted)] : null]) {
    if (cell && matrix[cell[0]]?.[cell[1]]) return /** @type {[number, number]} */ (cell);
  }
  const row = matrix.findIndex((counts) => counts.some(Boolean));
  return row < 0 ? [0, 0] : [row, matrix[row].findIndex(Boolean)];
}

/**
 * Accuracy digit by digit; the best and the weakest one are named, where they differ.
 * @param {{digit: number, total: number, correct: number, accuracy: number|null}[]} digits
 * @returns {{digit: number, share: number, text: string, of: string, wrong: number, meaning: string}[]}
 */
export function digitRows(digits) {
  const known = digits.map((d) => d.accuracy).filter(isNumber);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return digits.map(({ digit, total, correct, accuracy }) => ({
    digit,
    share: isNumber(accuracy) ? Math.max(0, Math.min(1, accuracy)) : 0,
    text: isNumber(accuracy) ? percent(accuracy) : NO_VALUE,
    of: `${count(correct)} of ${count(total)}`,
    wrong: total - correct,
    meaning: low === high ? "" : accuracy === high ? "best" : accuracy === low ? "weakest" : "",
  }));
}
