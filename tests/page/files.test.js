/** Names of files, there and back, and which files are worth sending. */

import assert from "node:assert/strict";
import test from "node:test";

import { EXPORTS, exportName, modelName, modelProblem, pictureProblem } from "../../static/js/logic/files.js";

test("an export has the name that the server gives it, and none that leads elsewhere", () => {
  assert.equal(exportName('attachment; filename="first-try-3f2b8c1e.npz"', "npz"), "first-try-3f2b8c1e.npz");
  assert.equal(exportName(null, "onnx"), "network.onnx");
  assert.equal(exportName('attachment; filename="../../etc/passwd"', "npz-layers"), "network.npz");
  for (const [format] of EXPORTS) assert.match(exportName("", format), /^network\.\w+$/);
});

test("a model is called as its file, without what exports add", () => {
  const table = [
    ["first-try-3f2b8c1e.safetensors", "first-try"], ["first-try-3f2b8c1e (2).npz", "first-try"], ["first-try-3f2b8c1e-layers.npz", "first-try"], ["mine.NPZ", "mine"],
    ["my model.v2.npz", "my model.v2"], ["-3f2b8c1e.npz", ""], [".npz", ""], ["a\u0000b.npz", "a b"],
    [`${"\u{1F600}".repeat(120)}.npz`, "\u{1F600}".repeat(100)], ["digits-12345678", "digits"], ["other.txt", "other.txt"],
  ];
  for (const [file, name] of table) assert.equal(modelName(file), name, file);
});

test("what cannot be a model or a picture is not sent", () => {
  assert.equal(modelProblem({ name: "a.npz", size: 256_000_000 }), "");
  assert.match(modelProblem({ name: "a.npz", size: 256_000_001 }), /"a\.npz" has 256\u00a0MB; at most 256\u00a0MB/);
  assert.match(modelProblem({ name: "a.npz", size: 0 }), /is empty/);
  assert.equal(pictureProblem({ name: "a.png", size: 9, type: "image/png" }), "");
  assert.match(pictureProblem({ name: "a.pdf", size: 9, type: "application/pdf" }), /is no picture/);
  assert.match(pictureProblem({ name: "a.jpg", size: 41_000_000, type: "image/jpeg" }), /has 41\u00a0MB/);
});
