/** Comparison: rows of all runs, what an address chooses of them, and in which order they stand. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  COLUMNS, ariaSort, choiceIn, compareHref, countWords, filtered, rangeProblem, rowName, rowsOf, settingChoice, settingOptions, sortAfter, sorted,
} from "../../static/js/logic/compare.js";
import { parseRoute } from "../../static/js/logic/routes.js";
import { SETTINGS, courseWords, differing, settingWords, settingsOf } from "../../static/js/logic/settings.js";

const NETWORKS = [
  { network_id: "n", name: "first try", architecture: [784, 30, 10], activation: "sigmoid", loss: "quadratic", initializer: "xavier", dropout: 0, seed: 1 },
  { network_id: "m", name: null, architecture: [784, 10], activation: "relu", loss: "cross_entropy", initializer: "he", dropout: 0.5, seed: 2 },
];
const job = (id, network, more = {}) => ({
  job_id: id, network_id: network, state: "completed", accuracy: 0.9, loss: 0.1, epoch: 3, total_epochs: 3, learning_rate: 3, mini_batch_size: 10,
  optimizer: "sgd", momentum: 0, schedule: "constant", step_factor: 0.1, elapsed_time: 5, created_at: `2026-01-01T00:00:0${id}.000Z`, ...more,
});
const JOBS = [
  job("3", "m", { accuracy: 0.95, learning_rate: 0.1, optimizer: "adam" }), job("1", "n"),
  job("2", "n", { accuracy: null, loss: null, state: "diverged", learning_rate: 10 }), job("4", "gone", { accuracy: 0.2, state: "failed" }),
];
const rows = rowsOf(JOBS, NETWORKS, true);
const choice = (more = {}) => ({ ...choiceIn({}), ...more });
const ids = (found) => found.map((row) => row.id).join("");

test("a row for each run, the newest first, with its place among the runs of its network", () => {
  assert.deepEqual(rows.map(rowName), ["Deleted network, run 1", "784-10, run 1", "first try, run 2", "first try, run 1"]);
  assert.deepEqual(rowsOf(JOBS, NETWORKS, false).map(rowName)[3], "first try");
  assert.equal(rows[0].network, null);
});

test("what there is in words: runs of deleted networks are not of those that exist", () => {
  const words = (jobs, total = jobs.length) => countWords(rowsOf(jobs, NETWORKS, true), total).replaceAll("\u00a0", " ");
  const [a, b, c] = [job("1", "n"), job("2", "n"), job("3", "m")];
  const [x, y, z] = [job("4", "gone"), job("5", "gone"), job("6", "gone too")];
  assert.deepEqual([words([]), words([a]), words([a, b]), words([a, b, c])], ["0 runs", "1 run of 1 network", "2 runs of 1 network", "3 runs of 2 networks"]);
  assert.deepEqual([words([a, x]), words([a, x, y]), words([a, b, c, x, z])], ["2 runs, 1 of them of a deleted network", "3 runs, 2 of them of a deleted network", "5 runs, 2 of them of deleted networks"]);
  assert.deepEqual([words([x]), words([x, z])], ["1 run of a deleted network", "2 runs of deleted networks"]);
  assert.equal(words([a, x], 5000), "5,000 runs"); // the others are not known
});

test("a choice comes back from its address", () => {
  const chosen = choice({
    runs: ["a", "b"], text: "a & b, 100 %", setting: settingChoice("architecture", [784, 10]), state: "failed", least: "90", most: "99.5", sort: "accuracy", deleted: true,
    curves: ["test", "training"],
  });
  assert.deepEqual(choiceIn(parseRoute(compareHref(chosen)).query), chosen);
  assert.equal(compareHref(choice()), "#/compare");
  const odd = choiceIn({ runs: "a,,a", sort: "odd", state: "odd", setting: "odd:1", curves: "odd", deleted: "odd" });
  assert.deepEqual(odd, choice({ runs: ["a"] }));
});

test("runs are found by every word, by a setting, by state and by accuracy", () => {
  assert.equal(ids(filtered(rows, choice())), "321");
  assert.equal(ids(filtered(rows, choice({ deleted: true }))), "4321");
  assert.equal(ids(filtered(rows, choice({ text: "TRY first" }))), "21");
  assert.equal(ids(filtered(rows, choice({ text: "adam" }))), "3");
  assert.equal(ids(filtered(rows, choice({ text: "relu rate" }))), "3");
  assert.equal(ids(filtered(rows, choice({ text: "0.1" }))), "3"); // and not the factor of a schedule that has no steps
  assert.equal(ids(filtered(rows, choice({ state: "diverged" }))), "2");
  assert.equal(ids(filtered(rows, choice({ state: "unfinished" }))), "");
  assert.equal(ids(filtered(rows, choice({ setting: settingChoice("learning_rate", 3) }))), "1");
  assert.equal(ids(filtered(rows, choice({ setting: settingChoice("architecture", [784, 10]), deleted: true }))), "3");
  assert.equal(ids(filtered(rows, choice({ least: "95" }))), "3");
  assert.equal(ids(filtered(rows, choice({ most: "90,0 %" }))), "1");
});

test("an accuracy that makes no sense filters nothing and is said", () => {
  assert.match(rangeProblem(choice({ least: "much" })), /from 0 to 100/);
  assert.match(rangeProblem(choice({ most: "101" })), /from 0 to 100/);
  assert.match(rangeProblem(choice({ least: "90", most: "80" })), /at least 90/);
  assert.equal(rangeProblem(choice({ least: " ", most: "95" })), "");
  assert.equal(ids(filtered(rows, choice({ least: "much" }))), "321");
});

test("every column sorts, runs without a value last either way", () => {
  for (const { key } of COLUMNS) for (const sort of [key, `-${key}`]) assert.equal(sorted(rows, sort).length, 4, sort);
  assert.equal(ids(sorted(rows, "accuracy")), "4132");
  assert.equal(ids(sorted(rows, "-accuracy")), "3142");
  assert.equal(ids(sorted(rows, "name")), "3412");
  assert.equal(ids(sorted(rows, "created_at")), "1234");
  assert.equal(ids(sorted(rows, "optimizer")), "3421");
  assert.equal(ids(sorted(rows, "activation")), "3214");
});

test("a press on a heading sorts by it, another the other way round", () => {
  assert.deepEqual([sortAfter("-created_at", "accuracy"), sortAfter("-accuracy", "accuracy"), sortAfter("accuracy", "accuracy")], ["-accuracy", "accuracy", "-accuracy"]);
  assert.equal(sortAfter("accuracy", "name"), "name");
  assert.deepEqual([ariaSort("-loss", "loss"), ariaSort("loss", "loss"), ariaSort("loss", "name")], ["descending", "ascending", "none"]);
});

test("only settings of which there are several values are offered", () => {
  const options = settingOptions(rows);
  assert.deepEqual(options.map(({ name }) => name), ["Layers", "Activation", "Loss", "Initializer", "Dropout", "Learning rate", "Optimizer"]);
  assert.deepEqual(options[5].options.map(([, words]) => words), ["0.1", "3", "10"]);
});

test("the settings that differ, and no other", () => {
  const settings = rows.map((row) => row.settings);
  assert.deepEqual(differing([settings[2], settings[3]]), [
    { key: "began_with", name: "Began with", words: ["went on from run 1 (3\u00a0epochs)", "first weights"] },
    { key: "learning_rate", name: "Learning rate", words: ["10", "3"] },
  ]);
  assert.deepEqual(differing([settings[3]]), []);
  assert.deepEqual(differing([settings[0], settings[3]]).map(({ words }) => words[0]), Array(7).fill("\u2013"));
});

test("a run that went on from the weights of another one says so", () => {
  const runs = [job("1", "n"), job("2", "n", { epoch: 0, state: "cancelled" }), job("3", "n", { epoch: 5 }), job("4", "n"), job("5", "imported"), job("6", "gone"), job("7", "gone")];
  const networks = [...NETWORKS, { ...NETWORKS[0], network_id: "imported", initializer: null, seed: null }];
  const began = (all) => {
    const setting = SETTINGS.find(({ key }) => key === "began_with");
    return rowsOf(runs, networks, all).toReversed().map(({ settings }) => settingWords(setting, settings.began_with).replaceAll("\u00a0", " "));
  };
  assert.deepEqual(began(true), [
    "first weights", "went on from run 1 (3 epochs)", "went on from run 1 (3 epochs)", "went on from run 3 (5 epochs)", // run 2 left what it found
    "weights of the file that was imported", "\u2013", "went on from run 1 (3 epochs)",
  ]);
  // Where runs are missing, the first one that is known may have gone on from one of them.
  assert.deepEqual(began(false).slice(0, 2), ["\u2013", "went on from an earlier run (3 epochs)"]);
  assert.ok(settingOptions(rowsOf(runs, networks, true)).every(({ name }) => name !== "Began with"));
});

test("every setting has words, whatever it holds", () => {
  const changes = [{ step: 5, epoch: 2, batch: 5, learning_rate: 1 }, { step: 9, epoch: 3, batch: 4, momentum: 0.5, mini_batch_size: 20 }];
  const found = settingsOf(job("1", "n", { changes, augment: ["shift"], shuffle: false, clip_norm: null, warm_up: 0 }), NETWORKS[0]);
  const words = Object.fromEntries(SETTINGS.map((setting) => [setting.key, settingWords(setting, found[setting.key])]));
  assert.ok(Object.values(words).every((one) => one && !/undefined|null|NaN/.test(one)), JSON.stringify(words));
  assert.equal(words.changes, "epoch 2: learning rate 1; epoch 3: momentum 0.5, mini-batch size 20");
  assert.deepEqual([words.architecture, words.shuffle, words.clip_norm, words.augment, words.loss], ["784-30-10", "no", "off", "shift", "quadratic cost"]);
});

const INITIAL = { learning_rate: 3, momentum: 0, mini_batch_size: 10 };
const change = (epoch, batch, more) => ({ step: 1, epoch, batch, ...more });
const changed = (id, changes, more = {}) => job(id, "n", { initial_settings: INITIAL, changes, ...changes.reduce((all, one) => ({ ...all, ...one }), {}), epoch: 3, ...more });

test("a run is listed, found and sorted by what it began with", () => {
  const asked = job("2", "n", { initial_settings: INITIAL, changes: [], learning_rate: 0.5, pending_changes: { learning_rate: 0.5 } });
  const began = rowsOf([changed("1", [change(2, 5, { learning_rate: 0.5 })]), asked, job("3", "n", { learning_rate: 0.5 }), job("4", "n", { learning_rate: 4 })], NETWORKS, true);
  assert.deepEqual(began.map(({ settings }) => settings.learning_rate), [4, 0.5, 3, 3]);
  assert.equal(ids(filtered(began, choice({ setting: settingChoice("learning_rate", 3) }))), "21");
  assert.equal(ids(filtered(began, choice({ setting: settingChoice("learning_rate", 0.5) }))), "3");
  assert.equal(ids(sorted(began, "-learning_rate")), "4213");
  assert.deepEqual(settingOptions(began)[0].options.map(([, words]) => words), ["0.5", "3", "4"]);
});

test("what became of a setting stands behind what the run began with", () => {
  const rate = SETTINGS.find(({ key }) => key === "learning_rate");
  const momentum = SETTINGS.find(({ key }) => key === "momentum");
  const words = (changes, how, setting = rate) => courseWords(setting, settingsOf(changed("1", changes), NETWORKS[0]), how);
  const once = [change(4, 1200, { learning_rate: 0.5 })];
  const often = [...once, change(6, 0, { momentum: 0.9 }), change(7, 0, { learning_rate: 0.1 }), change(9, 3, { learning_rate: 3 })];
  assert.deepEqual([words([]), words(once), words(once, "short")], ["3", "3 \u2192 0.5 in epoch 4", "3 \u2192 0.5 in epoch 4"]);
  assert.equal(words(once, "exact"), "3 \u2192 0.5 in epoch 4, mini-batch 1,201");
  assert.deepEqual([words(often), words(often, "short")], ["3 \u2192 0.5 in epoch 4 \u2192 0.1 in epoch 7 \u2192 3 in epoch 9", "3 \u2192 \u2026 \u2192 3 in epoch 9"]);
  assert.equal(words(often, "whole", momentum), "off \u2192 0.9 in epoch 6");
  assert.equal(courseWords(rate, settingsOf(job("1", "n"), null)), "3");
});

test("runs that began alike differ in what was changed on the way, to the mini-batch", () => {
  const of = (...lists) => differing(lists.map((changes, i) => settingsOf(changed(String(i), changes), NETWORKS[0])));
  const early = [change(2, 5, { learning_rate: 0.5 })];
  const late = [change(2, 7, { learning_rate: 0.5 })];
  assert.deepEqual(of([], early), [{ key: "learning_rate", name: "Learning rate", words: ["3", "3 \u2192 0.5 in epoch 2"] }]);
  assert.deepEqual(of(early, late).map(({ words }) => words), [["3 \u2192 0.5 in epoch 2, mini-batch 6", "3 \u2192 0.5 in epoch 2, mini-batch 8"]]);
  assert.deepEqual([of(early, early), of([], [])], [[], []]);
});
