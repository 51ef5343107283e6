/** Networks as files: an export is saved where the browser saves files, an import becomes a network and is shown. */

import { exportName, modelName, modelProblem } from "./logic/files.js";
import { percent } from "./logic/format.js";
import { networkHref } from "./logic/routes.js";

/** An address of a file in memory is given back once the browser has begun to save it. */
const KEPT_MS = 60_000;

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {typeof import("./api.js").api} parts.api
 * @param {ReturnType<typeof import("./sync.js").createSync>} parts.sync
 * @param {(href: string) => void} parts.go
 * @param {(kind: "info"|"error", text: string) => void} parts.notify
 */
export function createTransfers({ store, api, sync, go, notify }) {
  const { state, update } = store;

  return {
    /** @param {string} networkId @param {string} format */
    exportAs: async (networkId, format) => {
      const key = `export:${networkId}`;
      if (state.busy[key]) return;
      update((s) => { s.busy[key] = true; });
      try {
        const { file, disposition } = await api.exportNetwork(networkId, format);
        saveFile(file, exportName(disposition, format));
      } catch (error) {
        notify("error", error.message);
        if (error.code === "unknown_network") void sync.resync();
      } finally {
        update((s) => { delete s.busy[key]; });
      }
    },

    /** @param {File} file */
    importModel: async (file) => {
      if (state.importing) return;
      const problem = modelProblem(file);
      if (problem) return notify("error", problem);
      const { name, size } = file;
      update((s) => { s.importing = { name, share: 0 }; });
      try {
        const onProgress = (sent) => update((s) => { s.importing = { name, share: Math.min(1, sent / size) }; });
        const network = await api.importNetwork(file, modelName(name), onProgress);
        await sync.readNetworks().catch(() => {});
        const measured = network.accuracy === null ? "" : ` It reads ${percent(network.accuracy)} of the test digits rightly, as measured here.`;
        notify("info", `"${name}" was imported.${measured}`);
        go(networkHref(network.network_id));
      } catch (error) {
        notify("error", `"${name}" was not imported. ${error.message}`);
      } finally {
        update((s) => { s.importing = null; });
      }
    },
  };
}

/** As if the person had pressed a link to it. @param {Blob} file @param {string} name */
export function saveFile(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
