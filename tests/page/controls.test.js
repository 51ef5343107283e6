/** What can be done with a run in each state, what may be typed, and where changes stand on the curves. */

import assert from "node:assert/strict";
import test from "node:test";

import * as controls from "../../static/js/logic/controls.js";
import { createControls } from "../../static/js/controls.js";
import { applyEvent, emptyHistory } from "../../static/js/logic/history.js";
import { jobAfter, jobUnderWay, networkStatus, stateWord } from "../../static/js/logic/jobs.js";
import { createStore, shownJob } from "../../static/js/store.js";

const RUNNING = { job_id: "j", network_id: "n", state: "running", epoch: 2, total_epochs: 10, batch: 0, batches: null, step: 10_000, learning_rate: 3, momentum: 0, mini_batch_size: 10, optimizer: "sgd" };
const PAUSED = { ...RUNNING, state: "paused", batch: 120, batches: 5000, step: 10_120, loss: 0.05, loss_so_far: 0.0312 };
const words = (job, busy = {}) => controls.controlsOf(job, busy).map(({ word, off }) => (off ? `${word} (${off})` : word));

test("each state has its controls, and what cannot be done now says why", () => {
  const steps = ["One mini-batch (Pause the run first.)", "One epoch (Pause the run first.)"];
  for (const state of ["running", "queued", "interrupted"]) assert.deepEqual(words({ ...RUNNING, state }), ["Pause", ...steps, "Stop"]);
  assert.deepEqual(words({ ...RUNNING, pause_requested: true }), ["Pausing\u2026 (The run pauses after its current mini-batch.)", ...steps, "Stop"]);
  assert.deepEqual(words(PAUSED), ["Resume", "One mini-batch", "One epoch", "Stop"]);
  const stepping = "(One mini-batch is being trained.)";
  for (const [job, busy] of [[PAUSED, { "batch:j": true }], [{ ...PAUSED, pause_requested: true }, {}]]) {
    assert.deepEqual(words(job, busy), [`Resume ${stepping}`, `One mini-batch ${stepping}`, `One epoch ${stepping}`, "Stop"]);
  }
  for (const word of words({ ...PAUSED, cancel_requested: true })) assert.match(word, /The run is being stopped/);
  for (const state of ["completed", "failed", "cancelled", "diverged"]) assert.deepEqual(words({ ...RUNNING, state }), []);
});

test("where a run stands is said in a sentence", () => {
  assert.match(controls.standing(PAUSED), /^Paused: epoch 3 of 10, 120 of 5,000 mini-batches finished\. The worker is free for others\.$/);
  assert.match(controls.standing({ ...PAUSED, batch: 0 }), /^Paused: 2 of 10\sepochs finished\./);
  assert.match(controls.standing({ ...PAUSED, batch: 0, epoch: 0 }), /^Paused: 0 of 10\sepochs finished\./);
  assert.match(controls.standing({ ...PAUSED, batch: 1, batches: null }), /epoch 3 of 10, 1 mini-batch finished\./);
  assert.equal(controls.standing(RUNNING), "At full speed.");
  assert.equal(controls.standing({ ...RUNNING, pause_at: 3 }), "At full speed; pauses at the end of this epoch.");
  assert.equal(controls.standing({ ...RUNNING, pause_at: 3, pace: 30 }), "In slow motion: 30\u00a0mini-batches a second; pauses at the end of this epoch.");
  assert.match(controls.standing({ ...RUNNING, pause_at: 3, state: "queued" }), /^The run waits\. It pauses at the end of this epoch\./);
  assert.equal(controls.standing({ ...RUNNING, pause_at: 10, epoch: 9 }), "At full speed."); // it is over then
  assert.equal(controls.standing({ ...RUNNING, pause_at: null }), "At full speed.");
  assert.equal(controls.standing({ ...RUNNING, pace: 1 }), "In slow motion: 1\u00a0mini-batch a second.");
  assert.equal(controls.standing({ ...RUNNING, pace: 30 }), "In slow motion: 30\u00a0mini-batches a second.");
  assert.equal(controls.standing({ ...RUNNING, pace: 0.1 }), "In slow motion: one mini-batch in 10\u00a0s.");
  assert.equal(controls.pausedWords(PAUSED), "Paused: epoch 3 of 10, 120 of 5,000 mini-batches finished. Training loss of this epoch so far: 0.03120.");
});

