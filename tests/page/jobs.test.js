/** Jobs in words: list, time left, advice, and what a screen reader is told and how often. */

import assert from "node:assert/strict";
import test from "node:test";

import * as jobs from "../../static/js/logic/jobs.js";

const spaced = (text) => text.replaceAll("\u00a0", " ");
const running = { state: "running", progress: 40, epoch: 12, total_epochs: 30, accuracy: 0.95, elapsed_time: 10, eta_seconds: 15, received: 1000, last_seq: 12 };

test("the four words of the list", () => {
  const network = { trained: true };
  assert.equal(spaced(jobs.networkStatus(network, running).text), "Training 40 %");
  assert.deepEqual(jobs.networkStatus(network, { state: "queued" }), { kind: "queued", text: "Queued" });
  assert.deepEqual(jobs.networkStatus(network, { state: "completed" }), { kind: "trained", text: "Trained" });
  assert.deepEqual(jobs.networkStatus({ trained: false }, null), { kind: "new", text: "New" });
  assert.equal(spaced(jobs.networkStatus(network, running, true).text), "Last heard: Training 40 %");
  assert.equal(jobs.networkStatus(network, { state: "paused" }, true).text.slice(0, 18), "Last heard: Paused");
  assert.equal(jobs.networkStatus(network, { state: "queued" }, true).text, "Last heard: Queued");
  assert.equal(jobs.networkStatus(network, { state: "completed" }, true).text, "Trained");
  assert.equal(jobs.stateWord({ ...running, cancel_requested: true }), "Stopping");
});

test("time left counts down between reports and never below nothing", () => {
  assert.equal(spaced(jobs.timeLeft(running, 1000)), "15 s");
  assert.equal(spaced(jobs.timeLeft(running, 6000)), "10 s");
  assert.equal(jobs.timeLeft(running, 99_000), "almost done");
  assert.equal(jobs.timeLeft({ ...running, eta_seconds: null }, 1000), "known in a moment");
  assert.equal(jobs.elapsed(running, 3000), 12);
  assert.equal(jobs.elapsed({ ...running, state: "completed" }, 3000), 10);
  assert.equal(jobs.elapsed({ ...running, elapsed_time: null }, 3000), null);
});

test("an event moves the job on; one that is known already does not", () => {
  const update = { seq: 13, epoch: 13, total_epochs: 30, accuracy: 0.96, progress: 43.3, elapsed_time: 11, eta_seconds: 14, state: "running" };
  const after = jobs.jobAfter(running, "training_update", update, 2000);
  assert.deepEqual([after.epoch, after.received, after.last_seq, after.eta_seconds], [13, 2000, 13, 14]);
  assert.equal(jobs.jobAfter(after, "training_update", update, 3000), after);
  const done = jobs.jobAfter(after, "training_complete", { seq: 14, accuracy: 0.961, state: "completed" }, 4000);
  assert.deepEqual([done.state, done.progress, done.accuracy], ["completed", 100, 0.961]);
  const failed = jobs.jobAfter(after, "training_error", { seq: 14, error: "out of memory" }, 4000);
  assert.deepEqual([failed.state, failed.error], ["failed", "out of memory"]);
});

test("who hears that a run was controlled shows what holds now, without a new time or number", () => {
  const paused = { ...running, state: "paused", job_id: "j", pace: null, learning_rate: 3, pending_changes: {}, pause_requested: false };
  const holds = { state: "queued", pace: 10, learning_rate: 0.5, momentum: 0, mini_batch_size: 10, pending_changes: { learning_rate: 0.5 }, pause_requested: false, cancel_requested: true };
  const after = jobs.jobControlled(paused, { job_id: "j", timestamp: "2026-01-01T00:00:00.000Z", ...holds });
  assert.deepEqual(after, { ...paused, ...holds });
  const ended = { ...paused, state: "completed" };
  assert.equal(jobs.jobControlled(ended, { job_id: "j", ...holds }), ended);
});

