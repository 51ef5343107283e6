/**
 * Pictures and canvases: a sheet drawn on a canvas, a sheet as a file to send, a file as a picture, and the pixels of
 * MNIST as an image. What is on a sheet is known to logic/strokes.js; the preparation as MNIST's is the server's.
 */

import { PEN, placed, smooth } from "./logic/strokes.js";

const SIDE = 28;
/** Pixels of a drawing's side as it is sent: ten for each one that the network sees. */
const SENT = 280;
/** The longest side of a picture as it is sent: enough for a digit that fills a tenth of it. */
const MOST = 640;
const PAPER = "#ffffff";
const INK = "#16181b";

/** @param {HTMLCanvasElement} canvas square @param {import("./logic/strokes.js").Sheet} sheet */
export function drawSheet(canvas, { picture, strokes }) {
  const side = canvas.width;
  const pen = canvas.getContext("2d");
  pen.fillStyle = PAPER;
  pen.fillRect(0, 0, side, side);
  if (picture) {
    const at = placed(picture);
    pen.imageSmoothingEnabled = !picture.pixelated;
    pen.drawImage(picture.image, at.x * side, at.y * side, at.width * side, at.height * side);
  }
  pen.strokeStyle = pen.fillStyle = INK;
  pen.lineWidth = PEN * side;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  for (const stroke of strokes) {
    const { from, curves, to } = smooth(stroke);
    pen.beginPath();
    if (stroke.length === 1) {
      pen.arc(from[0] * side, from[1] * side, pen.lineWidth / 2, 0, 2 * Math.PI); // a line without length is not drawn
      pen.fill();
      continue;
    }
    pen.moveTo(from[0] * side, from[1] * side);
    for (const [cx, cy, x, y] of curves) pen.quadraticCurveTo(cx * side, cy * side, x * side, y * side);
    pen.lineTo(to[0] * side, to[1] * side);
    pen.stroke();
  }
}

/** The sheet as a PNG; a picture alone in its own shape. @param {import("./logic/strokes.js").Sheet} sheet @returns {Promise<Blob>} */
export function sheetFile(sheet) {
  const { picture, strokes } = sheet;
  if (!picture || strokes.length) {
    const canvas = newCanvas(SENT, SENT);
    drawSheet(canvas, sheet);
    return png(canvas);
  }
  const scale = Math.min(1, MOST / Math.max(picture.width, picture.height));
  const canvas = newCanvas(Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale)));
  const pen = canvas.getContext("2d");
  pen.fillStyle = PAPER; // what is transparent is paper
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture.image, 0, 0, canvas.width, canvas.height);
  return png(canvas);
}

/** Any picture that the browser can read, the right way up. @param {Blob} file @param {string} words @returns {Promise<import("./logic/strokes.js").Picture>} */
export async function pictureFrom(file, words) {
  const image = await createImageBitmap(file);
  return { image, width: image.width, height: image.height, pixelated: false, words };
}

/** A digit of MNIST on white paper. @param {number[]} pixels 784, 0 is paper and 1 is ink @param {string} words @returns {import("./logic/strokes.js").Picture} */
export function pictureOf(pixels, words) {
  return { image: digitCanvas(pixels, (ink) => 255 - ink), width: SIDE, height: SIDE, pixelated: true, words };
}

/** A digit of MNIST as the data set has it, white on black, like the pictures of the server; the style sheet makes ink on paper of them. @param {number[]} pixels @returns {string} an address for an img */
export function digitUrl(pixels) {
  return digitCanvas(pixels, (ink) => ink).toDataURL("image/png");
}

/** @param {number[]} pixels @param {(ink: number) => number} shade both 0 to 255 */
function digitCanvas(pixels, shade) {
  const canvas = newCanvas(SIDE, SIDE);
  const image = new ImageData(SIDE, SIDE);
  pixels.forEach((ink, i) => {
    const grey = shade(Math.round(ink * 255));
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** @param {number} width @param {number} height */
function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
function png(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made into a file."))), "image/png");
  });
}
