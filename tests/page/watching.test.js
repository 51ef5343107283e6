/** What the page watches: one network at a time, and nothing that is being deleted. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore } from "../../static/js/store.js";
import { createWatching, wanted } from "../../static/js/watching.js";

/** A page that shows a trained network and another one, and the requests that it makes. */
function page() {
  const store = createStore();
  store.update((s) => {
    s.networks = ["one", "two"].map((id) => ({ network_id: id, active_job_id: null, trained_at: "2026-01-01" }));
    s.route = { view: "network", id: "one", tab: "learn" };
    s.connection = "live";
  });
  const asked = [];
  const api = {
    frame: (id, about, signal) => new Promise((answer, refuse) => {
      asked.push({ id, about, signal, answer });
      signal.addEventListener("abort", () => refuse(new Error("aborted")));
    }),
  };
  const waiting = [];
  const watching = createWatching({ store, api, send: async () => ({}), isHidden: () => false, later: (work) => waiting.push(work) });
  store.subscribe(() => watching.follow());
  watching.follow();
  return { store, watching, asked, /** Lets time pass. */ rest: () => waiting.splice(0).forEach((work) => work()) };
}

const settled = () => new Promise((done) => setImmediate(done));

test("a network that rests is read once", async () => {
  const { store, asked } = page();
  store.update(() => {});
  assert.deepEqual(asked.map(({ id, about }) => [id, about.example]), [["one", 0]]);
});

test("what is read for nobody any more is given up, and nobody is told", async () => {
  const { store, asked } = page();
  store.update((s) => { s.route = { ...s.route, id: "two" }; });
  assert.deepEqual(asked.map(({ id, signal }) => [id, signal.aborted]), [["one", true], ["two", false]]);
  await settled();
  assert.equal(store.state.watching.problem, "");
});

test("what is being deleted is not read; what stays is read again", () => {
  const { store, asked } = page();
  store.update((s) => { s.busy.delete = true; });
  assert.equal(wanted(store.state, false), null);
  assert.ok(asked[0].signal.aborted);
  store.update((s) => { delete s.busy.delete; });
  assert.deepEqual(asked.map(({ id }) => id), ["one", "one"]);
});

test("a deletion does not disturb whom one watches in training", () => {
  const { store } = page();
  store.update((s) => {
    s.networks[0].active_job_id = "job";
    s.jobs.job = { job_id: "job", state: "running", network_id: "one" };
    s.busy.delete = true;
  });
  assert.equal(wanted(store.state, false).jobId, "job");
});

test("a neuron under the pointer is asked for when the pointer rests, and on Learn alone", () => {
  const { store, watching, asked, rest } = page();
  const neurons = () => asked.map(({ about }) => about.neuron);
  watching.pin("one", { layer: 1, neuron: 5 });
  for (const neuron of [0, 1, 2]) watching.hover("one", { layer: 1, neuron });
  assert.deepEqual(neurons(), [undefined, 5]);
  rest();
  assert.deepEqual(neurons(), [undefined, 5, 2]);
  watching.hover("one", { layer: 1, neuron: 3 });
  watching.hover("one", { layer: 1, neuron: 2 });
  rest();
  assert.deepEqual(neurons(), [undefined, 5, 2]); // the choice is the same
  store.update((s) => { s.route = { ...s.route, tab: "inside" }; });
  assert.deepEqual(neurons(), [undefined, 5, 2, 5]);
  store.update((s) => { s.route = { ...s.route, tab: "learn" }; });
  watching.hover("one", null);
  rest();
  assert.deepEqual(neurons(), [undefined, 5, 2, 5, 2, 5]);
});
