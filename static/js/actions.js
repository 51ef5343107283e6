/**
 * What a person can do on the page. Each action asks the server, takes its answer into the state, and puts
 * what went wrong where the person looks: beside the field, at the form, or in the notice.
 */

import { CLASSIC, checkNetwork, checkTraining, effectiveRate, emptyCreateForm } from "./logic/forms.js";
import { RECIPE } from "./logic/recipe.js";
import { networkHref } from "./logic/routes.js";
import { emptyExamples, emptyForm } from "./store.js";

const NOTICE_MS = 12_000;

/** Opens what hides a wrong field. @param {Record<string, any>} form */
function openWrong(form) {
  if (form.errors.seed || form.errors.dropout) form.advanced = true;
  if (Object.keys(form.errors).some((field) => field in RECIPE || field === "training_seed")) form.advancedTraining = true;
}

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {typeof import("./api.js").api} parts.api
 * @param {ReturnType<typeof import("./sync.js").createSync>} parts.sync
 * @param {(href: string) => void} parts.go
 * @param {(form: string) => void} parts.focusError moves to the first wrong field of a form
 */
export function createActions({ store, api, sync, go, focusError }) {
  const { state, update } = store;

  /** Marks `key` as busy while `work` runs; a second press meanwhile does nothing. @param {string} key @param {() => Promise<void>} work */
  async function once(key, work) {
    if (state.busy[key]) return;
    update((s) => {
      s.busy[key] = true;
    });
    try {
      await work();
    } finally {
      update((s) => {
        delete s.busy[key];
      });
    }
  }

  /** @param {"info"|"error"} kind @param {string} text */
  function notify(kind, text) {
    const notice = { kind, text };
    update((s) => {
      s.notice = notice;
    });
    // What went well need not be closed by hand; what went wrong stays.
    if (kind !== "info") return;
    setTimeout(() => {
      if (state.notice === notice) update((s) => { s.notice = null; });
    }, NOTICE_MS);
  }

  /** @param {Record<string, any>} form @param {Error & {fields?: Record<string, string>}} error @param {Record<string, string>} [names] */
  function showProblem(form, error, names = {}) {
    update(() => {
      form.problem = error.message;
      for (const [field, text] of Object.entries(error.fields ?? {})) form.errors[names[field] ?? field] = text;
    });
  }

  /** What was acted upon is gone: the page is behind the server and reads everything again. @param {Error & {code?: string}} error */
  function readAgainIfGone(error) {
    if (error.code === "unknown_network" || error.code === "unknown_job") void sync.resync();
  }

  /** @param {string} networkId @param {Record<string, number>} body */
  async function startTraining(networkId, body) {
    const answer = await api.train(networkId, body);
    await Promise.allSettled([sync.readJob(answer.job_id), sync.readNetworks()]);
    void sync.catchUp(answer.job_id);
    void sync.pulse();
  }

  /** @param {Record<string, unknown>} network @param {Record<string, number>|null} training */
  async function createAndGo(network, training) {
    const { network_id: id } = await api.createNetwork(network);
    await sync.readNetworks().catch(() => {});
    if (training) {
      try {
        await startTraining(id, training);
      } catch (error) {
        notify("error", `The network was created, but its training did not start: ${error.message}`);
        readAgainIfGone(error);
      }
    }
    go(networkHref(id));
  }

  /** Deletes, tells what came of it, and reads what there is now. @param {() => Promise<string>} deletion returns what to say */
  async function deleteAndTell(deletion) {
    try {
      notify("info", await deletion());
    } catch (error) {
      notify("error", error.message);
    }
    update((s) => { s.dialog = null; });
    await sync.resync();
  }

  return {
    notify,
    go,
    // for the actions that stand in files of their own
    once, createAndGo, startTraining, readAgainIfGone,

    dismissNotice: () => update((s) => { s.notice = null; }),

    /** One press on the first visit. */
    trainClassic: () =>
      once("create", async () => {
        try {
          await createAndGo(CLASSIC.network, CLASSIC.training);
        } catch (error) {
          notify("error", error.message);
        }
      }),

    /** @param {"create"|string} key "create" or a network id @param {string} field @param {string} value */
    edit: (key, field, value) =>
      update((s) => {
        const form = key === "create" ? s.forms.create : s.forms.train[key];
        form.values[field] = value;
        form.edited = true;
        form.problem = "";
        delete form.errors[field];
      }),

    /** @param {string} key @param {string} field */
    touch: (key, field) =>
      update((s) => {
        const form = key === "create" ? s.forms.create : s.forms.train[key];
        form.touched[field] = true;
      }),

    /** @param {boolean} open @param {"advanced"|"advancedTraining"} [part] @param {string} [key] of the form */
    showAdvanced: (open, part = "advanced", key = "create") =>
      update((s) => { (key === "create" ? s.forms.create : s.forms.train[key])[part] = open; }),

    /** @param {boolean} andTrain */
    create: (andTrain) =>
      once("create", async () => {
        const form = state.forms.create;
        const network = checkNetwork(form.values);
        const training = checkTraining({ ...form.values, learning_rate: effectiveRate(form.values) });
        const errors = { ...network.errors, ...(andTrain ? training.errors : {}) };
        update(() => {
          form.errors = errors;
          form.problem = "";
          openWrong(form);
        });
        if (Object.keys(errors).length) return focusError("create");
        try {
          await createAndGo(network.body, andTrain ? training.body : null);
          update((s) => {
            s.forms.create = emptyForm(emptyCreateForm());
          });
        } catch (error) {
          showProblem(form, error, { layer_sizes: "hidden" });
          update(() => openWrong(form));
          focusError("create");
        }
      }),

    /**
     * The train form of a network. Until something is typed into it, it follows the last run, which may be read after it is
     * first shown, and may have had its settings changed on the way.
     * @param {string} networkId @param {Record<string, string>} values
     */
    ensureTrainForm: (networkId, values) => {
      const form = (state.forms.train[networkId] ??= emptyForm(values));
      if (!form.edited && !state.busy[`train:${networkId}`]) form.values = values;
      return form;
    },

    /** @param {string} networkId */
    train: (networkId) =>
      once(`train:${networkId}`, async () => {
        const form = state.forms.train[networkId];
        const { errors, body } = checkTraining(form.values);
        update(() => {
          form.errors = errors;
          form.problem = "";
          openWrong(form);
        });
        if (Object.keys(errors).length) return focusError("train");
        try {
          await startTraining(networkId, body);
          form.edited = false;
          go(networkHref(networkId));
        } catch (error) {
          showProblem(form, error);
          if (error.code === "training_in_progress") void sync.resync();
          if (error.code === "unknown_network") notify("error", error.message); // its form goes away with it
          readAgainIfGone(error);
        }
      }),

    /** @param {string} jobId */
    cancel: (jobId) =>
      once(`cancel:${jobId}`, async () => {
        try {
          sync.takeJobs([await api.cancel(jobId)]);
        } catch (error) {
          if (error.code === "job_ended") void sync.resync();
          else notify("error", error.message);
          readAgainIfGone(error);
        }
      }),

    /** @param {import("./store.js").State["dialog"]} dialog */
    ask: (dialog) => update((s) => { s.dialog = dialog; }),

    /** @param {string} networkId */
    remove: (networkId) =>
      once("delete", async () => {
        const name = state.networks?.find((n) => n.network_id === networkId)?.name;
        await deleteAndTell(async () => {
          await api.deleteNetwork(networkId);
          return name ? `"${name}" was deleted.` : "The network was deleted.";
        });
        if (state.route.id === networkId && !state.networks?.some((n) => n.network_id === networkId)) go("#/");
      }),

    removeAll: () =>
      once("delete", async () => {
        await deleteAndTell(async () => (await api.deleteAllNetworks()).message);
        if (state.route.id && !state.networks?.some((n) => n.network_id === state.route.id)) go("#/");
      }),

    /** @param {string} networkId @param {"right"|"wrong"} kind */
    example: async (networkId, kind) => {
      const examples = (state.examples[networkId] ??= emptyExamples());
      if (examples[kind].status === "loading") return;
      update(() => { examples[kind].status = "loading"; });
      try {
        const data = await api.example(networkId, kind);
        update(() => { examples[kind] = { status: "ready", data, error: "" }; });
      } catch (error) {
        update(() => { examples[kind] = { status: "error", data: null, error: error.message }; });
        readAgainIfGone(error);
      }
    },

    /** The runs of a network beyond those that were read at the start. @param {string} networkId */
    readRuns: async (networkId) => {
      if (state.runsRead[networkId]) return;
      state.runsRead[networkId] = true;
      try {
        const asked = Date.now();
        sync.takeJobs(await api.jobs({ network_id: networkId, limit: "50" }), asked);
      } catch {
        delete state.runsRead[networkId];
      }
    },

    catchUp: sync.catchUp,
  };
}

/** @typedef {ReturnType<typeof createActions>} Actions */
