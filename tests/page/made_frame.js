/** A frame as the server makes them, of a network small enough to be written down. */

/** @param {number[]} sizes behind the 784 pixels @param {Record<string, any>} [more] of the header */
export function madeFrame(sizes, more = {}) {
  const parts = [];
  const chunks = [];
  let offset = 0;
  const add = (name, dtype, shape, values, scale) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const padded = Math.ceil(bytes.length / 4) * 4;
    parts.push({ name, dtype, shape, offset, ...(scale === undefined ? {} : { scale }) });
    const chunk = new Uint8Array(padded);
    chunk.set(bytes);
    chunks.push(chunk);
    offset += padded;
  };
  add("pixels", "u1", [784], Uint8Array.from({ length: 784 }, (_, i) => i % 256));
  let inputs = 784;
  const layers = sizes.map((size, index) => {
    const l = index + 1;
    add(`neurons.${l}`, "u2", [size], Uint16Array.from({ length: size }, (_, j) => j));
    for (const [name, first] of [["bias", 0.5], ["z", 1], ["a", 0.25], ["delta", -0.125]]) {
      add(`${name}.${l}`, "f4", [size], Float32Array.from({ length: size }, (_, j) => first * (j + 1)));
    }
    add(`weights.${l}`, "i1", [inputs, size], Int8Array.from({ length: inputs * size }, (_, k) => ((k * 7) % 255) - 127), 0.01);
    const about = { size, inputs, activation: l === sizes.length ? "softmax" : "sigmoid", dead: 0, saturated: 0, alike: 0, gradient_norm: 0.5 };
    inputs = size;
    return about;
  });
  const payload = new Uint8Array(offset);
  let at = 0;
  for (const chunk of chunks) {
    payload.set(chunk, at);
    at += chunk.length;
  }
  const header = { job_id: "job", network_id: "network", epoch: 1, batch: 3, step: 3, loss: 0.5, accuracy: 0.5, learning_rate: 3, example: { index: 0, label: 7, predicted: 7 }, layers, neuron: null, parts, ...more };
  return { header, payload };
}
