/** A run that does not learn is doubted in words that fit its settings; one that learns is left alone. */

import assert from "node:assert/strict";
import test from "node:test";

import { doubt } from "../../static/js/logic/learning.js";

const spaced = (text) => text.replaceAll("\u00a0", " ");
const relu = { activation: "relu", loss: "cross_entropy", initializer: "he", architecture: [784, 30, 10] };
const sigmoid = { activation: "sigmoid", loss: "quadratic", initializer: "xavier", architecture: [784, 30, 10] };
const softmax = { ...sigmoid, loss: "cross_entropy" };
const job = (rate, more = {}) => ({ state: "completed", learning_rate: rate, mini_batch_size: 10, ...more });
const epochs = (accuracies, losses = []) => accuracies.map((accuracy, i) => ({ epoch: i + 1, accuracy, loss: null, testLoss: losses[i] ?? null }));

test("a rate far too high at chance level is named, with the rate that suits the network", () => {
  for (const [network, rate, suited, harm] of [[relu, 50, 0.1, /units die/], [sigmoid, 500, 3, /ends of their range/], [softmax, 50, 0.5, /ends of their range/]]) {
    const found = doubt(network, job(rate), epochs([0.098, 0.101]));
    assert.equal(found.cause, "high");
    assert.match(spaced(found.text), /^Accuracy stays at chance: 10\.1 % after 2 epochs/);
    assert.ok(found.text.includes(`Learning rate ${rate} is probably too high for`), found.text);
    assert.match(found.text, harm);
    assert.ok(found.tryText.includes(`a learning rate of ${suited}.`), found.tryText);
    assert.deepEqual(found.offer, { action: "anew", field: "learning_rate", value: suited });
  }
  assert.match(doubt({ ...relu, architecture: [784, 10] }, job(50), epochs([0.1])).text, /overshoots/);
});

test("a wide last layer makes the usual rate too high, and that is said, with a better one to press", () => {
  const wide = { ...sigmoid, architecture: [784, 300, 10] };
  const found = doubt(wide, job(3), epochs([0.098, 0.098]));
  assert.equal(found.cause, "high");
  assert.match(found.text, /Learning rate 3 is probably too high for sigmoid with quadratic cost and 300 neurons in the last hidden layer:/);
  assert.deepEqual(found.offer, { action: "anew", field: "learning_rate", value: 1 });
  assert.equal(doubt({ ...sigmoid, architecture: [784, 300, 30, 10] }, job(3), epochs([0.1])).cause, "unclear");
  assert.equal(doubt(wide, job(1), epochs([0.1])).cause, "unclear");
});

test("it is said while the run goes on, from its first epoch, and not before", () => {
  const running = job(50, { state: "running" });
  assert.equal(doubt(relu, running, []), null);
  assert.equal(doubt(relu, running, epochs([null])), null);
  assert.match(doubt(relu, running, epochs([0.1])).text, /after 1 epoch,/);
});

test("a run that learns is left alone, whatever its rate, and so is one that says itself what went wrong", () => {
  assert.equal(doubt(relu, job(50), epochs([0.4])), null);
  assert.equal(doubt(sigmoid, job(3), epochs([0.16, 0.9])), null);
  assert.equal(doubt(sigmoid, job(0.01), epochs([0.3, 0.6], [0.9, 0.89])), null);
  assert.equal(doubt(sigmoid, job(0.01), epochs([0.2, 0.4], [0.9, 0.5])), null);
  for (const state of ["diverged", "failed"]) assert.equal(doubt(relu, job(50, { state }), epochs([0.1])), null);
});

test("a network that was good and fell back is told so", () => {
  assert.match(spaced(doubt(relu, job(5), epochs([0.6, 0.098])).text), /^Accuracy fell back to chance: 9\.8 % after 2 epochs, after a best of 60\.0 %/);
});

test("a rate far too low gets other words and goes on with the same weights", () => {
  const stuck = doubt(sigmoid, job(0.0001), epochs([0.1]));
  assert.deepEqual([stuck.cause, stuck.offer], ["low", { action: "use", field: "learning_rate", value: 3 }]);
  assert.match(stuck.text, /Learning rate 0\.0001 is probably too low/);
  assert.match(spaced(doubt(sigmoid, job(0.01), epochs([0.2, 0.3], [0.9, 0.85])).text), /^Accuracy is 30\.0 % after 2 epochs: this run learns slowly/);
});

test("where the rate is not to blame it is not blamed", () => {
  const steps = doubt(sigmoid, job(3, { mini_batch_size: 50_000 }), epochs([0.1]));
  assert.deepEqual([steps.cause, steps.offer?.field, steps.offer?.value], ["steps", "mini_batch_size", 10]);
  assert.match(steps.text, /50,000 images the weights have changed only 1 time,/);
  assert.equal(doubt({ ...relu, initializer: "zeros" }, job(50), epochs([0.1])).cause, "zeros");
  assert.equal(doubt({ ...sigmoid, architecture: [784, 30, 30, 30, 10] }, job(3), epochs([0.1])).cause, "deep");
  const unclear = doubt(relu, job(0.1), epochs([0.1]));
  assert.deepEqual([unclear.cause, unclear.offer], ["unclear", null]);
  assert.match(unclear.text, /not the likely reason/);
});