test("settings that were asked for again since are shown until the run takes them", () => {
  const job = { ...running, learning_rate: 1, momentum: 0.9, pending_changes: { learning_rate: 1, momentum: 0.9 } };
  const changes = { learning_rate: { from: 3, to: 0.5 }, momentum: { from: 0, to: 0.9 } };
  const event = { seq: 13, step: 5200, epoch: 2, batch: 200, changes };
  const after = jobs.jobAfter(job, "training_changed", event, 2000);
  assert.deepEqual([after.learning_rate, after.momentum, after.pending_changes], [1, 0.9, { learning_rate: 1 }]);
  assert.deepEqual(after.changes, [{ step: 5200, epoch: 2, batch: 200, learning_rate: 0.5, momentum: 0.9 }]);
  const record = { ...after, changes: [...after.changes] };
  assert.equal(jobs.jobAfter(record, "training_changed", event, 3000), record); // a record that was read holds it already
  const { changes: both } = jobs.jobAfter(record, "training_changed", { seq: 14, step: 9, epoch: 3, batch: 0, changes: { learning_rate: { from: 0.5, to: 1 } } }, 4000);
  assert.deepEqual(both.map(({ epoch, learning_rate: rate }) => [epoch, rate]), [[2, 0.5], [3, 1]]);
});

test("a sign of life between epochs moves the bar and never brings an ended run back", () => {
  const queued = { state: "queued", status: "pending", queue_position: 2, progress: 0, last_seq: 0 };
  const started = jobs.jobUnderWay(queued, "training_started", { attempt: 1 }, 2000);
  assert.deepEqual([started.state, started.queue_position, started.progress], ["running", null, 0]);
  const later = jobs.jobUnderWay({ ...started, loss: 0.4 }, "training_progress", { progress: 12.5, loss: 0.3, elapsed_time: 1, eta_seconds: 7 }, 3000);
  assert.deepEqual([later.progress, later.loss, later.loss_so_far, later.eta_seconds, later.received, later.last_seq], [12.5, 0.4, 0.3, 7, 3000, 0]);
  const slow = jobs.jobUnderWay(started, "training_progress", { images_per_second: 30 }, 0);
  assert.equal(jobs.presentSpeed(slow, { speed: 200_000 }), 30);
  assert.equal(jobs.presentSpeed({ ...slow, state: "paused" }, { speed: 200_000 }), 200_000);
  const ended = { ...running, state: "cancelled" };
  assert.equal(jobs.jobUnderWay(ended, "training_progress", { progress: 50 }, 3000), ended);
  assert.equal(spaced(jobs.announcement(started, { ...later, total_epochs: 2, epoch: 0 })), "Training 12 %: epoch 1 of 2.");
});

test("the loss of a whole epoch and that of the epoch under way never take each other's name", () => {
  const before = { ...running, state: "running", attempt: 1, loss: 0.04, batch: 0, step: 60_000 };
  const last = { epoch: 12, loss: 0.04 };
  assert.deepEqual(jobs.trainingLosses(before, last), [["Training loss, epoch 12", 0.04], ["Training loss so far", null]]);
  const under = jobs.jobUnderWay(before, "training_progress", { loss: 0.9, batch: 100, batches: 5000, step: 60_100 }, 2000);
  const both = [["Training loss, epoch 12", 0.04], ["Training loss so far", 0.9]];
  for (const known of [last, undefined]) assert.deepEqual(jobs.trainingLosses(under, known), both);
  const paused = jobs.jobUnderWay(under, "training_paused", { epoch: 13, batch: 100, batches: 5000, step: 60_100, loss: 0.9 }, 2000);
  assert.deepEqual(jobs.trainingLosses(paused, last), both);
  const next = jobs.jobAfter(paused, "training_update", { seq: 13, epoch: 13, total_epochs: 30, loss: 0.03 }, 2000);
  assert.deepEqual(jobs.trainingLosses({ ...next, batch: 1 }, { epoch: 13, loss: 0.03 }), [["Training loss, epoch 13", 0.03], ["Training loss so far", null]]);
  assert.deepEqual(jobs.trainingLosses({ ...paused, state: "completed" }, last), [["Training loss, epoch 12", 0.04]]);
  assert.deepEqual(jobs.trainingLosses({ state: "running", epoch: 0, loss: null }, undefined), [["Training loss", null], ["Training loss so far", null]]);
  assert.deepEqual(jobs.trainingLosses({ state: "cancelled", epoch: 0, loss: null }, undefined), []);
});

