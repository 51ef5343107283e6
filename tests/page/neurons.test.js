/** Numbers and sentences about neurons, connections and pixels; never NaN, never undefined. */

import assert from "node:assert/strict";
import test from "node:test";

import { readFrame } from "../../static/js/logic/frames.js";
import { describeEdge, describeNeuron, describePixel, neuronNumbers, number, strongestInputs, weighed } from "../../static/js/logic/neurons.js";
import { madeFrame } from "./made_frame.js";

const made = madeFrame([3, 10]);
const frame = readFrame(made.header, made.payload);

test("numbers have four digits and a true minus", () => {
  assert.equal(number(0.123456), "0.1235");
  assert.equal(number(-0.5), "\u22120.5");
  assert.equal(number(1234.56), "1235");
  assert.deepEqual([number(1), number(0.999996), number(-12.5000001)], ["1", "1.000", "\u221212.50"]);
  assert.equal(number(0), "0");
  assert.equal(number(0.000012), "1.20\u00b710\u207b\u2075");
  assert.equal(number(-3e8), "\u22123.00\u00b710\u2078");
  for (const nothing of [NaN, Infinity, null, undefined]) assert.equal(number(nothing), "\u2013");
});

test("a neuron in numbers, and in words", () => {
  const found = neuronNumbers(frame, 1, 1);
  assert.deepEqual([found.bias, found.z, found.a, found.delta], [1, 2, 0.5, -0.25]);
  assert.equal(found.weights.length, 784);
  assert.equal(found.exact, false);
  assert.equal(describeNeuron(frame, 1, 1), "Neuron 1 of hidden layer 1: z = 2, a = \u03c3(z) = 0.5, bias 1, error \u2202C/\u2202z = \u22120.25.");
  assert.match(describeNeuron(frame, 2, 7), /^Output for 7: z = 8, a = softmax\(z\) = 2/);
  assert.equal(neuronNumbers(frame, 1, 9), null);
  assert.equal(neuronNumbers(frame, 5, 0), null);
  assert.match(describeNeuron(frame, 1, 9), /not among those shown/);
});

test("a pinned neuron has its exact weights", () => {
  const incoming = Float32Array.from({ length: 784 }, (_, i) => i);
  const pinned = { ...frame, incoming, incomingGradient: incoming, header: { ...frame.header, neuron: { layer: 1, index: 1 } } };
  assert.equal(neuronNumbers(pinned, 1, 1).weights, incoming);
  assert.equal(neuronNumbers(pinned, 1, 1).exact, true);
  assert.equal(neuronNumbers(pinned, 1, 0).exact, false);
});

test("the output of the label has its exact weights without being asked for", () => {
  const labelWeights = Float32Array.of(0.123456, -0.6325, 0.000012);
  const known = { ...frame, labelWeights };
  assert.equal(frame.header.example.label, 7);
  assert.deepEqual([...neuronNumbers(known, 2, 7).weights], [...labelWeights]);
  assert.equal(neuronNumbers(known, 2, 7).exact, true);
  assert.deepEqual([neuronNumbers(known, 2, 6).exact, neuronNumbers(known, 1, 1).exact], [false, false]);
  assert.match(describeEdge(known, { layer: 2, from: 1, to: 7 }), /weight \u22120\.6325, times input 0\.5 gives \u22120\.3162\.$/);
});

test("a rounded weight has the digits that the rounding leaves", () => {
  assert.equal(weighed(-0.633735, 127), "\u2248\u00a0\u22120.63");
  assert.equal(weighed(0.0151, 3), "\u2248\u00a00.02");
  assert.equal(weighed(123.4, 127), "\u2248\u00a0120");
  assert.equal(weighed(0.0000151, 3), "\u2248\u00a02\u00b710\u207b\u2075");
  assert.equal(weighed(0, 0), "\u2248\u00a00");
  assert.equal(weighed(-0.6325, Infinity), "\u22120.6325");
  assert.equal(weighed(NaN, 3), "\u2013");
  const [first] = strongestInputs(frame, 1, 0);
  assert.equal(first.steps, Math.round(Math.abs(first.weight) / frame.layers[0].scale));
});

