/**
 * What a person can do under Draw: strokes, pictures from files and from the gallery, and what the chosen network makes
 * of them. The drawing is kept while networks and tabs change; each network reads it when it is shown.
 */

import { pictureProblem } from "./logic/files.js";
import { count } from "./logic/format.js";
import { began, emptySheet, isEmpty, moved, undone } from "./logic/strokes.js";
import { answered, ask, due } from "./logic/turns.js";
import { digitUrl, pictureFrom, pictureOf, sheetFile } from "./pictures.js";
import { emptyReading } from "./store.js";

const GALLERY = 20;
const NO_PICTURE = "There is no picture on the clipboard. Copy one, then paste it here.";

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {typeof import("./api.js").api} parts.api
 * @param {ReturnType<typeof import("./sync.js").createSync>} parts.sync
 * @param {(sheet: import("./logic/strokes.js").Sheet) => Promise<Blob>} [parts.fileOf] what is sent
 */
export function createDrawing({ store, api, sync, fileOf = sheetFile }) {
  const { state, update } = store;

  /** @param {import("./logic/strokes.js").Sheet} sheet */
  function put(sheet) {
    if (sheet === state.drawing.sheet) return;
    update(({ drawing }) => {
      drawing.sheet = sheet;
      drawing.version += 1;
      drawing.problem = "";
      if (isEmpty(sheet)) drawing.since = drawing.version;
    });
  }

  /** @param {string} problem */
  function complain(problem) {
    update((s) => { s.drawing.problem = problem; });
  }

  /** Another picture in place of everything on the pad. @param {import("./logic/strokes.js").Picture} picture */
  function putPicture(picture) {
    put(emptySheet());
    put({ picture, strokes: [] });
  }

  /** @param {Blob} blob @param {string} name */
  async function take(blob, name) {
    const problem = pictureProblem({ name, size: blob.size, type: blob.type });
    if (problem) return complain(problem);
    try {
      putPicture(await pictureFrom(blob, name));
    } catch {
      complain(`"${name}" cannot be read as a picture. Choose a PNG or a JPEG.`);
    }
  }

  /** @param {Error & {code?: string}} error */
  function readAgainIfGone(error) {
    if (error.code === "unknown_model") void sync.resync();
  }

  return {
    penDown: (point) => put(began(state.drawing.sheet, point)),
    penMove: (points) => put(moved(state.drawing.sheet, points)),
    undo: () => put(undone(state.drawing.sheet)),
    clear: () => put(emptySheet()),

    /** @param {File} file */
    takePicture: (file) => take(file, file.name),

    /** What Ctrl+V brought. @param {File[]} files */
    takePasted: (files) => {
      const picture = files.find(({ type }) => type.startsWith("image/"));
      return picture ? take(picture, "pasted picture") : complain(NO_PICTURE);
    },

    /** What Ctrl+V does, by a button: the browser may ask the person first, or not have it. */
    paste: async () => {
      if (!navigator.clipboard?.read) return complain("Here the browser lets no button paste pictures. Press Ctrl+V instead.");
      try {
        for (const item of await navigator.clipboard.read()) {
          const type = item.types.find((each) => each.startsWith("image/"));
          if (type) return await take(await item.getType(type), "pasted picture");
        }
      } catch {
        return complain("The browser did not let the page look at the clipboard. Press Ctrl+V instead.");
      }
      complain(NO_PICTURE);
    },

    /** @param {import("./store.js").Sample} sample */
    takeSample: ({ pixels, label, index }) => putPicture(pictureOf(pixels, `test image ${count(index)}, labelled ${label}`)),

    /** Has the network read the drawing, if it has not yet; the next call after an answer asks about what came meanwhile. @param {string} networkId */
    readDrawing: async (networkId) => {
      const { sheet, version } = state.drawing;
      const reading = (state.readings[networkId] ??= emptyReading());
      if (isEmpty(sheet) || !due(reading.turns, version)) return;
      reading.turns = ask(reading.turns, version);
      let data = null;
      let problem = "";
      try {
        data = await api.readPicture(networkId, await fileOf(sheet));
      } catch (error) {
        problem = error.message;
        readAgainIfGone(error);
      }
      update(() => {
        reading.turns = answered(reading.turns);
        reading.data = data;
        reading.error = problem;
      });
    },

    /** After an error. @param {string} networkId */
    readAgain: (networkId) => update((s) => { s.readings[networkId] = emptyReading(); }),

    /** Other digits of the test set, with what the network takes them for. @param {string} networkId */
    gallery: async (networkId) => {
      const before = state.galleries[networkId];
      if (before?.status === "loading") return;
      const gallery = { status: "loading", samples: before?.samples ?? [], predictions: before?.predictions ?? [], error: "" };
      update((s) => { s.galleries[networkId] = gallery; });
      try {
        const samples = await api.samples(GALLERY);
        const predictions = await api.predict(networkId, samples.map(({ pixels }) => pixels));
        const shown = samples.map((sample) => ({ ...sample, url: digitUrl(sample.pixels) }));
        update(() => { Object.assign(gallery, { status: "ready", samples: shown, predictions }); });
      } catch (error) {
        update(() => { Object.assign(gallery, { status: "error", samples: [], predictions: [], error: error.message }); });
        readAgainIfGone(error);
      }
    },
  };
}
