/**
 * What lies on the drawing pad: at most one picture, and the strokes over it, in the order in which they came.
 * Points are fractions of the pad's side, so that a drawing is the same on every screen; nothing here knows a canvas.
 */

/** The pen's width as a share of the side: of a digit that fills the pad, some two of MNIST's pixels. */
export const PEN = 1 / 14;
/** Two points nearer than this, as a share of the side, are one: a hand at rest draws no hundred points. */
const NEAR = 1 / 400;

/**
 * @typedef {[number, number]} Point x and y, 0 at the left and at the top, 1 at the right and at the bottom
 * @typedef {{image: CanvasImageSource, width: number, height: number, pixelated: boolean, words: string}} Picture
 * @typedef {{picture: Picture|null, strokes: Point[][]}} Sheet
 */

/** @returns {Sheet} */
export function emptySheet() {
  return { picture: null, strokes: [] };
}

/** @param {Sheet} sheet */
export function isEmpty({ picture, strokes }) {
  return !picture && !strokes.length;
}

/** The pen comes down. @param {Sheet} sheet @param {Point} point @returns {Sheet} */
export function began(sheet, point) {
  return { ...sheet, strokes: [...sheet.strokes, [onPad(point)]] };
}

/** The pen moves on; the sheet itself comes back where it hardly did. @param {Sheet} sheet @param {Point[]} points @returns {Sheet} */
export function moved(sheet, points) {
  const stroke = [...(sheet.strokes.at(-1) ?? [])];
  if (!stroke.length) return sheet;
  const before = stroke.length;
  for (const point of points.map(onPad)) {
    const [x, y] = stroke[stroke.length - 1];
    if (Math.hypot(point[0] - x, point[1] - y) >= NEAR) stroke.push(point);
  }
  return stroke.length === before ? sheet : { ...sheet, strokes: [...sheet.strokes.slice(0, -1), stroke] };
}

/** Takes the last stroke away; where there is none, the picture. @param {Sheet} sheet @returns {Sheet} */
export function undone(sheet) {
  return sheet.strokes.length ? { ...sheet, strokes: sheet.strokes.slice(0, -1) } : emptySheet();
}

/** A stroke that leaves the pad goes on along its edge. @param {Point} point @returns {Point} */
function onPad([x, y]) {
  return [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
}

/**
 * A stroke as a smooth line: each point but the first and the last is the control point of a quadratic curve that
 * ends half way to the next; a straight line leads to the last.
 * @param {Point[]} stroke
 * @returns {{from: Point, curves: [number, number, number, number][], to: Point}} control point and end of each curve
 */
export function smooth(stroke) {
  const [from] = stroke;
  const to = stroke[stroke.length - 1];
  const curves = [];
  for (let i = 1; i < stroke.length - 1; i += 1) {
    const [x, y] = stroke[i];
    const [nextX, nextY] = stroke[i + 1];
    curves.push([x, y, (x + nextX) / 2, (y + nextY) / 2]);
  }
  return { from, curves, to };
}

/** Where a picture lies on the pad: whole, in the middle. @param {{width: number, height: number}} picture */
export function placed({ width, height }) {
  const longest = Math.max(width, height);
  const [w, h] = [width / longest, height / longest];
  return { x: (1 - w) / 2, y: (1 - h) / 2, width: w, height: h };
}
