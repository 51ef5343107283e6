/** What may be typed: good input becomes the body of the request, wrong input one sentence with the range. */

import assert from "node:assert/strict";
import test from "node:test";

import * as forms from "../../static/js/logic/forms.js";

test("hidden layers are read in every usual way of writing them", () => {
  const table = { "30": [30], " 128, 64 ": [128, 64], "128-64": [128, 64], "128 64": [128, 64], "128x64": [128, 64], "": [] };
  for (const [text, hidden] of Object.entries(table)) assert.deepEqual(forms.parseLayers(text), { sizes: [784, ...hidden, 10], error: "" });
});

test("wrong layers are refused with the range in words", () => {
  const many = Array(19).fill("5").join(",");
  const table = {
    "30, abc": /"abc" is not a whole number/, "30.5": /"30.5" is not a whole number/, "0": /1 to 10,000 neurons, not 0/,
    "10001": /1 to 10,000 neurons, not 10,001/, "9999999999999999999999": /a number of 22 digits/,
    "0x10": /"0x10" is not a whole number\. Type sizes in decimal digits/, "128, 0X1f": /"0X1f" is not a whole number/, "0b11": /"0b11" is not/,
    "1e2": /"1e2" is not a whole number\. Type sizes in decimal digits/, "1.0e2": /"1\.0e2" is not/, "\u0663\u0660": /is not a whole number/,
    [many]: /At most 18 hidden layers are possible; these are 19/,
    "10000, 10000": /107,960,010 parameters; at most 50,000,000/,
  };
  for (const [text, pattern] of Object.entries(table)) assert.match(forms.parseLayers(text).error, pattern, text);
});

test("the limits themselves are allowed", () => {
  assert.equal(forms.parseLayers(Array(18).fill("5").join(",")).sizes.length, 20);
  assert.equal(forms.parseLayers("10000").error, "");
});

test("parameters are weights and biases", () => {
  assert.equal(forms.parameterCount([784, 30, 10]), 23860);
  assert.equal(forms.parameterCount([784, 10]), 7850);
  assert.equal(forms.parameterCount([784, 128, 64, 10]), 109386);
});

test("training settings become numbers", () => {
  assert.deepEqual(forms.checkTraining({ epochs: " 30", mini_batch_size: "10", learning_rate: "3.0" }), {
    errors: {}, body: { epochs: 30, mini_batch_size: 10, learning_rate: 3 },
  });
  for (const rate of ["1e-3", ".5", "2."]) assert.deepEqual(forms.checkTraining({ epochs: "1", mini_batch_size: "1", learning_rate: rate }).errors, {});
});

test("wrong training settings name the range", () => {
  const good = { epochs: "30", mini_batch_size: "10", learning_rate: "3" };
  const table = [
    ["epochs", "0", /1 to 10,000/], ["epochs", "10001", /1 to 10,000/], ["epochs", "2.5", /whole number/], ["epochs", "", /whole number/],
    ["epochs", "1e2", /whole number/], ["mini_batch_size", "50001", /1 to 50,000/], ["mini_batch_size", "-1", /1 to 50,000/],
    ["learning_rate", "0", /above 0/], ["learning_rate", "-3", /above 0/], ["learning_rate", "fast", /a number/],
    ["learning_rate", "1e999", /a number/], ["learning_rate", "Infinity", /a number/], ["learning_rate", "0x10", /a number/],
    ["learning_rate", "0,1", /Use a point for decimals: 0\.1/], ["learning_rate", " ", /above 0/],
  ];
  for (const [field, value, pattern] of table) {
    const { errors, body } = forms.checkTraining({ ...good, [field]: value });
    assert.deepEqual(Object.keys(errors), [field], `${field}=${value}`);
    assert.match(errors[field], pattern, `${field}=${value}`);
    assert.deepEqual(body, {});
  }
});

