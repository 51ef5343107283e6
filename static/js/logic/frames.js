/**
 * Frames: what a network is like at one moment. A header says where in the run it is and which numbers follow; the
 * numbers come as one block of bytes. Nothing is copied: every part is a window into the block.
 */

const KINDS = { f4: Float32Array, i1: Int8Array, u1: Uint8Array, u2: Uint16Array };
const OF_NEURONS = /^(bias|z|a|delta)\./;

/**
 * @typedef {{values: Float32Array|Int8Array|Uint8Array|Uint16Array, shape: number[], scale: number}} Part
 * @typedef {{neurons: Uint16Array, bias: Float32Array, z: Float32Array, a: Float32Array, delta: Float32Array,
 *   weights: Int8Array, inputs: number, shown: number, scale: number, about: Record<string, any>}} Layer
 * @typedef {{header: Record<string, any>, pixels: Uint8Array, layers: Layer[], labelWeights: Float32Array|null, incoming: Float32Array|null, incomingGradient: Float32Array|null}} Frame
 */

/** @param {Record<string, any>} header @param {ArrayBuffer|Uint8Array} payload @returns {Frame} */
export function readFrame(header, payload) {
  const parts = readParts(header.parts, payload);
  const layers = header.layers.map((about, index) => {
    const l = index + 1;
    const { values: weights, shape, scale } = parts[`weights.${l}`];
    const [inputs, shown] = shape;
    return {
      about, weights, inputs, shown, scale,
      neurons: parts[`neurons.${l}`].values,
      bias: parts[`bias.${l}`].values,
      z: parts[`z.${l}`].values,
      a: parts[`a.${l}`].values,
      delta: parts[`delta.${l}`].values,
    };
  });
  return {
    header,
    pixels: parts.pixels.values,
    layers,
    labelWeights: parts.label_weights?.values ?? null,
    incoming: parts.incoming?.values ?? null,
    incomingGradient: parts.incoming_gradient?.values ?? null,
  };
}

/** A frame as a file: four bytes of length, that much JSON, the numbers. @param {ArrayBuffer} file @returns {Frame} */
export function readFrameFile(file) {
  const length = new DataView(file).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 4, length)));
  return readFrame(header, new Uint8Array(file, 4 + length));
}

/** @param {Record<string, any>[]} described @param {ArrayBuffer|Uint8Array} payload @returns {Record<string, Part>} */
function readParts(described, payload) {
  const { buffer, start } = aligned(payload);
  const parts = {};
  for (const { name, dtype, shape, offset, scale, not_finite: lost } of described) {
    const count = shape.reduce((product, n) => product * n, 1);
    const values = new KINDS[dtype](buffer, start + offset, count);
    // A neuron's number that is not finite is none, where the frame has 0.
    if (OF_NEURONS.test(name)) for (const place of lost ?? []) values[place] = NaN;
    parts[name] = { values, shape, scale: scale ?? 1 };
  }
  return parts;
}

/** Windows of floats must begin at a multiple of four bytes. @param {ArrayBuffer|Uint8Array} payload */
function aligned(payload) {
  if (payload instanceof ArrayBuffer) return { buffer: payload, start: 0 };
  if (payload.byteOffset % 4 === 0) return { buffer: payload.buffer, start: payload.byteOffset };
  return { buffer: payload.slice().buffer, start: 0 };
}

/** The place of a neuron among those shown, -1 where it is not. @param {Layer} layer @param {number} neuron */
export function placeOf(layer, neuron) {
  return layer.neurons.indexOf(neuron);
}

/** The weights that lead to a shown neuron, from the shown inputs. @param {Layer} layer @param {number} place */
export function weightsInto(layer, place) {
  const found = new Float32Array(layer.inputs);
  for (let i = 0; i < layer.inputs; i += 1) found[i] = layer.weights[i * layer.shown + place] * layer.scale;
  return found;
}

/**
 * Where the largest numbers are, by size without sign: up to `limit` of them, in no order. A count of the sizes gives
 * the smallest that is taken, so that one pass over 100,000 weights is enough.
 * @param {Int8Array} values @param {number} limit @returns {number[]} indices
 */
export function strongest(values, limit) {
  const counts = new Uint32Array(129);
  for (let i = 0; i < values.length; i += 1) counts[Math.abs(values[i])] += 1;
  let taken = 0;
  let lowest = 128;
  while (lowest > 1 && taken + counts[lowest] <= limit) taken += counts[lowest--];
  // Of the weights of the size that no longer fits as a whole, the first ones.
  let spare = limit - taken;
  const found = [];
  for (let i = 0; i < values.length; i += 1) {
    const size = Math.abs(values[i]);
    if (size > lowest || (size === lowest && size > 0 && spare-- > 0)) found.push(i);
  }
  return found;
}
