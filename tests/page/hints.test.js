/**
 * What is said about runs. `histories.json` holds real ones, seed 1, as the server reports them: per epoch the training
 * loss, the test loss, both accuracies, the length of the gradient, and [dead, saturated, alike, total] per hidden layer.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { checkNetwork, checkTraining, emptyCreateForm, likeForm } from "../../static/js/logic/forms.js";
import { hints, insideHint, startWords } from "../../static/js/logic/hints.js";
import { applyEvent, emptyHistory } from "../../static/js/logic/history.js";

const RUNS = JSON.parse(readFileSync(new URL("./histories.json", import.meta.url), "utf8"));

/** The epochs of a run, as the page makes them of events. @param {string} name */
function run(name) {
  const { network, job, epochs: rows } = RUNS[name];
  const history = emptyHistory();
  rows.forEach(([loss, test_loss, accuracy, training_accuracy, gradient_norm, layers], i) => applyEvent(history, "training_update", {
    seq: i + 1, epoch: i + 1, loss, test_loss, accuracy, training_accuracy, gradient_norm,
    neurons: layers.map(([dead, saturated, alike, total]) => ({ dead, saturated, alike, total })),
  }));
  return { network, job: { ...job, total_epochs: job.epochs }, epochs: history.epochs };
}

/** What is said after each epoch, without what comes twice. @param {string} name */
function said(name) {
  const { network, job, epochs } = run(name);
  const found = new Set();
  for (let n = 1; n <= epochs.length; n += 1) {
    const state = n < epochs.length ? "running" : job.state;
    for (const { cause } of hints(network, { ...job, state }, epochs.slice(0, n))) found.add(cause);
  }
  return [...found];
}

/** @param {string} name */
function last(name) {
  const { network, job, epochs } = run(name);
  return hints(network, job, epochs);
}

test("nothing is said about the classic run and the recipes, at no epoch", () => {
  for (const name of ["classic", "sgd", "adam", "best", "full-batch-300", "momentum", "tanh", "sigmoid-softmax", "sigmoid-normal"]) {
    assert.deepEqual(said(name), [], name);
  }
});

test("each run that goes wrong is told what is wrong, by its evidence", () => {
  const table = {
    "relu-rate-3": ["high", /stays at chance.*too high for ReLU.*All 30 neurons of hidden layer 1 are dead/],
    "relu-rate-0.7": ["dead", /27 of 30 ReLU neurons of hidden layer 1 are dead.*Accuracy is 37\.1/],
    "adam-rate-0.1": ["dead", /124 of 128 ReLU neurons of hidden layer 1 are dead/],
    "sigmoid-rate-100": ["high", /stays at chance.*28 of 30 neurons of hidden layer 1 are saturated/],
    "tanh-rate-2": ["saturated", /All 30 tanh neurons of hidden layer 1 are saturated.*gradient is 1\.\d+ long/],
    "sigmoid-rate-0.01": ["low", /Accuracy is 85\.6.*after epoch 5, and the training loss still falls by 13/],
    zeros: ["alike", /All 30 neurons of hidden layer 1 have the same weights/],
    overfit: ["overfitting", /since epoch 5 the training loss fell from 0\.05\d+ to 0\.006\d+, but the test loss rose from 0\.08\d+ to 0\.13\d+/],
    "no-shuffle": ["unshuffled", /same 5,000 mini-batches come in the same order in every one of 5 epochs/],
  };
  for (const [name, [cause, pattern]] of Object.entries(table)) {
    const [found] = last(name);
    assert.equal(found?.cause, cause, name);
    assert.match(found.text, pattern, name);
    assert.ok(found.tryText, name);
  }
});

test("a deep network whose first layers hardly learn is told so as long as it does not learn, without a gap", () => {
  const { network, job, epochs } = run("deep-sigmoid");
  const causes = epochs.map((_, i) => hints(network, job, epochs.slice(0, i + 1)).map(({ cause }) => cause).join());
  assert.deepEqual(causes, [...Array(3).fill(""), ...Array(20).fill("deep"), ...Array(5).fill("")]);
  const [{ text, offer }] = hints(network, job, epochs.slice(0, 17));
  assert.match(text.replaceAll("\u00a0", " "), /^Accuracy stays near chance: 22\.7 % after 17 epochs, 22\.7 % at best, .* 4 hidden layers of sigmoid .*gradient of all layers together was 0\.006764 long; Gradient norms, under Inside,/);
  assert.equal(offer.changes.activation, "relu");
  assert.equal(insideHint(network, job, epochs.slice(0, 10)).cause, "deep");
  assert.equal(insideHint(network, job, epochs), null);
  // Neither two hidden layers, nor a rectifier, nor a loss that falls.
  assert.deepEqual(hints({ ...network, architecture: [784, 30, 30, 10] }, job, epochs.slice(0, 17)), []);
  assert.deepEqual(hints({ ...network, activation: "relu", loss: "cross_entropy" }, { ...job, learning_rate: 0.1 }, epochs.slice(0, 17)).filter(({ cause }) => cause === "deep"), []);
  const falling = epochs.slice(0, 17).map((epoch, i) => ({ ...epoch, testLoss: 0.45 - 0.01 * i }));
  assert.deepEqual(hints(network, job, falling), []);
});

