/** What is negative is told without colours: dashed connections and rings, a bar on a neuron. */

import assert from "node:assert/strict";
import test from "node:test";

import { planFor } from "../../static/js/logic/diagram.js";
import { readFrame } from "../../static/js/logic/frames.js";
import { drawConnections, drawNeurons } from "../../static/js/views/diagram-pens.js";
import { madeFrame } from "./made_frame.js";

const COLORS = { plus: "plus", minus: "minus", edge: "edge", accent: "accent", ink: "ink", "ink-2": "ink-2", surface: "surface", paper: "rgb(255, 255, 255)", pen: "rgb(0, 0, 0)" };

/** A pen that notes every stroke, whether it was dashed and in which colour, and every bar. */
function notingPen() {
  const strokes = [];
  const bars = [];
  let dash = [];
  const pen = {
    strokeStyle: "", fillStyle: "",
    setLineDash: (pattern) => { dash = pattern; },
    stroke: () => strokes.push([pen.strokeStyle, dash.length > 0]),
    fillRect: (x, y, width) => bars.push([x, y, width]),
    createImageData: (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
    ...Object.fromEntries(["clearRect", "drawImage", "strokeRect", "fillText", "strokeText", "beginPath", "moveTo", "lineTo", "arc", "fill", "putImageData"].map((name) => [name, () => {}])),
  };
  return { pen, strokes, bars };
}

const { header, payload } = madeFrame([2, 10]);
const frame = readFrame(header, payload.buffer);
const drawn = { plan: planFor([2, 10], 800, 400), frame, colors: COLORS, captions: [{ x: 0, y: 0, lines: ["hidden layer 1", "2 neurons"] }] };

test("negative connections are dashed, positive ones are not", () => {
  const { pen, strokes } = notingPen();
  const edges = [1, -1].map((value) => ({ layer: 2, value, x1: 0, y1: 0, x2: 1, y2: 1 }));
  drawConnections(pen, drawn, edges, { getContext: () => pen }, () => "12px sans");
  assert.ok(strokes.length);
  for (const [color, dashed] of strokes) assert.equal(dashed, color === "minus", color);
});

test("the ring of what wants less is dashed, and a negative activation has a bar", () => {
  const { pen, strokes, bars } = notingPen();
  const negative = { ...frame, layers: frame.layers.map((layer, i) => (i ? layer : { ...layer, a: Float32Array.of(-0.5, 0.5) })) };
  const errors = [Float32Array.of(1, -1), new Float32Array(10)];
  drawNeurons(pen, { ...drawn, frame: negative }, { lights: [Float32Array.of(1, 1), new Float32Array(10)], errors }, null, []);
  assert.deepEqual(strokes.slice(0, 3), [["minus", true], ["plus", false], ["edge", false]]);
  assert.equal(bars.length, 1);
});
