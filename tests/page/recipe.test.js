/** The recipe of a run: what applies is checked and sent, what does not is neither. */

import assert from "node:assert/strict";
import test from "node:test";

import { RECIPE, applies, checkRecipe, rateFor, recipeOfJob, recipeWords } from "../../static/js/logic/recipe.js";

test("the usual recipe sends nothing", () => {
  assert.deepEqual(checkRecipe(RECIPE, 30), { errors: {}, body: {} });
  assert.deepEqual(checkRecipe({}, null), { errors: {}, body: {} });
});

test("what is chosen is sent as the server wants it", () => {
  const form = { optimizer: "sgd", momentum: "0.9", nesterov: "true", schedule: "step", step_every: "5", step_factor: ".5", warm_up: "1.5", weight_decay: "1e-4", clip_norm: "1", label_smoothing: "0.1", augment: "shift elastic", shuffle: "" };
  assert.deepEqual(checkRecipe(form, 10).body, {
    momentum: 0.9, nesterov: true, schedule: "step", step_every: 5, step_factor: 0.5, warm_up: 1.5, weight_decay: 1e-4, clip_norm: 1, label_smoothing: 0.1, augment: ["shift", "elastic"], shuffle: false,
  });
});

test("what does not apply is neither checked nor sent", () => {
  assert.deepEqual(checkRecipe({ optimizer: "adam", momentum: "x", nesterov: "true" }, 5), { errors: {}, body: { optimizer: "adam" } });
  assert.deepEqual(checkRecipe({ step_every: "x", step_factor: "7" }, 5), { errors: {}, body: {} });
  assert.deepEqual(checkRecipe({ schedule: "one_cycle", warm_up: "9" }, 5), { errors: {}, body: { schedule: "one_cycle" } });
  assert.equal(applies("momentum", { optimizer: "adamw" }), false);
});

test("wrong settings name the range", () => {
  const table = [
    [{ momentum: "1" }, "momentum", /from 0 to below 1/], [{ momentum: "-0.1" }, "momentum", /from 0 to below 1/], [{ nesterov: "true" }, "momentum", /needs a momentum above 0/],
    [{ schedule: "step", step_every: "0" }, "step_every", /1 to 10,000/], [{ schedule: "step", step_factor: "1.1" }, "step_factor", /above 0 and up to 1/],
    [{ warm_up: "5" }, "warm_up", /shorter than the training/], [{ weight_decay: "-1" }, "weight_decay", /0 or more/], [{ clip_norm: "0" }, "clip_norm", /above 0/],
    [{ label_smoothing: "1" }, "label_smoothing", /below 1/], [{ momentum: "0,9" }, "momentum", /Use a point for decimals: 0\.9/], [{ weight_decay: "" }, "weight_decay", /Type a number/],
  ];
  for (const [form, field, pattern] of table) {
    const { errors, body } = checkRecipe(form, 5);
    assert.deepEqual(Object.keys(errors), [field]);
    assert.match(errors[field], pattern);
    assert.deepEqual(body, {});
  }
});

test("a rate that suits the optimizer", () => {
  assert.equal(rateFor(3, RECIPE), 3);
  assert.equal(rateFor(0.1, { optimizer: "adamw", momentum: "0.9" }), 0.001);
  assert.equal(rateFor(0.1, { optimizer: "sgd", momentum: 0.9 }), 0.01);
  assert.equal(rateFor(0.1, { optimizer: "sgd", momentum: "x" }), 0.1);
});

test("a record's recipe as the form holds it, and in words", () => {
  const job = { optimizer: "sgd", momentum: 0.9, nesterov: false, schedule: "cosine", clip_norm: null, augment: ["shift"], shuffle: false, weight_decay: 0 };
  assert.deepEqual(recipeOfJob(job), { ...RECIPE, momentum: "0.9", schedule: "cosine", augment: "shift", shuffle: "" });
  assert.equal(recipeWords(job), "momentum 0.9, rate by cosine, pictures changed (shift), not shuffled");
  assert.equal(recipeWords({}), "");
});
