/** Where a run stands among its epochs: the one under way is counted from 1, and what is finished is called so. */

import assert from "node:assert/strict";
import test from "node:test";

import { epochFigure, epochUnderWay, epochWords, epochsFinished, placeWords } from "../../static/js/logic/epochs.js";

const RUN = { state: "running", epoch: 22, total_epochs: 30, batch: 0, batches: null };
const said = (change) => placeWords({ ...RUN, ...change }).replaceAll("\u00a0", " ");

test("while an epoch is under way it is the one after those that are finished", () => {
  for (const [change, words] of [
    [{ epoch: 0 }, "epoch 1 of 30"],
    [{}, "epoch 23 of 30"],
    [{ batch: 28, batches: 5000 }, "epoch 23 of 30, 28 of 5,000 mini-batches finished"],
    [{ state: "paused", batch: 28, batches: 5000 }, "epoch 23 of 30, 28 of 5,000 mini-batches finished"],
    [{ state: "paused", batch: 1, batches: 1 }, "epoch 23 of 30, 1 of 1 mini-batch finished"],
    [{ state: "paused", batch: 1 }, "epoch 23 of 30, 1 mini-batch finished"],
    [{ state: "interrupted", batch: 28, batches: 5000 }, "epoch 23 of 30, 28 of 5,000 mini-batches finished"],
    [{ epoch: 1999, total_epochs: 10_000 }, "epoch 2,000 of 10,000"],
  ]) assert.equal(said(change), words);
});

test("between two epochs, and when a run is over, the finished ones are counted", () => {
  for (const [change, words] of [
    [{ state: "paused" }, "22 of 30 epochs finished"],
    [{ state: "queued", epoch: 0 }, "0 of 30 epochs finished"],
    [{ epoch: 30 }, "30 of 30 epochs finished"], // it is being saved
    [{ state: "completed", epoch: 1, total_epochs: 1 }, "1 of 1 epoch finished"],
    [{ state: "queued", epoch: undefined, total_epochs: undefined }, "0 of \u2013 epochs finished"],
  ]) assert.equal(said(change), words);
  // Of the epoch in which it was stopped nothing is kept.
  for (const state of ["cancelled", "diverged", "failed"]) assert.equal(said({ state, batch: 28, batches: 5000 }), "22 of 30 epochs finished");
});

test("lists of figures and tables say the same as the sentences", () => {
  assert.deepEqual(epochFigure({ ...RUN, batch: 28, batches: 5000 }), ["Epoch", "23 of 30"]);
  assert.deepEqual(epochFigure({ ...RUN, state: "paused" }), ["Epochs finished", "22 of 30"]);
  assert.equal(epochWords({ ...RUN, batch: 28, batches: 5000 }), "epoch 23 of 30");
  assert.equal(epochsFinished(RUN), "22 of 30");
  assert.deepEqual([epochUnderWay(RUN), epochUnderWay({ ...RUN, epoch: 30 }), epochUnderWay({ ...RUN, state: "completed" })], [23, null, null]);
});
