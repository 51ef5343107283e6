/** The drawing's plan: everything within it, nothing on top of another thing, and found again under the pointer. */

import assert from "node:assert/strict";
import test from "node:test";

import { MOST_EDGES, brightness, captionsOf, edgeAt, edgesInto, edgesOf, errorShare, heightFor, inWave, pixelAt, pixelSpot, planFor, spotAt, spotFrom, wave } from "../../static/js/logic/diagram.js";
import { readFrame } from "../../static/js/logic/frames.js";
import { madeFrame } from "./made_frame.js";

const SHAPES = [[10], [30, 10], [100, 10], [128, 64, 10], [200, 200, 200, 10], [1, 10], Array(19).fill(5).concat(10)];
const WIDTHS = [320, 390, 700, 1080];

for (const shape of SHAPES) {
  for (const width of WIDTHS) {
    test(`${shape.join("-")} at ${width}: inside, apart, and found`, () => {
      const height = heightFor(width);
      const plan = planFor(shape, width, height);
      assert.deepEqual(plan.layers.map((spots) => spots.length), shape);
      for (const spots of plan.layers) {
        for (const spot of spots) {
          assert.ok(spot.x - spot.r >= 0 && spot.x + spot.r <= width && spot.y - spot.r >= 0 && spot.y + spot.r <= height, JSON.stringify(spot));
          assert.ok(Number.isFinite(spot.x + spot.y) && spot.r >= 2);
        }
      }
      const [first] = plan.layers;
      for (const spot of [first[0], first[first.length - 1]]) assert.equal(spotAt(plan, spot.x, spot.y), spot);
    });
  }
}

test("every layer has a caption above it, in as many words as there is room for", () => {
  const layersOf = (sizes) => sizes.map((size) => ({ shown: Math.min(size, 200), about: { size } }));
  const widthOf = (text) => 6.5 * text.length;
  const captions = (sizes, width) => captionsOf(planFor(sizes.map((size) => Math.min(size, 200)), width, heightFor(width)), layersOf(sizes), widthOf);
  const lines = (sizes, width) => captions(sizes, width).map((caption) => caption.lines);
  assert.deepEqual(lines([128, 64, 10], 1080), [["hidden layer 1", "128 neurons"], ["hidden layer 2", "64 neurons"], ["outputs", "10 neurons"]]);
  assert.deepEqual(lines([256, 10], 700), [["hidden layer 1", "200 of 256 neurons"], ["outputs", "10 neurons"]]);
  assert.deepEqual(lines([10], 390), [["outputs", "10 neurons"]]);
  assert.deepEqual(lines([1, 10], 1080)[0], ["hidden layer 1", "1 neuron"]);
  assert.deepEqual(lines([128, 64, 10], 344), [["hidden 1", "128"], ["hidden 2", "64"], ["outputs", "10"]]);
  assert.deepEqual(lines(Array(19).fill(5).concat(10), 1080)[18], ["19", "5"]);
  for (const shape of [...SHAPES, [256, 999, 10]]) {
    for (const width of WIDTHS) {
      const found = captions(shape, width);
      assert.equal(found.length, shape.length);
      for (const { x, y, lines: words } of found) assert.ok(x > 0 && x < width && y - 14 * words.length > -6 && !words.some((word) => /NaN|undefined/.test(word)), `${shape} ${width} ${y}`);
    }
  }
});

test("the columns of one layer have one frame", () => {
  const { boxes, layers } = planFor([128, 64, 10], 1080, 480);
  assert.deepEqual(boxes.map(({ columns }) => columns), [3, 2, 1]);
  for (const [index, { x, y, width, height }] of boxes.entries()) {
    for (const spot of layers[index]) assert.ok(spot.x - spot.r > x && spot.x + spot.r < x + width && spot.y - spot.r > y && spot.y + spot.r < y + height);
    if (index) assert.ok(boxes[index - 1].x + boxes[index - 1].width < x);
  }
});

test("neurons of a layer do not cover each other where there is room", () => {
  for (const count of [10, 30, 64, 100, 128]) {
    const [spots] = planFor([count, 10], 1000, 480).layers;
    for (const a of spots) for (const b of spots) if (a !== b) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) >= 2 * a.r - 0.01);
  }
});