test("a pace that was set from elsewhere stands among the choices", () => {
  assert.equal(controls.pacesWith(10), controls.PACES);
  assert.deepEqual(controls.pacesWith(0.5), [0.5, ...controls.PACES]);
  assert.deepEqual(controls.pacesWith(25), [1, 3, 10, 25, 30, 100, null]);
  assert.deepEqual(controls.pacesWith(1000), [1, 3, 10, 30, 100, 1000, null]);
});

test("settings in flight are checked in words, and only what differs is sent", () => {
  assert.deepEqual(controls.checkSettings(RUNNING, { learning_rate: "0.5", momentum: "0", mini_batch_size: "32" }).body, { learning_rate: 0.5, mini_batch_size: 32 });
  assert.deepEqual(controls.checkSettings(RUNNING, {}), { errors: {}, body: {} });
  const table = [["learning_rate", "0", /above 0/], ["momentum", "1", /below 1/], ["mini_batch_size", "0", /1 to 50,000/], ["mini_batch_size", "", /whole number/]];
  for (const [field, value, pattern] of table) assert.match(controls.checkSettings(RUNNING, { [field]: value }).errors[field], pattern);
  assert.deepEqual(controls.settingsOf({ ...RUNNING, optimizer: "adam" }), ["learning_rate", "mini_batch_size"]);
  assert.deepEqual(controls.checkSettings({ ...RUNNING, optimizer: "adam" }, { momentum: "x" }).errors, {});
  assert.equal(controls.askedWords({ learning_rate: 0.5, mini_batch_size: 1000 }), "Learning rate 0.5 counts from the next mini-batch on. Mini-batch size 1,000 counts from the next epoch on.");
});

test("what is said of settings goes with them: asked for, taken, and nothing when that epoch is over", () => {
  const asked = { body: { learning_rate: 0.5 }, epoch: 3 };
  const words = (more) => controls.takenWords({ ...RUNNING, epoch: 3, learning_rate: 0.5, changes: [], pending_changes: {}, ...more }, asked);
  const made = [{ epoch: 4, batch: 7, learning_rate: 0.5 }];
  assert.equal(words({ pending_changes: { learning_rate: 0.5 } }), "Learning rate 0.5 counts from the next mini-batch on.");
  assert.equal(words({}), "Learning rate 0.5 counts from the next mini-batch on."); // its event is on the way
  assert.equal(words({ changes: made }), "Learning rate 0.5 counts since epoch 4.");
  assert.deepEqual([words({ changes: made, epoch: 4 }), words({ epoch: 4 }), words({ learning_rate: 1, pending_changes: { learning_rate: 1 } })], ["", "", ""]);
  // An earlier change to the same value is not this one.
  assert.equal(words({ changes: [{ epoch: 2, batch: 0, learning_rate: 0.5 }], pending_changes: { learning_rate: 0.5 } }), "Learning rate 0.5 counts from the next mini-batch on.");
  assert.equal(controls.takenWords(RUNNING, undefined), "");
});

test("changes are marked where they were made, and told in the summary", () => {
  const history = emptyHistory();
  const change = (seq, epoch, batch, changes) => applyEvent(history, "training_changed", { seq, epoch, batch, step: 1, changes });
  change(1, 3, 2500, { learning_rate: { from: 3, to: 0.5 }, mini_batch_size: { from: 10, to: 100 } });
  change(2, 5, 125, { momentum: { from: 0, to: 0.9 } });
  const marks = controls.marksOf(history.changes, { mini_batch_size: 100 });
  assert.deepEqual(marks.map(({ x, where, what }) => [x, where, what]), [
    [2.5, "in epoch 3", "learning rate from 3 to 0.5, mini-batch size from 10 to 100"], [4.25, "in epoch 5", "momentum from 0 to 0.9"],
  ]);
  assert.equal(controls.marksSummary(marks), " Changed on the way: in epoch 3 learning rate from 3 to 0.5, mini-batch size from 10 to 100; in epoch 5 momentum from 0 to 0.9.");
  assert.equal(controls.marksSummary([]), "");
  assert.equal(history.epochs.length, 0);
});

