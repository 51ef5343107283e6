/** Markers on the lines of plots: shapes by which lines are told apart without colour. */

/** Half the size of a marker, in pixels of the page. */
const SIZE = 4.2;

/** @param {CanvasRenderingContext2D} pen its colours are set @param {string} marker see `MARKERS` @param {number} x in pixels of the screen @param {number} y */
export function drawMarker(pen, marker, x, y) {
  const r = SIZE * devicePixelRatio;
  const corners = {
    square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    triangle: [[0, -1.15], [1.1, 0.85], [-1.1, 0.85]],
    diamond: [[0, -1.3], [1.1, 0], [0, 1.3], [-1.1, 0]],
    flag: [[0, 1.15], [1.1, -0.85], [-1.1, -0.85]],
  }[marker];
  const strokes = { cross: [[-0.9, -0.9, 0.9, 0.9], [-0.9, 0.9, 0.9, -0.9]], plus: [[0, -1.2, 0, 1.2], [-1.2, 0, 1.2, 0]] }[marker];
  pen.setLineDash([]);
  pen.beginPath();
  if (corners) corners.forEach(([dx, dy], i) => (i ? pen.lineTo(x + dx * r, y + dy * r) : pen.moveTo(x + dx * r, y + dy * r)));
  else if (strokes) for (const [a, b, c, d] of strokes) { pen.moveTo(x + a * r, y + b * r); pen.lineTo(x + c * r, y + d * r); }
  else pen.arc(x, y, r, 0, 2 * Math.PI);
  if (strokes || marker === "ring") pen.stroke();
  else pen.fill();
}
