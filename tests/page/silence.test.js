/** What is said while the server does not answer goes when it answers again, and nothing else does. */

import assert from "node:assert/strict";
import test from "node:test";

import { NO_ANSWER } from "../../static/js/logic/errors.js";
import { forgetSilence } from "../../static/js/silence.js";
import { createStore, emptyExamples, emptyForm } from "../../static/js/store.js";

/** A state in which every place says this. */
function saying(text) {
  const { state } = createStore();
  const failed = () => ({ status: "error", data: null, error: text });
  state.notice = { kind: "error", text: `Nothing was exported. ${text}` };
  state.forms.create.problem = state.watching.problem = state.drawing.problem = text;
  state.forms.train.n = { ...emptyForm({}), problem: text };
  state.controls.j = { values: { momentum: "0.5" }, errors: {}, problem: text, said: "" };
  state.examples.n = { ...emptyExamples(), right: failed() };
  for (const places of [state.readings, state.galleries, state.evaluations, state.answers, state.explanations, state.checks]) places.n = failed();
  Object.assign(state.comparing, { status: "error", error: text });
  return state;
}

test("what was said in vain goes everywhere, and what was typed stays", () => {
  const state = saying(NO_ANSWER);
  forgetSilence(state);
  assert.doesNotMatch(JSON.stringify(state), /does not answer/);
  assert.equal(state.notice, null);
  assert.deepEqual(state.controls.j.values, { momentum: "0.5" });
  assert.equal(state.examples.n.right.status, "idle");
  assert.deepEqual([state.readings, state.evaluations, state.explanations], [{}, {}, {}]);
  assert.deepEqual([state.checks.n.status, state.comparing.status], ["idle", "idle"]);
});

test("what the server said itself stays", () => {
  const state = saying("256 jobs are waiting already.");
  const before = structuredClone(state);
  forgetSilence(state);
  assert.deepEqual(state, before);
});