test("a pixel is found where it is drawn", () => {
  const plan = planFor([30, 10], 900, 480);
  for (const pixel of [0, 27, 28, 400, 783]) {
    const { x, y } = pixelSpot(plan.picture, pixel);
    assert.equal(pixelAt(plan, x, y), pixel);
  }
  assert.equal(pixelAt(plan, plan.picture.x - 1, plan.picture.y + 5), -1);
  assert.equal(pixelAt(plan, 500, 100), -1);
  assert.equal(spotAt(plan, 2, 2), null);
});

test("connections are few, the strongest, and found under the pointer", () => {
  const made = madeFrame([30, 10]);
  const frame = readFrame(made.header, made.payload);
  const plan = planFor([30, 10], 900, 480);
  const edges = edgesOf(frame, plan);
  assert.equal(edges.length, 2 * MOST_EDGES);
  const weakest = Math.min(...edges.filter((e) => e.layer === 2).map((e) => Math.abs(e.value)));
  const stronger = [...frame.layers[1].weights].filter((w) => Math.abs(w * 0.01) > weakest + 1e-9).length;
  assert.ok(stronger <= MOST_EDGES);
  const [edge] = edges.filter((e) => e.layer === 2);
  assert.equal(edgeAt([edge], (edge.x1 + edge.x2) / 2, (edge.y1 + edge.y2) / 2), edge);
  assert.equal(edgeAt([edge], edge.x1, edge.y1 - 50), null);
  assert.equal(edge.value, frame.layers[1].weights[edge.from * 10 + edge.to] * 0.01);
  const into = edgesInto(frame, plan, 2, 3, 5);
  assert.equal(into.length, 5);
  assert.ok(into.every((e) => e.to === 3 && e.layer === 2));
});

test("arrow keys lead from neuron to neuron and stop at the edges", () => {
  const plan = planFor([30, 10], 900, 480);
  const start = spotFrom(plan, null, "ArrowDown");
  assert.deepEqual([start.layer, start.place], [1, 0]);
  assert.equal(spotFrom(plan, start, "ArrowUp"), null);
  assert.equal(spotFrom(plan, start, "ArrowLeft"), null);
  assert.equal(spotFrom(plan, start, "ArrowDown").place, 1);
  const beside = spotFrom(plan, plan.layers[0][15], "ArrowRight");
  assert.equal(beside.layer, 2);
  assert.ok(Math.abs(beside.y - plan.layers[0][15].y) < 40);
  assert.equal(spotFrom(plan, beside, "ArrowRight"), null);
  assert.equal(spotFrom(plan, beside, "End").place, 9);
  assert.equal(spotFrom(plan, beside, "Home").place, 0);
});

test("brightness and errors are shares, of nothing too", () => {
  assert.deepEqual([...brightness(Float32Array.of(0.5, 1, 0), "sigmoid")], [0.5, 1, 0]);
  assert.deepEqual([...brightness(Float32Array.of(2, 4, 0), "relu")], [0.5, 1, 0]);
  assert.deepEqual([...brightness(Float32Array.of(-0.5, 1), "tanh")], [0.5, 1]);
  assert.deepEqual([...brightness(Float32Array.of(0, 0), "relu")], [0, 0]);
  assert.deepEqual([...errorShare(Float32Array.of(-2, 1, 0))], [-1, 0.5, 0]);
  assert.deepEqual([...errorShare(Float32Array.of(0))], [0]);
  assert.deepEqual([...brightness(Float32Array.of(NaN, 4, 2), "relu")], [0, 1, 0.5]);
  assert.deepEqual([...brightness(Float32Array.of(NaN, 1), "sigmoid")], [0, 1]);
  assert.deepEqual([...errorShare(Float32Array.of(NaN, -2, 1))], [0, -1, 0.5]);
});

test("the wave goes forward through every layer, then back", () => {
  const ways = Array.from({ length: 64 }, (_, i) => wave(i * 50, 3));
  const turn = ways.findIndex(({ forward }) => !forward);
  assert.ok(turn > 20 && turn < 44);
  for (let i = 1; i < ways.length; i += 1) if (i !== turn) assert.ok(ways[i].forward ? ways[i].at > ways[i - 1].at : ways[i].at < ways[i - 1].at);
  for (const layer of [0, 1, 2, 3]) assert.ok(ways.slice(0, turn).some((w) => inWave(w, layer) > 0.8));
  assert.equal(inWave({ at: 0 }, 2), 0);
});