test("events of a pause and of a change move the job on", () => {
  const paused = jobUnderWay(RUNNING, "training_paused", { epoch: 3, batch: 120, batches: 5000, step: 10_120, loss: 0.03 }, 5);
  assert.equal(stateWord(paused), "Paused");
  assert.deepEqual([paused.epoch, paused.batch, paused.step, paused.pause_requested], [2, 120, 10_120, false]);
  assert.deepEqual(networkStatus({ trained: true }, paused), { kind: "paused", text: "Paused 20\u00a0%" });
  assert.equal(stateWord({ ...RUNNING, pause_requested: true }), "Pausing");
  const changed = jobAfter({ ...RUNNING, pending_changes: { learning_rate: 1 } }, "training_changed", { seq: 1, changes: { learning_rate: { from: 3, to: 1 } } }, 5);
  assert.deepEqual([changed.learning_rate, changed.pending_changes, changed.state], [1, {}, "running"]);
});

/** The actions with a server that answers as it is told. @param {(what: string, body: any) => any} answer */
function acting(answer) {
  const store = createStore();
  store.state.jobs.j = { ...PAUSED, received: 1 };
  const said = [];
  const sync = {
    takeJobs: (jobs) => store.update((s) => { for (const job of jobs) s.jobs[job.job_id] = { ...job, received: 2 }; }),
    readJob: async () => { said.push("read"); },
  };
  const once = async (key, work) => {
    store.state.busy[key] = true;
    await work();
    delete store.state.busy[key];
  };
  const basics = { notify: (_, text) => said.push(text), once, readAgainIfGone() {} };
  return { store, said, act: createControls({ store, api: { control: async (_, what, body) => answer(what, body, store) }, sync, basics }) };
}

test("a single step stays paused to the eye until its end is told", async () => {
  const { store, act } = acting((what, body, { state, update }) => {
    assert.deepEqual([what, body], ["step", { unit: "batch" }]);
    update((s) => { s.jobs.j = { ...s.jobs.j, state: "running" }; });
    assert.equal(shownJob(state, state.jobs.j).state, "paused");
    setTimeout(() => update((s) => { s.jobs.j = jobUnderWay(s.jobs.j, "training_paused", { step: 10_121 }, 3); }));
  });
  await act.oneBatch("j");
  assert.deepEqual(store.state.busy, {});
  assert.equal(store.state.jobs.j.step, 10_121);
});

test("an event that overtakes the answer is not undone by it", async () => {
  const { store, said, act } = acting((what, body, { update }) => {
    update((s) => { s.jobs.j = { ...s.jobs.j, state: "paused" }; }); // by an event that is no sign of life
    return { ...RUNNING, pause_requested: true };
  });
  await act.pause("j");
  assert.equal(store.state.jobs.j.state, "paused");
  assert.deepEqual(said, ["read"]);
});

test("what the server refuses is said, and the job is read again", async () => {
  const { said, act } = acting(() => { throw Object.assign(new Error("This job is paused already."), { status: 409 }); });
  await act.pause("j");
  assert.deepEqual(said, ["This job is paused already.", "read"]);
});

test("settings that were refused stay in the form with the reason", async () => {
  const { store, act } = acting(() => { throw Object.assign(new Error("Not so."), { status: 422, fields: { momentum: "Too much." } }); });
  act.editSetting("j", "momentum", "0.5");
  await act.applySettings("j");
  assert.deepEqual(store.state.controls.j, { values: { momentum: "0.5" }, errors: { momentum: "Too much." }, problem: "Not so.", said: "" });
});
