/**
 * What is done with many runs at once: they are read, chosen, exported as files, and their networks deleted. Which are
 * chosen, the filter and the order are in the address and nowhere else.
 */

import { ROWS, choiceIn, compareHref, rowsOf } from "./logic/compare.js";
import { plural } from "./logic/format.js";
import { runsCsv, runsFileName, runsJson } from "./logic/run-files.js";
import { saveFile } from "./transfers.js";

/** Runs read with one request: as many as the server gives. */
const READ = 500;

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {typeof import("./api.js").api} parts.api
 * @param {ReturnType<typeof import("./sync.js").createSync>} parts.sync
 * @param {(href: string) => void} parts.rewrite puts another address in place of the present one
 * @param {(kind: "info"|"error", text: string) => void} parts.notify
 */
export function createComparing({ store, api, sync, rewrite, notify }) {
  const { state, update } = store;
  /** Jobs of the address that were asked for by themselves. @type {Set<string>} */
  const asked = new Set();

  /** Another filter, order or choice of runs; the rest stays. @param {Partial<import("./logic/compare.js").Choice>} change */
  function compare(change) {
    rewrite(compareHref({ ...choiceIn(state.route.query), ...change }));
  }

  /** Marks as busy while `work` runs; a second press meanwhile does nothing. @param {string} key @param {() => Promise<void>} work */
  async function once(key, work) {
    if (state.busy[key]) return;
    update((s) => { s.busy[key] = true; });
    try {
      await work();
    } finally {
      update((s) => { delete s.busy[key]; });
    }
  }

  return {
    compare,

    /** The runs of all networks, the newest 500; called again, the 500 before them. */
    readAllRuns: async () => {
      const { comparing } = state;
      if (comparing.status === "loading") return;
      update(() => { comparing.status = "loading"; });
      try {
        const asked = Date.now();
        const { jobs, total } = await api.jobsPage({ limit: String(READ), offset: String(comparing.read) });
        sync.takeJobs(jobs, asked);
        update(() => Object.assign(comparing, { status: "ready", read: comparing.read + jobs.length, total, error: "", unheard: false }));
      } catch (error) {
        update(() => Object.assign(comparing, { status: "error", error: error.message, unheard: error.status === 0 }));
      }
    },

    /** Runs of the address that are not among those read: each is asked for once. @param {string[]} ids */
    readRunsById: (ids) => {
      for (const id of ids) {
        if (state.jobs[id] || asked.has(id)) continue;
        asked.add(id);
        sync.readJob(id).catch(() => asked.delete(id));
      }
    },

    moreRows: () => update((s) => { s.comparing.rows += ROWS; }),

    /** @param {string[]} ids @param {boolean} on */
    chooseRuns: (ids, on) => {
      const others = choiceIn(state.route.query).runs.filter((id) => !ids.includes(id));
      compare({ runs: on ? [...others, ...ids] : others });
    },

    /** Saves the chosen runs as a file, made here of their records and events. @param {string[]} ids @param {"csv"|"json"} kind */
    exportRuns: (ids, kind) =>
      once("export-runs", async () => {
        try {
          const rows = rowsOf(Object.values(state.jobs), state.networks ?? [], state.comparing.read >= state.comparing.total);
          const runs = [];
          for (const id of ids) {
            const row = rows.find((one) => one.id === id);
            if (row) runs.push({ row, events: (await api.events(id, 0)).events });
          }
          const now = new Date().toISOString();
          const type = kind === "csv" ? "text/csv" : "application/json";
          saveFile(new Blob([kind === "csv" ? runsCsv(runs) : runsJson(runs, now)], { type }), runsFileName(now, kind));
        } catch (error) {
          notify("error", `Nothing was exported. ${error.message}`);
        }
      }),

    /** Deletes networks one by one, tells what came of it and reads what there is now. @param {string[]} ids of networks */
    removeNetworks: (ids) =>
      once("delete", async () => {
        let deleted = 0;
        const problems = [];
        for (const id of ids) {
          try {
            await api.deleteNetwork(id);
            deleted += 1;
          } catch (error) {
            if (error.code !== "unknown_network") problems.push(error.message);
          }
        }
        const kept = problems.length ? ` ${plural(problems.length, "network")} stayed: ${problems[0]}` : "";
        notify(problems.length ? "error" : "info", `${plural(deleted, "network")} ${deleted === 1 ? "was" : "were"} deleted.${kept}`);
        update((s) => { s.dialog = null; });
        await sync.resync();
        const there = new Set(state.networks?.map((network) => network.network_id));
        const { runs } = choiceIn(state.route.query);
        compare({ runs: runs.filter((id) => there.has(state.jobs[id]?.network_id)) });
      }),
  };
}
