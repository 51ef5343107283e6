/** The state follows the server: gaps are asked for, nothing is missed or doubled, whatever order things come in. */

import assert from "node:assert/strict";
import test from "node:test";

import { createStore } from "../../static/js/store.js";
import { createSync } from "../../static/js/sync.js";

const update = (seq, epoch = seq) => ({
  event: "training_update",
  data: { job_id: "j", network_id: "n", seq, epoch, total_epochs: 5, accuracy: 0.5, progress: epoch * 20, elapsed_time: epoch, attempt: 1 },
});
const complete = (seq) => ({ event: "training_complete", data: { job_id: "j", network_id: "n", seq, accuracy: 0.9, progress: 100, status: "completed" } });
const record = (more = {}) => ({ job_id: "j", network_id: "n", state: "running", progress: 0, epoch: 0, total_epochs: 5, last_seq: 0, created_at: "2026-01-01T00:00:00.000Z", ...more });
const settled = async () => { for (let i = 0; i < 20; i += 1) await Promise.resolve(); };

/** A store beside a server that holds `sent` events. */
function scene({ sent = [], job = record(), fail = () => false, now = () => 1000 } = {}) {
  const asked = [];
  const server = { sent, job, status: { active_networks: 1 }, networks: [{ network_id: "n", created_at: "1", active_job_id: "j" }] };
  const guard = () => { if (fail()) throw Object.assign(new Error("no answer"), { status: 0 }); };
  const api = {
    status: async () => { guard(); return { ...server.status }; },
    networks: async () => { guard(); return server.networks; },
    jobs: async () => { guard(); return [{ ...server.job }]; },
    job: async () => { guard(); return { ...server.job }; },
  };
  const missed = async (jobId, after) => {
    guard();
    asked.push(after);
    return { events: server.sent.filter((e) => e.data.seq > after), last_seq: server.sent.at(-1)?.data.seq ?? 0 };
  };
  const store = createStore();
  return { store, server, asked, sync: createSync({ store, api, missed, now }) };
}
const epochs = (store) => store.state.histories.j?.epochs.map((e) => e.epoch);

test("after a connection the unfinished job is caught up with from the start", async () => {
  const { store, sync, asked } = scene({ sent: [update(1), update(2)] });
  assert.equal(await sync.resync(), true);
  await settled();
  assert.deepEqual([epochs(store), asked, store.state.jobs.j.epoch], [[1, 2], [0], 2]);
});

test("a gap is asked for once, and nothing is doubled", async () => {
  const { store, sync, server, asked } = scene({ sent: [update(1)] });
  await sync.resync();
  await settled();
  server.sent = [1, 2, 3, 4].map((n) => update(n));
  sync.receive("training_update", update(3).data);
  sync.receive("training_update", update(4).data);
  await settled();
  assert.deepEqual(epochs(store), [1, 2, 3, 4]);
  assert.deepEqual(asked.slice(0, 2), [0, 1]);
  sync.receive("training_update", update(2).data);
  assert.deepEqual(epochs(store), [1, 2, 3, 4]);
});

test("what came while the connection was away arrives after it, in order, to the end", async () => {
  const { store, sync, server, asked } = scene({ sent: [update(1), update(2)] });
  await sync.resync();
  await settled();
  server.sent = [1, 2, 3, 4, 5].map((n) => update(n)).concat(complete(6));
  server.job = record({ state: "completed", progress: 100, epoch: 5, last_seq: 6, accuracy: 0.9 });
  await sync.resync();
  await settled();
  assert.deepEqual([epochs(store), asked, store.state.histories.j.ended], [[1, 2, 3, 4, 5], [0, 2], true]);
  assert.equal(store.state.jobs.j.state, "completed");
});

test("an old event never turns a finished job back", async () => {
  const { store, sync } = scene({ sent: [update(1), complete(2)], job: record({ state: "completed", progress: 100, epoch: 5, last_seq: 2 }) });
  await sync.resync();
  await sync.catchUp("j");
  await settled();
  assert.deepEqual([store.state.jobs.j.state, store.state.jobs.j.progress, epochs(store)], ["completed", 100, [1]]);
});

test("a server that does not answer changes nothing", async () => {
  let down = false;
  const { store, sync } = scene({ sent: [update(1)], fail: () => down });
  await sync.resync();
  await settled();
  down = true;
  assert.equal(await sync.resync(), false);
  await sync.pulse();
  await sync.catchUp("j");
  assert.deepEqual([epochs(store), store.state.networks.length], [[1], 1]);
});

test("examples are chosen anew after a run", async () => {
  const { store, sync } = scene({ sent: [] });
  await sync.resync();
  store.state.examples.n = { right: { status: "ready" }, wrong: { status: "ready" } };
  sync.receive("training_update", update(1).data);
  assert.ok(store.state.examples.n);
  sync.receive("training_complete", complete(2).data);
  assert.equal(store.state.examples.n, undefined);
});

const answers = (store) => ["examples", "readings", "galleries"].filter((shown) => store.state[shown].n);
const showAnswers = (store) => { for (const shown of ["examples", "readings", "galleries"]) store.state[shown].n = {}; };

