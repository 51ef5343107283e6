/**
 * What was said because the server did not answer is over when it answers again: it is taken back wherever it stands, and
 * what was asked for in vain is asked for again.
 */

import { NO_ANSWER } from "./logic/errors.js";

/** @param {import("./store.js").State} state it is changed */
export function forgetSilence(state) {
  const silent = (text) => Boolean(text?.includes(NO_ANSWER));
  if (silent(state.notice?.text)) state.notice = null;
  for (const form of [state.forms.create, ...Object.values(state.forms.train), ...Object.values(state.controls), state.watching, state.drawing]) {
    if (silent(form.problem)) form.problem = "";
  }
  for (const examples of Object.values(state.examples)) {
    for (const kind of ["right", "wrong"]) if (silent(examples[kind].error)) examples[kind] = { status: "idle", data: null, error: "" };
  }
  // Their views ask for what is not there.
  for (const places of [state.readings, state.galleries, state.evaluations, state.answers, state.explanations]) {
    for (const [id, { error }] of Object.entries(places)) if (silent(error)) delete places[id];
  }
  for (const check of Object.values(state.checks)) if (silent(check.error)) Object.assign(check, { status: check.data ? "ready" : "idle", error: "" });
  if (silent(state.comparing.error)) Object.assign(state.comparing, { status: "idle", error: "" });
}
