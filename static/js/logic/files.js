/** Names and sizes of files: what a model is called that came from one, and which files are worth sending at all. */

import { bytes } from "./format.js";
import { LIMITS } from "./forms.js";

/** The formats a network is exported in: the API's word, the name people know, and what it is for. */
export const EXPORTS = [
  ["safetensors", "safetensors", "Everything: weights, settings, the last run."],
  ["npz", "NumPy npz", "Arrays weight_0, bias_0, \u2026 with weights (out, in)."],
  ["npz-layers", "NumPy npz, by layers", "Arrays W0, b0, \u2026 with weights (in, out)."],
  ["onnx", "ONNX", "For other runtimes; Hippo does not import it."],
];
const ENDINGS = { safetensors: ".safetensors", npz: ".npz", "npz-layers": ".npz", onnx: ".onnx" };
const MOST_MODEL_BYTES = 256_000_000;
const MOST_PICTURE_BYTES = 40_000_000;

/** The name in a Content-Disposition, else one for this format. @param {string|null} disposition @param {string} format */
export function exportName(disposition, format) {
  const found = /filename="([^"/\\]+)"/.exec(disposition ?? "");
  return found ? found[1] : `network${ENDINGS[format] ?? ""}`;
}

/** What an imported network is called: as its file, without ending and the id that exports add. @param {string} file */
export function modelName(file) {
  const stem = file.replace(/\.(safetensors|npz)$/i, "").replace(/-[0-9a-f]{8}(-layers)?( ?\(\d+\))?$/, "");
  const plain = stem.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, " ").trim();
  return [...plain].slice(0, LIMITS.name).join("");
}

/** Why a file is no model, before it is sent; empty where it may be one. @param {{name: string, size: number}} file */
export function modelProblem({ name, size }) {
  if (!size) return `"${name}" is empty.`;
  if (size > MOST_MODEL_BYTES) return `"${name}" has ${bytes(size)}; at most ${bytes(MOST_MODEL_BYTES)} can be imported.`;
  return "";
}

/** Why a file is no picture to be read here; empty where it may be one. @param {{name: string, size: number, type: string}} file */
export function pictureProblem({ name, size, type }) {
  if (!type.startsWith("image/")) return `"${name}" is no picture. Choose a PNG or a JPEG.`;
  if (size > MOST_PICTURE_BYTES) return `"${name}" has ${bytes(size)}; a picture may have ${bytes(MOST_PICTURE_BYTES)} at most.`;
  return "";
}