test("answers of old weights go also when the end of the run was not heard", async () => {
  const { store, sync, server } = scene({ sent: [update(1)] });
  await sync.resync();
  await settled();
  showAnswers(store);
  await sync.resync();
  await settled();
  assert.equal(answers(store).length, 3);
  server.sent = [update(1), complete(2)];
  server.job = record({ state: "completed", progress: 100, epoch: 1, last_seq: 2, accuracy: 0.9 });
  await sync.resync();
  await settled();
  assert.deepEqual(answers(store), []);
});

test("answers of old weights go when a run that was never heard of has changed them", async () => {
  const { store, sync, server } = scene({ job: record({ state: "completed", last_seq: 2 }) });
  server.networks = [{ network_id: "n", created_at: "1", trained_at: "1" }];
  await sync.resync();
  showAnswers(store);
  await sync.resync();
  assert.equal(answers(store).length, 3);
  server.networks = [{ network_id: "n", created_at: "1", trained_at: "2" }];
  await sync.resync();
  assert.deepEqual(answers(store), []);
});

test("what is asked for at once after a run stays when the records are read", async () => {
  const { store, sync, server } = scene({ sent: [] });
  await sync.resync();
  server.networks = [{ network_id: "n", created_at: "1", trained_at: "2" }];
  server.job = record({ state: "completed", progress: 100, epoch: 1, last_seq: 2 });
  sync.receive("training_update", update(1).data);
  sync.receive("training_complete", complete(2).data);
  showAnswers(store);
  await settled();
  assert.equal(store.state.networks[0].trained_at, "2");
  assert.equal(answers(store).length, 3);
});

test("a change by someone else is seen at the next pulse", async () => {
  const { store, sync, server } = scene();
  await sync.resync();
  server.status = { active_networks: 2 };
  server.networks = [...server.networks, { network_id: "m", created_at: "2" }];
  await sync.pulse();
  assert.deepEqual(store.state.networks.map((n) => n.network_id), ["m", "n"]);
});

test("a job that waits is looked at again at every pulse, since no event says that it began", async () => {
  const { store, sync, server } = scene({ job: record({ state: "queued" }) });
  await sync.resync();
  assert.equal(sync.waiting(), true);
  server.job = record({ state: "running" });
  await sync.pulse();
  assert.deepEqual([store.state.jobs.j.state, sync.waiting()], ["running", false]);
});

test("a sign of life is taken without a number and asks for nothing", async () => {
  const { store, sync, asked } = scene({ job: record({ state: "queued" }) });
  await sync.resync();
  await settled();
  const before = asked.length;
  sync.receive("training_started", { job_id: "j", network_id: "n", attempt: 1 });
  sync.receive("training_progress", { job_id: "j", network_id: "n", progress: 10, loss: 0.5, elapsed_time: 1, eta_seconds: 9 });
  await settled();
  assert.deepEqual([store.state.jobs.j.state, store.state.jobs.j.progress], ["running", 10]);
  assert.equal(asked.length, before);
});

test("what was asked for before an answer or a pause does not undo them", async () => {
  let time = 1000;
  const { store, sync, server } = scene({ now: () => time });
  await sync.resync();
  for (const [news, expected] of [
    [() => sync.takeJobs([record({ pace: 10 })]), { pace: 10 }],
    [() => sync.receive("training_paused", { job_id: "j", network_id: "n", epoch: 1, batch: 5, batches: 10, step: 5 }), { state: "paused", batch: 5 }],
    [() => sync.receive("training_controlled", { job_id: "j", network_id: "n", state: "running", pace: 3 }), { state: "running", pace: 3 }],
  ]) {
    server.job = record();
    time += 10;
    const reading = sync.readJob("j"); // answered with what was
    time += 10;
    news();
    server.job = record(expected);
    time += 10;
    await reading;
    await settled();
    for (const [name, value] of Object.entries(expected)) assert.equal(store.state.jobs.j[name], value, name);
  }
});

test("what was said of settings asked for here is over when somebody asks for others", async () => {
  const { store, sync } = scene({ job: record({ learning_rate: 3, pending_changes: {} }) });
  const said = () => store.state.controls.j.said;
  await sync.resync();
  store.state.controls.j = { values: { momentum: "0.5" }, errors: {}, problem: "", said: "These are the settings the run has already." };
  const controlled = (more) => sync.receive("training_controlled", { job_id: "j", network_id: "n", state: "running", ...more });
  sync.takeJobs([record({ learning_rate: 1, pending_changes: { learning_rate: 1 } })]);
  assert.equal(said(), "");
  store.state.controls.j.said = "These are the settings the run has already.";
  controlled({ learning_rate: 1, pace: 10 });
  sync.receive("training_changed", { job_id: "j", network_id: "n", seq: 1, epoch: 1, batch: 5, step: 5, changes: { learning_rate: { from: 3, to: 1 } } });
  assert.match(said(), /has already/); // it still does
  controlled({ learning_rate: 0.5 });
  assert.deepEqual([said(), store.state.jobs.j.learning_rate], ["", 0.5]);
  assert.deepEqual(store.state.controls.j.values, { momentum: "0.5" });
});
