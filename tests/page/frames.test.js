/** Frames are read as they were written, wherever their bytes begin, and the strongest weights are found. */

import assert from "node:assert/strict";
import test from "node:test";

import { placeOf, readFrame, readFrameFile, strongest, weightsInto } from "../../static/js/logic/frames.js";
import { madeFrame } from "./made_frame.js";

test("every part has its numbers", () => {
  const { header, payload } = madeFrame([3, 10]);
  const frame = readFrame(header, payload.buffer);
  assert.equal(frame.pixels.length, 784);
  assert.deepEqual([...frame.pixels.slice(254, 258)], [254, 255, 0, 1]);
  assert.deepEqual([...frame.layers[0].z], [1, 2, 3]);
  assert.deepEqual([...frame.layers[1].delta.slice(0, 2)], [-0.125, -0.25]);
  assert.deepEqual([frame.layers[0].inputs, frame.layers[0].shown], [784, 3]);
  assert.deepEqual([frame.layers[1].inputs, frame.layers[1].shown], [3, 10]);
  assert.equal(frame.incoming, null);
});

test("bytes may begin anywhere", () => {
  const { header, payload } = madeFrame([3, 10]);
  for (const shift of [1, 2, 4]) {
    const moved = new Uint8Array(payload.length + shift);
    moved.set(payload, shift);
    assert.deepEqual([...readFrame(header, moved.subarray(shift)).layers[0].z], [1, 2, 3]);
  }
});

test("a file holds the same", () => {
  const { header, payload } = madeFrame([3, 10]);
  let json = JSON.stringify(header);
  while ((4 + json.length) % 4) json += " ";
  const file = new Uint8Array(4 + json.length + payload.length);
  new DataView(file.buffer).setUint32(0, json.length);
  file.set(new TextEncoder().encode(json), 4);
  file.set(payload, 4 + json.length);
  assert.deepEqual(readFrameFile(file.buffer).layers[1].a, readFrame(header, payload).layers[1].a);
});

test("weights into a neuron are its column", () => {
  const { header, payload } = madeFrame([3, 10]);
  const frame = readFrame(header, payload);
  const [layer] = frame.layers;
  const into = weightsInto(layer, 2);
  assert.equal(into.length, 784);
  assert.equal(into[5].toFixed(4), (layer.weights[5 * 3 + 2] * 0.01).toFixed(4));
  assert.equal(placeOf(layer, 2), 2);
  assert.equal(placeOf(layer, 9), -1);
});

test("the strongest are those of the largest size, either sign, and no more than asked for", () => {
  const values = Int8Array.from([0, 5, -127, 3, 127, -5, 5, 0, 1]);
  assert.deepEqual(strongest(values, 2), [2, 4]);
  assert.deepEqual(strongest(values, 3), [1, 2, 4]);
  assert.deepEqual(strongest(values, 5), [1, 2, 4, 5, 6]);
  assert.deepEqual(strongest(values, 100), [1, 2, 3, 4, 5, 6, 8]);
  assert.deepEqual(strongest(values, 0), []);
  assert.deepEqual(strongest(new Int8Array(50), 10), []);
  assert.deepEqual(strongest(Int8Array.from([-128, 1]), 1), [0]);
});

test("as many as a slow search finds, of random weights", () => {
  let seed = 1;
  const next = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const values = Int8Array.from({ length: 5000 }, () => Math.round((next() - 0.5) * 254));
  const found = strongest(values, 140);
  const sizes = [...values].map(Math.abs).sort((a, b) => b - a);
  assert.equal(found.length, 140);
  assert.deepEqual(found.map((i) => Math.abs(values[i])).sort((a, b) => b - a), sizes.slice(0, 140));
});
