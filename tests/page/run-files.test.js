/** Runs as files: every figure once, cells as CSV has them, and nothing that a spreadsheet would run. */

import assert from "node:assert/strict";
import test from "node:test";

import { rowsOf } from "../../static/js/logic/compare.js";
import { csvCell, epochsIn, runsCsv, runsFileName, runsJson } from "../../static/js/logic/run-files.js";

const update = (seq, epoch, more = {}) => ({
  event: "training_update", data: { job_id: "j", network_id: "n", seq, attempt: 1, timestamp: "t", total_epochs: 2, progress: 50, eta_seconds: 1, epoch, accuracy: epoch / 10, loss: 1, ...more },
});
const NETWORK = { network_id: "n", name: '=cmd|"1", x', architecture: [784, 10], activation: "sigmoid", loss: "quadratic", initializer: "xavier", dropout: 0, seed: 1 };
const JOB = { job_id: "j", network_id: "n", state: "completed", accuracy: 0.2, loss: 0.5, epoch: 2, total_epochs: 2, learning_rate: 3, created_at: "2026-01-01T00:00:00.000Z", error: null };
const [row] = rowsOf([JOB], [NETWORK], true);

test("epochs that were reported anew are there once, in their last form", () => {
  const found = epochsIn([update(1, 1), update(2, 2), update(3, 1, { accuracy: 0.7 }), { event: "training_complete", data: { seq: 4 } }]);
  assert.deepEqual(found, [{ epoch: 1, accuracy: 0.7, loss: 1 }]);
});

test("JSON holds settings, result and every epoch", () => {
  const { exported_at: at, runs } = JSON.parse(runsJson([{ row, events: [update(1, 1), update(2, 2)] }], "2026-01-02T03:04:05.678Z"));
  assert.equal(at, "2026-01-02T03:04:05.678Z");
  assert.deepEqual([runs[0].settings.architecture, runs[0].settings.learning_rate, runs[0].result.accuracy, runs[0].result.error], [[784, 10], 3, 0.2, null]);
  assert.deepEqual(runs[0].epochs.map(({ epoch, accuracy }) => [epoch, accuracy]), [[1, 0.1], [2, 0.2]]);
});

test("CSV has a header and one line for each epoch, all of one length; unknown figures come last", () => {
  const lines = runsCsv([{ row, events: [update(1, 1, { neurons: [{ dead: 1 }] }), update(2, 2)] }, { row, events: [] }]).split("\r\n");
  assert.equal(lines.length, 5);
  assert.equal(lines[4], "");
  const commas = (line) => line.replace(/"([^"]|"")*"/g, "").split(",").length;
  assert.equal(new Set(lines.slice(0, 4).map(commas)).size, 1);
  assert.match(lines[0], /^name,job_id,network_id,architecture,.*,run_accuracy,.*,epoch,test_accuracy,test_loss,validation_accuracy,validation_loss,training_accuracy,training_loss,epoch_neurons$/);
  assert.ok(lines[1].startsWith(`"'=cmd|""1"", x, run 1",j,n,`), lines[1]);
  assert.ok(lines[1].endsWith('"[{""dead"":1}]"'), lines[1]);
});

test("files hold the settings a run began with, and the changes beside them", () => {
  const changes = [{ step: 5, epoch: 1, batch: 5, learning_rate: 0.5 }];
  const [changed] = rowsOf([{ ...JOB, learning_rate: 0.5, initial_settings: { learning_rate: 3 }, changes }], [NETWORK], true);
  const { settings } = JSON.parse(runsJson([{ row: changed, events: [] }], "2026-01-02T03:04:05.678Z")).runs[0];
  assert.deepEqual([settings.learning_rate, settings.changes], [3, changes]);
  const [head, line] = runsCsv([{ row: changed, events: [] }]).split("\r\n");
  assert.equal(line.replace(/"([^"]|"")*"/g, "q").split(",")[head.split(",").indexOf("learning_rate")], "3");
  assert.ok(line.includes('"[{""step"":5,""epoch"":1,""batch"":5,""learning_rate"":0.5}]"'), line);
});

test("cells that a spreadsheet would run are text; numbers stay numbers", () => {
  for (const evil of ["=1+1", "+1", "-1", "@x", "\tx", "\r=x", "  =x", "\n=x"]) assert.match(csvCell(evil), /^"?'/, JSON.stringify(evil));
  assert.deepEqual([-0.5, NaN, null, undefined, true, "a,b", 'a"b', "a\nb", ""].map(csvCell), ["-0.5", "", "", "", "true", '"a,b"', '"a""b"', '"a\nb"', ""]);
});

test("the file is named by the time", () => {
  assert.equal(runsFileName("2026-01-02T03:04:05.678Z", "csv"), "hippo-runs-2026-01-02-030405.csv");
});