test("beside the layers only what is to be seen of them is said", () => {
  for (const [name, cause] of [["zeros", "alike"], ["relu-rate-0.7", "dead"], ["sigmoid-rate-100", "high"]]) {
    const { network, job, epochs } = run(name);
    assert.equal(insideHint(network, job, epochs).cause, cause);
  }
  for (const name of ["overfit", "no-shuffle", "classic"]) {
    const { network, job, epochs } = run(name);
    assert.equal(insideHint(network, job, epochs), null);
  }
});

test("what is to be tried is told as it is, not ordered, and says what the press does", () => {
  assert.match(last("overfit")[0].tryText, / Fewer epochs would do, too: 5 were enough\.$/);
  const { network, job, epochs } = run("sigmoid-rate-0.01");
  const slow = hints(network, job, epochs.map((e) => ({ ...e, accuracy: 0.1 })));
  assert.deepEqual([slow[0].cause, slow[0].tryText, slow[0].offer.label], ["low", "A learning rate of 3 is usual for such a network.", "Try it with learning rate 3"]);
});

test("a loss that grows, or is worse than guessing, without a word about neurons", () => {
  const { network, job, epochs } = run("adam-rate-0.1");
  const bare = epochs.map((e) => ({ ...e, neurons: null }));
  assert.match(hints(network, job, bare)[0].text, /training loss grows: from 1\.255 after epoch 2 to 1\.408 after epoch 4/);
  assert.deepEqual(hints(network, job, bare)[0].offer.changes, { learning_rate: "0.001" });
  const tanh = run("tanh-rate-2");
  assert.match(hints(tanh.network, tanh.job, tanh.epochs.map((e) => ({ ...e, neurons: null })))[0].text, /3\.198 after epoch 4; a network that knows nothing and says so has 2\.303/);
});

test("every offer is a change that the form takes, and that changes something", () => {
  for (const name of Object.keys(RUNS)) {
    const { network, job } = run(name);
    for (const { offer } of last(name)) {
      if (!offer) continue;
      const before = likeForm(network, job);
      const after = { ...before, ...offer.changes };
      assert.deepEqual({ ...checkNetwork(after).errors, ...checkTraining(after).errors }, {}, name);
      assert.notDeepEqual([checkNetwork(after).body, checkTraining(after).body], [checkNetwork(before).body, checkTraining(before).body], name);
      for (const field of Object.keys(offer.changes)) assert.ok(field in emptyCreateForm(), field);
    }
  }
});

test("overfitting is judged by the validation loss, in runs of earlier versions by the test loss", () => {
  const { network, job, epochs } = run("overfit");
  const measured = epochs.map((e) => ({ ...e, validationLoss: e.testLoss * 2, testLoss: 0.1 }));
  assert.match(hints(network, job, measured)[0].text, /the training loss fell .*, but the validation loss rose from 0\.1\d+ to 0\.2\d+: on images that it does not learn from it gets worse\.$/);
  assert.deepEqual(hints(network, job, epochs.map((e) => ({ ...e, validationLoss: 0.1 }))), []);
});

test("a press says what stays as it was: not the first weights where the change makes others", () => {
  const [alike] = last("zeros");
  assert.deepEqual(alike.offer.changes, { initializer: "" });
  assert.equal(startWords(alike.offer.changes), "the same seeds and order of the images");
  for (const changes of [{ activation: "leaky_relu", loss: "cross_entropy", initializer: "" }, { dropout: "0.2" }]) assert.doesNotMatch(startWords(changes), /weights/);
  assert.equal(startWords({ shuffle: "true" }), "the same first weights");
  for (const changes of [undefined, { learning_rate: "0.1" }, { augment: "shift" }]) assert.equal(startWords(changes), "the same first weights and order of the images");
});

test("equal neurons are not said to stay equal: rounding parts them", () => {
  const [{ text }] = last("zeros");
  assert.match(text, /^All 30 neurons of hidden layer 1 have the same weights as another one, .*began at 0\. Only rounding errors \(of float32\) part such neurons, into a few groups/);
  assert.doesNotMatch(text, /stay alike/);
});

test("who augments already is offered dropout, and who does both to stop earlier", () => {
  const { network, job, epochs } = run("overfit");
  const changes = (n, j) => hints({ ...network, ...n }, { ...job, ...j }, epochs)[0].offer?.changes ?? null;
  assert.deepEqual(changes({}, {}), { augment: "shift" });
  assert.deepEqual(changes({}, { augment: ["rotate"] }), { dropout: "0.2" });
  assert.deepEqual(changes({ dropout: 0.5 }, { augment: ["rotate"] }), null);
});

test("with large mini-batches an early epoch says little, but the end of a short run does", () => {
  const { network, job, epochs } = run("full-batch-300");
  assert.deepEqual(hints(network, { ...job, state: "running" }, epochs.slice(0, 1)), []);
  assert.equal(hints(network, { ...job, total_epochs: 1, state: "completed" }, epochs.slice(0, 1))[0].cause, "steps");
});

test("nothing is known, nothing is said", () => {
  const { network, job, epochs } = run("overfit");
  assert.deepEqual(hints(network, job, []), []);
  assert.deepEqual(hints(network, { ...job, state: "diverged" }, epochs), []);
  assert.deepEqual(hints(network, { ...job, learning_rate: undefined }, epochs), []);
  const empty = { epoch: 1, accuracy: null, loss: null, testLoss: null, gradientNorm: null, neurons: null };
  assert.deepEqual(hints(network, job, [empty, { ...empty, epoch: 2 }]), []);
});
