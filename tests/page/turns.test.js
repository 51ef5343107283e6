/** One request at a time, the next one about the latest: told to a server that answers when the test says so. */

import assert from "node:assert/strict";
import test from "node:test";

import { createDrawing } from "../../static/js/drawing.js";
import { answered, ask, due, freeTurns, stillStands } from "../../static/js/logic/turns.js";
import { createStore } from "../../static/js/store.js";

test("the latest is due until it has its answer; while a request is under way nothing is", () => {
  let turns = freeTurns();
  assert.equal(due(turns, 1), true);
  turns = ask(turns, 1);
  assert.equal(due(turns, 1), false);
  assert.equal(due(turns, 5), false);
  turns = answered(turns);
  assert.equal(due(turns, 1), false);
  assert.equal(due(turns, 5), true);
});

test("what cannot be is refused", () => {
  assert.throws(() => ask(ask(freeTurns(), 1), 2), /under way already/);
  assert.throws(() => answered(freeTurns()), /No request/);
});

/** A drawing before a server whose answers are given by hand. */
function scene() {
  const asked = [];
  const api = { readPicture: (id) => new Promise((resolve, reject) => asked.push({ id, resolve, reject })) };
  const store = createStore();
  let resyncs = 0;
  const act = createDrawing({ store, api, sync: { resync: () => { resyncs += 1; } }, fileOf: async () => "a file" });
  return { act, asked, state: store.state, resyncs: () => resyncs };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a hundred moves while an answer is awaited are one request more", async () => {
  const { act, asked, state } = scene();
  act.penDown([0.5, 0.1]);
  for (let i = 0; i < 100; i += 1) {
    void act.readDrawing("n");
    await settled();
    act.penMove([[0.5, 0.1 + i / 120]]);
  }
  assert.equal(asked.length, 1);
  asked[0].resolve({ predicted_digit: 1 });
  await settled();
  void act.readDrawing("n");
  await settled();
  assert.equal(asked.length, 2);
  asked[1].resolve({ predicted_digit: 7 });
  await settled();
  void act.readDrawing("n");
  await settled();
  assert.equal(asked.length, 2);
  assert.equal(state.readings.n.data.predicted_digit, 7);
});

test("an empty sheet is nothing to ask about", async () => {
  const { act, asked } = scene();
  void act.readDrawing("n");
  act.penDown([0.5, 0.5]);
  act.clear();
  void act.readDrawing("n");
  await settled();
  assert.equal(asked.length, 0);
});

test("an answer about what was wiped off does not stand for what is drawn next", async () => {
  const { act, asked, state } = scene();
  const stands = () => stillStands(state.readings.n.turns, state.drawing.since);
  act.penDown([0.5, 0.5]);
  void act.readDrawing("n");
  await settled();
  assert.equal(stands(), false);
  act.clear();
  act.penDown([0.2, 0.2]);
  asked[0].resolve({ predicted_digit: 1 });
  await settled();
  assert.equal(stands(), false);
  void act.readDrawing("n");
  await settled();
  act.penMove([[0.3, 0.3]]);
  asked[1].resolve({ predicted_digit: 7 });
  await settled();
  assert.equal(stands(), true); // the drawing has grown since, and the next answer is on its way
});

test("an error is shown and not asked about again until the person says so", async () => {
  const { act, asked, state, resyncs } = scene();
  act.penDown([0.5, 0.5]);
  void act.readDrawing("n");
  await settled();
  asked[0].reject(Object.assign(new Error("It is gone."), { code: "unknown_model" }));
  await settled();
  assert.equal(state.readings.n.error, "It is gone.");
  assert.equal(resyncs(), 1);
  void act.readDrawing("n");
  await settled();
  assert.equal(asked.length, 1);
  act.readAgain("n");
  void act.readDrawing("n");
  await settled();
  assert.equal(asked.length, 2);
});
