/** What a person does, told to a server that says no: the page reads everything again where it was behind. */

import assert from "node:assert/strict";
import test from "node:test";

import { createActions } from "../../static/js/actions.js";
import { createStore } from "../../static/js/store.js";

/** Actions before a server that refuses everything with this code. */
function refusedWith(code) {
  let resyncs = 0;
  const refuse = async () => { throw Object.assign(new Error("It is gone."), { status: 404, code }); };
  const api = new Proxy({}, { get: () => refuse });
  const sync = { resync: async () => { resyncs += 1; return true; }, readNetworks: async () => {}, takeJobs() {}, catchUp() {}, pulse() {} };
  const store = createStore();
  const actions = createActions({ store, api, sync, go: () => {}, focusError: () => {} });
  actions.ensureTrainForm("n", { epochs: "1", mini_batch_size: "10", learning_rate: "3" });
  return { store, actions, resyncs: () => resyncs };
}

for (const [name, act] of [["train", (a) => a.train("n")], ["cancel", (a) => a.cancel("j")], ["remove", (a) => a.remove("n")], ["example", (a) => a.example("n", "right")]]) {
  test(`${name}: what is gone is noticed at once, and once`, async () => {
    const scene = refusedWith("unknown_network");
    await act(scene.actions);
    assert.equal(scene.resyncs(), 1);
    const said = name === "example" ? scene.store.state.examples.n.right.error : scene.store.state.notice.text;
    assert.equal(said, "It is gone.");
  });
}

test("the train form follows the last run until something is typed into it", async () => {
  const { store, actions } = refusedWith("unknown_network");
  const adam = { epochs: "3", mini_batch_size: "64", learning_rate: "0.001", optimizer: "adam" };
  assert.deepEqual(actions.ensureTrainForm("n", adam).values, adam);
  actions.edit("n", "epochs", "7");
  assert.equal(actions.ensureTrainForm("n", { ...adam, epochs: "5" }).values.epochs, "7");
  assert.equal(store.state.forms.train.n.values.optimizer, "adam");
});

test("another refusal is no reason to read everything again", async () => {
  const scene = refusedWith("no_such_example");
  await scene.actions.example("n", "right");
  assert.equal(scene.resyncs(), 0);
});
