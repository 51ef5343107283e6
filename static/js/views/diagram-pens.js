/**
 * What is drawn on the canvases of <hippo-diagram>: the picture and the connections below, the neurons above. Each is
 * given all that it draws and keeps nothing.
 */

import { channels } from "../colors.js";
import { SIDE, inWave } from "../logic/diagram.js";

/** Widths that connections are drawn with, thinnest first: few, so that a few strokes draw them all. */
const WIDTHS = [0.6, 1.2, 2.2];
/** Errors smaller than this share of the layer's largest leave a neuron's ring as it is. */
const LEAST_ERROR = 0.15;
const LEAST_HALO = 0.06;
/** What is negative is dashed, and an activation has a bar, so that nobody needs the colours: a connection, a ring. */
const DASHED = [5, 3];
const RING_DASHED = [3, 2];
const WHOLE = [];
/** From one line of a caption to the next, px. */
const CAPTION_LINE = 14;

/**
 * @typedef {{plan: import("../logic/diagram.js").Plan, frame: import("../logic/frames.js").Frame, colors: Record<string, string>,
 *   captions: import("../logic/diagram.js").Caption[]}} Drawn
 * @typedef {{lights: Float32Array[], errors: Float32Array[]}} Shares of each layer's neurons: 0 to 1, and -1 to 1
 */

/**
 * The digit, the connections, and what is written.
 * @param {CanvasRenderingContext2D} pen @param {Drawn} drawn @param {import("../logic/diagram.js").Edge[]} edges
 * @param {HTMLCanvasElement} image of 28 by 28 pixels, to be used @param {(weight: number) => string} font
 */
export function drawConnections(pen, drawn, edges, image, font) {
  const { plan: { width, height, picture }, frame, colors } = drawn;
  pen.clearRect(0, 0, width, height);
  for (let layer = 1; layer <= frame.layers.length; layer += 1) drawEdges(pen, edges.filter((edge) => edge.layer === layer), colors);
  fillImage(image, frame.pixels, colors);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(image, picture.x, picture.y, picture.side, picture.side);
  pen.strokeStyle = colors.edge;
  pen.lineWidth = 1;
  pen.strokeRect(picture.x - 0.5, picture.y - 0.5, picture.side + 1, picture.side + 1);
  for (const { x, y, width: across, height: down, columns } of drawn.plan.boxes) if (columns > 1) pen.strokeRect(x, y, across, down);
  write(pen, drawn, font);
}

/** All connections of a sign and width in one stroke. @param {CanvasRenderingContext2D} pen @param {import("../logic/diagram.js").Edge[]} edges @param {Record<string, string>} colors */
function drawEdges(pen, edges, colors) {
  const most = edges.reduce((largest, { value }) => Math.max(largest, Math.abs(value)), 0) || 1;
  for (const sign of [1, -1]) {
    pen.strokeStyle = colors[sign > 0 ? "plus" : "minus"];
    pen.setLineDash(sign > 0 ? WHOLE : DASHED);
    for (const [step, lineWidth] of WIDTHS.entries()) {
      pen.beginPath();
      for (const { x1, y1, x2, y2, value } of edges) {
        if (value * sign <= 0 || Math.min(2, Math.floor((Math.abs(value) / most) * 3)) !== step) continue;
        pen.moveTo(x1, y1);
        pen.lineTo(x2, y2);
      }
      pen.lineWidth = lineWidth;
      pen.globalAlpha = 0.28 + 0.24 * step;
      pen.stroke();
    }
  }
  pen.setLineDash(WHOLE);
  pen.globalAlpha = 1;
}

/** @param {HTMLCanvasElement} image @param {Uint8Array} pixels @param {Record<string, string>} colors */
function fillImage(image, pixels, colors) {
  const pen = image.getContext("2d");
  const data = pen.createImageData(SIDE, SIDE);
  const [paper, ink] = [channels(colors.paper), channels(colors.pen)];
  for (const [i, value] of pixels.entries()) {
    for (let c = 0; c < 3; c += 1) data.data[4 * i + c] = paper[c] + ((ink[c] - paper[c]) * value) / 255;
    data.data[4 * i + 3] = 255;
  }
  pen.putImageData(data, 0, 0);
}

