/**
 * The plan of a network's drawing: where the picture, the neurons and the connections are, and which of them is under
 * a pointer. All in CSS pixels; it knows no canvas.
 */

import { strongest } from "./frames.js";

export const SIDE = 28;
/** Connections that are drawn between two layers, and from the picture to the first. */
export const MOST_EDGES = 140;
const LEAST_SPACE = 8.5;
const MOST_SPACE = 34;
const SIDE_MARGIN = 13;
/** Above the neurons there is room for two lines, which name the layer. */
const TOP = 36;
const BOTTOM = 18;
/** Between the outermost neurons of a layer of several columns and the frame around them. */
const FRAME = 5;
const OUTPUT_ROOM = 92;

/**
 * @typedef {{x: number, y: number, r: number, layer: number, place: number}} Spot layer from 1, place among those shown
 * @typedef {{x: number, y: number, side: number}} PicturePlace
 * @typedef {{x: number, y: number, width: number, height: number}} Box around a layer
 * @typedef {{width: number, height: number, picture: PicturePlace, layers: Spot[][], boxes: (Box & {columns: number})[]}} Plan
 * @typedef {{x: number, y: number, lines: string[]}} Caption centred on x, its lowest line at y
 * @typedef {{x1: number, y1: number, x2: number, y2: number, layer: number, from: number, to: number, value: number}} Edge
 */

/** How high the drawing should be for a width. @param {number} width */
export function heightFor(width) {
  return width < 520 ? 400 : 480;
}

/**
 * @param {number[]} shown neurons that are shown of each layer behind the picture, the last one the outputs
 * @param {number} width @param {number} height
 * @returns {Plan}
 */
export function planFor(shown, width, height) {
  const side = Math.max(56, Math.min(168, height * 0.4, width * 0.2));
  const picture = { x: SIDE_MARGIN, y: (TOP + height - BOTTOM - side) / 2, side };
  const from = picture.x + side;
  const to = width - OUTPUT_ROOM;
  const layers = shown.map((count, index) => {
    const x = from + ((to - from) * (index + 1)) / shown.length;
    const roomBetween = (to - from) / shown.length;
    return column(count, index + 1, x, height, roomBetween * 0.45);
  });
  return { width, height, picture, layers, boxes: layers.map(boxAround) };
}

/** @param {Spot[]} spots of one layer */
function boxAround(spots) {
  const [xs, ys, gap] = [spots.map(({ x }) => x), spots.map(({ y }) => y), spots[0].r + FRAME];
  const [x, y] = [Math.min(...xs) - gap, Math.min(...ys) - gap];
  return { x, y, width: Math.max(...xs) + gap - x, height: Math.max(...ys) + gap - y, columns: new Set(xs).size };
}

/**
 * What stands above each layer: its name and how many neurons it has, in as many words as there is room for, the same in
 * all layers.
 * @param {Plan} plan @param {{shown: number, about: {size: number}}[]} layers of a frame
 * @param {(text: string) => number} widthOf text as it will be drawn @returns {Caption[]}
 */
export function captionsOf({ boxes, picture, width }, layers, widthOf) {
  const room = (width - OUTPUT_ROOM - picture.x - picture.side) / layers.length - 2;
  const ways = layers.map((layer, index) => captionWays(layer, index + 1, index === layers.length - 1));
  const way = ways[0].findIndex((_, i) => ways.every((each) => each[i].every((line) => widthOf(line) <= room)));
  return boxes.map((box, index) => ({ x: box.x + box.width / 2, y: box.y - 5, lines: ways[index][way] }));
}

/** A layer's name and size, from many words to none. @param {{shown: number, about: {size: number}}} layer @param {number} number @param {boolean} last */
function captionWays({ shown, about: { size } }, number, last) {
  const [name, short, least] = last ? ["outputs", "outputs", "out"] : [`hidden layer ${number}`, `hidden ${number}`, `${number}`];
  const count = shown < size ? `${shown} of ${size}` : `${size}`;
  return [[name, size === 1 ? "1 neuron" : `${count} neurons`], [name, count], [short, count], [short, `${size}`], [least, `${size}`], [least], []];
}

/** One layer: a column, or a few where it would be too crowded. @param {number} count @param {number} layer @param {number} x @param {number} height @param {number} room */
function column(count, layer, x, height, room) {
  const usable = height - TOP - BOTTOM;
  const rows = Math.min(count, Math.max(1, Math.floor(usable / LEAST_SPACE)));
  const columns = Math.ceil(count / rows);
  const perColumn = Math.ceil(count / columns);
  const space = Math.min(MOST_SPACE, usable / perColumn);
  const across = columns > 1 ? Math.min(2.4 * space, room / (columns - 1)) : 0;
  const r = Math.max(2, Math.min(11, Math.min(space, columns > 1 ? across : space) / 2 - 0.8));
  const spots = [];
  for (let place = 0; place < count; place += 1) {
    const c = Math.floor(place / perColumn);
    const inThis = c === columns - 1 ? count - perColumn * c : perColumn;
    const y = (TOP + height - BOTTOM) / 2 + ((place % perColumn) - (inThis - 1) / 2) * space;
    spots.push({ x: x + (c - (columns - 1) / 2) * across, y, r, layer, place });
  }
  return spots;
}

/** The middle of a pixel of the picture. @param {PicturePlace} picture @param {number} pixel */
export function pixelSpot({ x, y, side }, pixel) {
  return { x: x + ((pixel % SIDE) + 0.5) * (side / SIDE), y: y + (Math.floor(pixel / SIDE) + 0.5) * (side / SIDE), r: 0 };
}