test("a network's body holds what was chosen and leaves out what was not", () => {
  const form = forms.emptyCreateForm();
  assert.deepEqual(forms.checkNetwork(form).body, { layer_sizes: [784, 30, 10], activation: "sigmoid", loss: "quadratic" });
  const full = { ...form, name: " first try ", hidden: "128, 64", activation: "relu", initializer: "he", seed: "7" };
  assert.deepEqual(forms.checkNetwork(full).body, {
    layer_sizes: [784, 128, 64, 10], activation: "relu", loss: "cross_entropy", name: "first try", initializer: "he", seed: 7,
  });
});

test("names and seeds outside their range are refused", () => {
  const form = forms.emptyCreateForm();
  assert.match(forms.checkNetwork({ ...form, name: "x".repeat(101) }).errors.name, /at most 100 characters; this one has 101/);
  assert.equal(forms.checkNetwork({ ...form, name: "\u{1f99b}".repeat(100) }).errors.name, undefined);
  assert.match(forms.checkNetwork({ ...form, name: "a\u0007b" }).errors.name, /control characters/);
  for (const seed of ["-1", "1.5", "9007199254740992", "x"]) assert.ok(forms.checkNetwork({ ...form, seed }).errors.seed, seed);
});

test("the learning rate follows the suggestion until one is typed", () => {
  const form = forms.emptyCreateForm();
  assert.equal(forms.effectiveRate(form), "3");
  assert.equal(forms.effectiveRate({ ...form, activation: "relu" }), "0.1");
  assert.equal(forms.effectiveRate({ ...form, loss: "cross_entropy" }), "0.5");
  assert.equal(forms.effectiveRate({ ...form, activation: "relu", learning_rate: "2" }), "2");
  assert.equal(forms.effectiveRate({ ...form, learning_rate: "" }), "");
});

test("sigmoid with quadratic cost gets shorter steps the wider its last hidden layer is", () => {
  const table = [[[784, 10], 3], [[784, 30, 10], 3], [[784, 100, 10], 3], [[784, 128, 10], 2.3], [[784, 200, 10], 1.5],
    [[784, 300, 10], 1], [[784, 30, 500, 10], 0.6], [[784, 500, 30, 10], 3], [[784, 10000, 10], 0.03], [[], 3]];
  for (const [layers, rate] of table) assert.equal(forms.suggestedRate("sigmoid", "quadratic", layers), rate, `${layers}`);
  for (const layers of [[784, 30, 10], [784, 1000, 10]]) {
    assert.equal(forms.suggestedRate("sigmoid", "cross_entropy", layers), 0.5);
    for (const activation of ["relu", "leaky_relu", "tanh"]) assert.equal(forms.suggestedRate(activation, "quadratic", layers), 0.1);
  }
  assert.equal(forms.effectiveRate({ ...forms.emptyCreateForm(), hidden: "300" }), "1");
  assert.equal(forms.effectiveRate({ ...forms.emptyCreateForm(), hidden: "thirty" }), "3");
});

test("a minus sign is no separator", () => {
  assert.match(forms.parseLayers("-3").error, /"-3" is not a whole number/);
  assert.match(forms.parseLayers("128, -3").error, /"-3"/);
  for (const text of ["128-64", "128 - 64", "128x64", "128 \u00d7 64", "128, 64", "128;64"]) {
    assert.deepEqual(forms.parseLayers(text).sizes, [784, 128, 64, 10], text);
  }
});

test("a network can be had again, to be trained otherwise", () => {
  const network = { architecture: [784, 128, 64, 10], activation: "relu", loss: "quadratic", initializer: "normal", name: "spoilt", seed: 3 };
  const form = forms.likeForm(network, { total_epochs: 2, mini_batch_size: 20, learning_rate: 50 });
  assert.deepEqual(forms.checkNetwork(form), { errors: {}, body: { layer_sizes: [784, 128, 64, 10], activation: "relu", loss: "quadratic", initializer: "normal" } });
  assert.deepEqual(forms.checkTraining(form), { errors: {}, body: { epochs: 2, mini_batch_size: 20, learning_rate: 50 } });
});