/** What the picture is, what each layer is called, and the ten outputs' digits. @param {CanvasRenderingContext2D} pen @param {Drawn} drawn @param {(weight: number) => string} font */
function write(pen, { plan: { picture, layers }, frame, colors, captions }, font) {
  const { label } = frame.header.example;
  pen.textAlign = "left";
  pen.fillStyle = colors["ink-2"];
  pen.font = font(400);
  pen.fillText(`label ${label}`, picture.x, picture.y + picture.side + 17);
  pen.strokeStyle = colors.surface; // so that no line runs through the words
  pen.lineWidth = 4;
  pen.strokeText("784 pixels", picture.x, picture.y - 8);
  pen.fillText("784 pixels", picture.x, picture.y - 8);
  pen.textAlign = "center";
  for (const { x, y, lines } of captions) {
    for (const [index, line] of lines.entries()) {
      const at = y - CAPTION_LINE * (lines.length - 1 - index);
      pen.strokeText(line, x, at);
      pen.fillText(line, x, at);
    }
  }
  pen.textAlign = "left";
  for (const { x, y, r, place } of layers[layers.length - 1]) {
    const right = place === label;
    pen.fillStyle = colors[right ? "ink" : "ink-2"];
    pen.font = font(right ? 700 : 400);
    pen.fillText(`${place}${right ? " \u25c2 label" : ""}`, x + r + 8, y + 4);
  }
}

/**
 * The neurons, the wave where there is one, and circles around those that are looked at.
 * @param {CanvasRenderingContext2D} pen @param {Drawn} drawn @param {Shares} shares
 * @param {{forward: boolean, at: number}|null} moving @param {import("../logic/diagram.js").Spot[]} chosen
 */
export function drawNeurons(pen, { plan: { width, height, layers }, frame, colors }, { lights, errors }, moving, chosen) {
  pen.clearRect(0, 0, width, height);
  for (const [index, spots] of layers.entries()) {
    const near = moving ? inWave(moving, index + 1) : 0;
    const { a } = frame.layers[index];
    for (const spot of spots) {
      const light = lights[index][spot.place];
      const error = errors[index][spot.place];
      if (moving) drawHalo(pen, spot, near * (moving.forward ? light : Math.abs(error)), colors[moving.forward ? "accent" : "minus"]);
      drawNeuron(pen, spot, light, a[spot.place] < 0, error, colors);
    }
  }
  pen.strokeStyle = colors.ink;
  pen.lineWidth = 2;
  for (const { x, y, r } of chosen) circle(pen, x, y, r + 4).stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} r */
function circle(pen, x, y, r) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
  return pen;
}

/** @param {CanvasRenderingContext2D} pen @param {import("../logic/diagram.js").Spot} spot @param {number} strength 0 to 1 @param {string} color */
function drawHalo(pen, { x, y, r }, strength, color) {
  if (strength < LEAST_HALO) return;
  pen.globalAlpha = 0.45 * strength;
  pen.fillStyle = color;
  circle(pen, x, y, r + 2 + 5 * strength).fill();
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {import("../logic/diagram.js").Spot} spot @param {number} light @param {boolean} negative @param {number} error @param {Record<string, string>} colors */
function drawNeuron(pen, { x, y, r }, light, negative, error, colors) {
  circle(pen, x, y, r);
  pen.fillStyle = colors.surface;
  pen.fill();
  pen.globalAlpha = light;
  pen.fillStyle = colors[negative ? "minus" : "accent"];
  pen.fill();
  pen.globalAlpha = 1;
  const size = Math.abs(error);
  const shown = size > LEAST_ERROR;
  pen.strokeStyle = shown ? colors[error > 0 ? "minus" : "plus"] : colors.edge;
  pen.lineWidth = 0.8 + 2 * size;
  pen.setLineDash(shown && error > 0 ? RING_DASHED : WHOLE);
  pen.stroke();
  pen.setLineDash(WHOLE);
  if (negative && light > LEAST_ERROR) drawBar(pen, x, y, r, colors.ink);
}

/** The minus sign of a negative activation. @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} r @param {string} color */
function drawBar(pen, x, y, r, color) {
  pen.fillStyle = color;
  pen.fillRect(x - r / 2, y - 0.75, r, 1.5);
}
