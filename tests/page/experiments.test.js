/** Experiments as links: what is in one, what is read from one, and the same start again. */

import assert from "node:assert/strict";
import test from "node:test";

import * as links from "../../static/js/logic/experiments.js";
import { checkNetwork, checkTraining, effectiveRate, emptyCreateForm } from "../../static/js/logic/forms.js";
import { parseRoute } from "../../static/js/logic/routes.js";

const NETWORK = { name: "first", architecture: [784, 128, 64, 10], activation: "relu", loss: "cross_entropy", initializer: "he", seed: 7, dropout: 0.2 };
const JOB = {
  total_epochs: 5, mini_batch_size: 32, learning_rate: 0.02, seed: 11, optimizer: "sgd", momentum: 0.9, nesterov: true, weight_decay: 0.0001, schedule: "step",
  step_every: 3, step_factor: 0.5, warm_up: 1, clip_norm: 2, label_smoothing: 0.1, augment: ["shift", "rotate"], shuffle: false,
};

test("a plain experiment is a short link", () => {
  assert.equal(links.experimentHref(emptyCreateForm()), "#/new?hidden=30&activation=sigmoid&epochs=30&mini_batch_size=10&learning_rate=3");
  assert.match(links.experimentHref({ ...emptyCreateForm(), hidden: " 128, 64 " }), /hidden=128-64&/);
});

test("a link fills the form, and the form gives the link", () => {
  const { values, ignored } = links.formFromQuery(parseRoute("#/new?hidden=128-64&activation=relu&epochs=5&seed=7").query);
  assert.deepEqual(ignored, []);
  assert.deepEqual(values, { ...emptyCreateForm(), hidden: "128, 64", activation: "relu", epochs: "5", seed: "7" });
  const bodies = (form) => [checkNetwork(form).body, checkTraining({ ...form, learning_rate: effectiveRate(form) }).body];
  for (const hidden of ["30", "", "128, 64"]) {
    const form = { ...links.sameStart(NETWORK, JOB), hidden };
    const again = links.formFromQuery(parseRoute(links.experimentHref(form)).query);
    assert.deepEqual(again.ignored, []);
    assert.deepEqual(bodies(again.values), bodies(form));
  }
});

test("the same start names the seeds and everything else that decides the result", () => {
  const form = links.sameStart(NETWORK, JOB);
  assert.deepEqual(checkNetwork(form).body, { layer_sizes: [784, 128, 64, 10], activation: "relu", loss: "cross_entropy", initializer: "he", seed: 7, dropout: 0.2 });
  const { total_epochs: epochs, optimizer, ...rest } = JOB; // sgd goes without saying
  assert.deepEqual(checkTraining(form).body, { epochs, ...rest });
});

test("the same start has the settings from before the changes on the way", () => {
  const form = links.sameStart(NETWORK, { ...JOB, initial_settings: { learning_rate: 3, momentum: 0, mini_batch_size: 10 } });
  assert.equal(form.learning_rate, "3");
  assert.equal(form.mini_batch_size, "10");
});

test("what a link may not say is left out with a sentence", () => {
  const table = [
    ["colour=red", /"colour" is no setting/], ["constructor=1", /"constructor" is no setting/], ["activation=cube", /not one of sigmoid, tanh, relu and leaky_relu/],
    ["epochs=0", /epochs "0" was left out: Epochs must be from 1 to 10,000/], ["hidden=128-x", /hidden "128-x" was left out/], ["seed=-1", /seed "-1" was left out/],
    ["shuffle=maybe", /not one of true and false/], ["augment=shift-flip", /not one of shift, rotate and elastic/], ["learning_rate=fast", /must be a number/],
    ["nesterov=true&momentum=2", /momentum "2" was left out: The momentum must be from 0 to below 1/], ["warm_up=40", /shorter than the training/],
    [`epochs=${"9".repeat(90)}`, /9{40}\u2026/],
  ];
  for (const [query, pattern] of table) {
    const { values, ignored } = links.formFromQuery(parseRoute(`#/new?${query}&name=kept`).query);
    assert.match(ignored.join(" "), pattern, query);
    assert.equal(values.name, "kept");
  }
  assert.equal(links.formFromQuery({ epochs: "0" }).values.epochs, "30");
});

test("an imported network has no start to go back to", () => {
  assert.equal(links.canStartAgain(NETWORK), true);
  assert.equal(links.canStartAgain({ ...NETWORK, initializer: "imported" }), false);
  assert.equal(links.canStartAgain({ ...NETWORK, seed: null }), false);
});

test("a network made after another one says so in its name", () => {
  assert.equal(links.nameAfter(NETWORK, links.changeWords({ learning_rate: "0.1", shuffle: "true" })), "first, rate 0.1, shuffled");
  assert.equal([...links.nameAfter({ name: "\u{1f99b}".repeat(100) }, "again")].length, 100);
});

test("the note on a start says which settings it has, where some were changed on the way", () => {
  const changes = [{ step: 10, epoch: 1, batch: 10, learning_rate: 0.5 }];
  const changed = { ...JOB, changes };
  assert.equal(links.wasChanged(changed), true);
  assert.equal(links.wasChanged({ ...JOB, changes: [], pending_changes: { learning_rate: 0.5 } }), true);
  assert.equal(links.wasChanged({ ...JOB, changes: [], pending_changes: {} }), false);
  assert.match(links.startNote(NETWORK, true), /^This is the start of \u201cfirst\u201d: .+, the settings that run began with, without those changed on the way\. Change one thing/);
  assert.match(links.startNote({ ...NETWORK, name: null }, false), /of \u201c784-128-64-10\u201d: .+ order of the images, the same settings\. Change/);
});