/** The strongest connections of every layer. @param {import("./frames.js").Frame} frame @param {Plan} plan @returns {Edge[]} */
export function edgesOf(frame, plan) {
  return frame.layers.flatMap((layer, index) => strongest(layer.weights, MOST_EDGES).map((at) => edge(frame, plan, index, at)));
}

/** All connections into one neuron that count. @param {import("./frames.js").Frame} frame @param {Plan} plan @param {number} layer from 1 @param {number} place @param {number} [limit] */
export function edgesInto(frame, plan, layer, place, limit = 60) {
  const { weights, inputs, shown } = frame.layers[layer - 1];
  const own = new Int8Array(inputs);
  for (let i = 0; i < inputs; i += 1) own[i] = weights[i * shown + place];
  return strongest(own, limit).map((i) => edge(frame, plan, layer - 1, i * shown + place));
}

/** @returns {Edge} */
function edge(frame, plan, index, at) {
  const { weights, shown, scale } = frame.layers[index];
  const from = Math.floor(at / shown);
  const to = at % shown;
  const start = index === 0 ? pixelSpot(plan.picture, from) : plan.layers[index - 1][from];
  const end = plan.layers[index][to];
  return { x1: start.x + start.r, y1: start.y, x2: end.x - end.r, y2: end.y, layer: index + 1, from, to, value: weights[at] * scale };
}

/** The neuron under a point, or near it. @param {Plan} plan @param {number} x @param {number} y @param {number} [reach] px beside it @returns {Spot|null} */
export function spotAt(plan, x, y, reach = 3) {
  let best = null;
  let nearest = Infinity;
  for (const spots of plan.layers) {
    for (const spot of spots) {
      const distance = Math.hypot(spot.x - x, spot.y - y);
      if (distance <= spot.r + reach && distance < nearest) [best, nearest] = [spot, distance];
    }
  }
  return best;
}

/** The pixel under a point; -1 where there is none. @param {Plan} plan @param {number} x @param {number} y */
export function pixelAt({ picture }, x, y) {
  const column = Math.floor(((x - picture.x) / picture.side) * SIDE);
  const row = Math.floor(((y - picture.y) / picture.side) * SIDE);
  return column >= 0 && column < SIDE && row >= 0 && row < SIDE ? row * SIDE + column : -1;
}

/** The connection under a point. @param {Edge[]} edges @param {number} x @param {number} y @returns {Edge|null} */
export function edgeAt(edges, x, y, reach = 4) {
  let best = null;
  let nearest = reach;
  for (const each of edges) {
    const distance = distanceTo(each, x, y);
    if (distance < nearest) [best, nearest] = [each, distance];
  }
  return best;
}

/** @param {Edge} edge @param {number} x @param {number} y */
function distanceTo({ x1, y1, x2, y2 }, x, y) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
}

/**
 * The neuron that an arrow key leads to: up and down within the layer, left and right to the layer beside it, at about
 * the same height.
 * @param {Plan} plan @param {Spot|null} spot @param {string} key @returns {Spot|null} null where there is none
 */
export function spotFrom(plan, spot, key) {
  if (!spot) return plan.layers[0]?.[0] ?? null;
  const own = plan.layers[spot.layer - 1];
  if (key === "ArrowUp" || key === "ArrowDown") return own[spot.place + (key === "ArrowUp" ? -1 : 1)] ?? null;
  if (key === "Home") return own[0];
  if (key === "End") return own[own.length - 1];
  const beside = plan.layers[spot.layer - 1 + (key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0)];
  if (!beside) return null;
  return beside.reduce((best, each) => (Math.abs(each.y - spot.y) < Math.abs(best.y - spot.y) ? each : best));
}

/** How far a neuron is lit, 0 to 1: its activation by the range of its kind; 0 for what is no number. @param {Float32Array} a @param {string} activation */
export function brightness(a, activation) {
  let most = activation === "sigmoid" || activation === "softmax" || activation === "tanh" ? 1 : 0;
  if (!most) for (const value of a) most = Math.max(most, Math.abs(value) || 0);
  return Float32Array.from(a, (value) => (most ? Math.min(1, Math.abs(value) / most) || 0 : 0));
}

/** The errors of a layer beside its largest, -1 to 1; 0 for what is no number. @param {Float32Array} delta */
export function errorShare(delta) {
  let most = 0;
  for (const value of delta) most = Math.max(most, Math.abs(value) || 0);
  return Float32Array.from(delta, (value) => (most ? value / most || 0 : 0));
}

const CYCLE_MS = 3_200;
const FORWARD = 0.5;

/**
 * Where the wave is: forward through the layers, then the errors back.
 * @param {number} ms @param {number} layers behind the picture
 * @returns {{forward: boolean, at: number}} at: 0 the picture, `layers` the outputs
 */
export function wave(ms, layers) {
  const t = (ms % CYCLE_MS) / CYCLE_MS;
  const forward = t < FORWARD;
  const done = forward ? t / FORWARD : (t - FORWARD) / (1 - FORWARD);
  const span = layers + 0.6;
  return { forward, at: forward ? done * span : span - done * span };
}

/** How strongly a layer is in the wave, 0 to 1. @param {{at: number}} wave @param {number} layer */
export function inWave({ at }, layer) {
  return Math.max(0, 1 - Math.abs(at - layer) / 0.55);
}