test("a run that pauses at the end of its epoch says of what its time left is", () => {
  const job = { ...running, state: "running", epoch: 2, total_epochs: 10 };
  for (const pause_at of [undefined, null, 2, 10]) assert.equal(jobs.timeLeftTerm({ ...job, pause_at }), "Time left", String(pause_at));
  assert.equal(jobs.timeLeftTerm({ ...job, pause_at: 3 }), "Time left, whole run");
  const paused = jobs.jobUnderWay({ ...job, pause_at: 3 }, "training_paused", { epoch: 4, batch: 0, batches: null, step: 15_000 }, 0);
  assert.equal(paused.pause_at, null);
});

test("advice after a divergence is a smaller rate, and never larger than what suits the network", () => {
  assert.equal(jobs.advice({ state: "diverged", learning_rate: 3 }, 3).rate, 0.3);
  assert.equal(jobs.advice({ state: "diverged", learning_rate: 700 }, 0.1).rate, 0.1);
  assert.match(jobs.advice({ state: "diverged" }, 3).tryText, /smaller learning rate/);
  const error = "The training diverged in epoch 3, in mini-batch 4 of 5,000: the loss is no longer a finite number. Try a smaller learning rate. The network keeps the weights it had before.";
  const high = jobs.advice({ state: "diverged", learning_rate: 50, error }, 0.1);
  assert.equal(high.text, "The training diverged in epoch 3, in mini-batch 4 of 5,000: the loss is no longer a finite number. The network keeps the weights it had before.");
  assert.match(high.tryText, /^Learning rate 50 is above the usual 0\.1\. .+ Try a learning rate of 0\.1\.$/);
  const changes = [{ epoch: 2, learning_rate: 0.5 }, { epoch: 3, learning_rate: 50 }, { epoch: 3, momentum: 0.5 }];
  assert.match(jobs.advice({ state: "diverged", learning_rate: 50, changes }, 0.1).tryText, /^Learning rate 50, in force since epoch 3, is above the usual 0\.1\./);
  assert.match(jobs.advice({ state: "diverged", learning_rate: 0.05, changes: [] }, 0.1).tryText, /^Learning rate 0\.05 is not above the usual 0\.1, and yet too high .+ Try a learning rate of 0\.005\.$/);
  assert.match(jobs.advice({ state: "failed", error: null }, 3).text, /no reason/);
  assert.equal(jobs.advice({ state: "completed" }, 3), null);
  const stopped = (epoch) => spaced(jobs.advice({ state: "cancelled", epoch, total_epochs: 30, batch: 9, batches: 5000 }, 3).text);
  assert.equal(stopped(12), "This run was stopped with 12 of 30 epochs finished. The network keeps what they taught it.");
  assert.equal(stopped(0), "This run was stopped with 0 of 30 epochs finished. The network is as it was before.");
});

test("what is shown of a network after a run that diverged is said, and of no other", () => {
  const said = (network, last) => spaced(jobs.divergedWords(network, last));
  assert.match(said({ trained: false }, { state: "diverged", epoch: 0 }), /diverged\. You see its first weights, with which it can only guess\.$/);
  assert.match(said({ trained: true }, { state: "diverged", epoch: 0 }), /what it had learned before that run\.$/);
  assert.match(said({ trained: true }, { state: "diverged", epoch: 2 }), /what it had learned until then, in 2 epochs of that run\.$/);
  for (const last of [null, undefined, { state: "completed", epoch: 2 }]) assert.equal(jobs.divergedWords({ trained: true }, last), "");
});

test("a screen reader hears the start, every tenth and the end, not every epoch", () => {
  const at = (progress) => ({ ...running, progress });
  assert.equal(jobs.announcement({ state: "queued" }, at(3)), "Training started.");
  assert.equal(jobs.announcement(at(41), at(44)), "");
  assert.match(spaced(jobs.announcement(at(48), at(52))), /^Training 52 %: epoch 13 of 30, accuracy 95\.0 %\.$/);
  assert.match(spaced(jobs.announcement(at(97), { ...at(100), state: "completed" })), /Training completed\. Accuracy 95\.0 %/);
  assert.equal(jobs.announcement(at(50), { ...at(50), state: "diverged", error: "The loss grew." }), "The loss grew.");
});

test("a waiting job says why and what happens next", () => {
  assert.match(jobs.waitingText({ state: "queued", queue_position: 3 }), /number 3 in the queue/);
  assert.match(jobs.waitingText({ state: "queued", queue_position: null }), /starts by itself/);
  assert.match(jobs.waitingText({ state: "interrupted" }), /goes on by itself/);
});