test("the inputs that count most", () => {
  const inputs = strongestInputs(frame, 2, 4, 2);
  assert.equal(inputs.length, 2);
  assert.ok(Math.abs(inputs[0].product) >= Math.abs(inputs[1].product));
  assert.match(inputs[0].name, /^neuron \d$/);
  assert.match(strongestInputs(frame, 1, 0)[0].name, /^pixel in row \d+, column \d+$/);
  assert.deepEqual(strongestInputs(frame, 1, 99), []);
});

test("the inputs of a kept neuron have its exact weights, here as on its connections", () => {
  // Of a layer of five inputs, the frame shows three.
  const layers = [{ ...frame.layers[0], neurons: Uint16Array.of(0, 2, 4) }, frame.layers[1]];
  const incoming = Float32Array.of(0.5, 99, -0.5, 99, 4);
  const pinned = { ...frame, layers, incoming, header: { ...frame.header, neuron: { layer: 2, index: 4 } } };
  const weights = (inputs) => inputs.map(({ name, weight }) => [name, weight]);
  assert.deepEqual(weights(strongestInputs(pinned, 2, 4)), [["neuron 4", 4], ["neuron 2", -0.5], ["neuron 0", 0.5]]);
  assert.match(describeEdge(pinned, { layer: 2, from: 1, to: 4 }), /from neuron 2 to output for 4: weight \u22120\.5, times input 0\.5 gives/);
  assert.deepEqual(weights(strongestInputs(pinned, 2, 5)), weights(strongestInputs({ ...pinned, incoming: null }, 2, 5)));

  const pixels = Float32Array.from({ length: 784 }, (_, i) => (i === 255 ? 0.123456 : 0));
  const first = { ...frame, incoming: pixels, header: { ...frame.header, neuron: { layer: 1, index: 1 } } };
  assert.deepEqual(strongestInputs(first, 1, 1).map(({ name, weight }) => [name, weight]), [["pixel in row 10, column 4", pixels[255]]]);
});

test("numbers of a network that has blown up are missing, and never 0", () => {
  const { header, payload } = madeFrame([3, 10]);
  const lost = { "z.2": [7], "a.2": [7], "a.1": [1], incoming: [3] };
  const parts = header.parts.map((part) => (lost[part.name] ? { ...part, not_finite: lost[part.name] } : part));
  const blown = readFrame({ ...header, parts }, payload);
  const found = neuronNumbers(blown, 2, 7);
  assert.equal(found.blownUp, true);
  assert.equal(neuronNumbers(blown, 2, 6).blownUp, false);
  assert.deepEqual([number(found.z), number(found.a), number(found.bias)], ["\u2013", "\u2013", "4"]);
  assert.match(describeNeuron(blown, 2, 7), /^Output for 7: z = \u2013, a = softmax\(z\) = \u2013, bias 4, error/);
  // What overflows counts more than all that does not.
  const inputs = strongestInputs(blown, 2, 7);
  assert.deepEqual([inputs.length, inputs[0].name, number(inputs[0].x), number(inputs[0].product)], [3, "neuron 1", "\u2013", "\u2013"]);
});

test("a connection and a pixel", () => {
  const { weights, scale } = frame.layers[1];
  const text = describeEdge(frame, { layer: 2, from: 1, to: 4 });
  assert.equal(weights[14] * scale, -0.29);
  assert.equal(text, "Connection from neuron 1 to output for 4: weight \u2248\u00a0\u22120.29, times input 0.5 gives \u2248\u00a0\u22120.14.");
  assert.match(describeEdge(frame, { layer: 1, from: 0, to: 0 }), /times input 0 gives 0\.$/);
  assert.equal(describePixel(frame, 255), "Pixel in row 10, column 4: 1 (0 paper, 1 ink).");
  for (const said of [text, describePixel(frame, 0)]) assert.doesNotMatch(said, /NaN|undefined|null/);
});
