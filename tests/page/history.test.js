/** Events become epochs: each once, in order, also when they come twice, with gaps, or from a second attempt. */

import assert from "node:assert/strict";
import test from "node:test";

import { accuracyColumns, applyEvent, emptyHistory, epochSpan, lossColumns, sparkline } from "../../static/js/logic/history.js";

const update = (seq, epoch, more = {}) => ({ seq, epoch, accuracy: epoch / 10, loss: 1 / epoch, validation_loss: 3 / epoch, test_loss: 2 / epoch, elapsed_time: epoch, attempt: 1, ...more });
const epochsOf = (history) => history.epochs.map((e) => e.epoch);

test("events in order make the curve, and the end is known", () => {
  const history = emptyHistory();
  for (const seq of [1, 2, 3]) assert.equal(applyEvent(history, "training_update", update(seq, seq)), "applied");
  assert.equal(applyEvent(history, "training_complete", { seq: 4 }), "applied");
  assert.deepEqual(epochsOf(history), [1, 2, 3]);
  assert.equal(history.ended, true);
  assert.deepEqual(accuracyColumns(history.epochs), [[1, 2, 3], [10, 20, 30]]);
  assert.deepEqual(lossColumns(history.epochs), [[1, 2, 3], [1, 1 / 2, 1 / 3], [3, 3 / 2, 1], [2, 1, 2 / 3]]);
});

test("an event that came before changes nothing, one that comes too early is a gap", () => {
  const history = emptyHistory();
  applyEvent(history, "training_update", update(1, 1));
  assert.equal(applyEvent(history, "training_update", update(1, 1, { accuracy: 0.9 })), "known");
  assert.equal(applyEvent(history, "training_update", update(3, 3)), "gap");
  assert.deepEqual([history.lastSeq, epochsOf(history), history.epochs[0].accuracy], [1, [1], 0.1]);
});

test("a second attempt reports its epochs anew, from wherever it goes on", () => {
  const history = emptyHistory();
  for (const seq of [1, 2, 3]) applyEvent(history, "training_update", update(seq, seq));
  applyEvent(history, "training_update", update(4, 2, { attempt: 2, accuracy: 0.77 }));
  assert.deepEqual([epochsOf(history), history.epochs[1].accuracy, history.attempt], [[1, 2], 0.77, 2]);
  applyEvent(history, "training_update", update(5, 1, { attempt: 3 }));
  assert.deepEqual(epochsOf(history), [1]);
});

test("values that are not numbers are gaps in the curve", () => {
  const history = emptyHistory();
  applyEvent(history, "training_update", update(1, 1, { loss: null, validation_loss: undefined, test_loss: undefined, accuracy: NaN }));
  assert.deepEqual(history.epochs[0], { epoch: 1, accuracy: null, loss: null, validationLoss: null, testLoss: null, validation: null, training: null, elapsed: 1, speed: null, gradientNorm: null, neurons: null });
  assert.deepEqual(accuracyColumns(history.epochs)[1], [null]);
});

test("a small curve stays inside its box, however long the run", () => {
  assert.equal(sparkline([]), "");
  assert.equal(sparkline([0.5]), "");
  assert.equal(sparkline([0, 1], 64, 18), "1.0,16.0 63.0,2.0");
  const points = sparkline(Array.from({ length: 5000 }, (_, i) => i)).split(" ");
  assert.ok(points.length <= 66);
  for (const point of points) {
    const [x, y] = point.split(",").map(Number);
    assert.ok(x >= 1 && x <= 63 && y >= 2 && y <= 16, point);
  }
  assert.ok(!sparkline([0.5, 0.5, 0.5]).includes("NaN"));
});

test("the axis of epochs shows a run of up to 60 epochs whole and doubles through a longer one", () => {
  const table = [[1, 3, 3], [5, 30, 30], [3, 500, 30], [8, 40, 40], [29, 40, 40], [31, 40, 40], [1, 60, 60], [1, 61, 30], [31, 500, 60], [61, 500, 120], [200, 500, 240], [400, 500, 500], [481, 500, 500], [500, 500, 500], [1, 1, 1]];
  for (const [last, total, span] of table) assert.equal(epochSpan(last, total), span, `${last} of ${total}`);
});
