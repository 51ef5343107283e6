/**
 * Every request of the page goes through here, and nothing else calls fetch. It sends the token when one is
 * kept, understands the API's one shape of errors, and turns a server that does not answer into an error too.
 */

import { NO_ANSWER, errorWords } from "./logic/errors.js";
import { readFrameFile } from "./logic/frames.js";

const TOKEN_KEY = "hippo.token";
const TIMEOUT_MS = 20_000;
/** For files: a large one on a slow line. */
const LONG_TIMEOUT_MS = 600_000;

/** What the server (or its silence) said. `status` 0: no answer came. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} text @param {Record<string, any>} [body] */
  constructor(status, code, text, body = {}) {
    super(text);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.body = body;
  }

  /** Sentences by field, where the server named fields. @returns {Record<string, string>} */
  get fields() {
    const found = {};
    for (const item of Array.isArray(this.body.detail) ? this.body.detail : []) {
      if (typeof item?.field !== "string" || typeof item.message !== "string") continue;
      const allowed = item.allowed ? ` Allowed: ${item.allowed}.` : "";
      found[item.field.split("[")[0]] = `${item.message[0]?.toUpperCase() ?? ""}${item.message.slice(1)}.${allowed}`;
    }
    return found;
  }
}

/** The token of this tab; sessionStorage forgets it with the tab. */
export const token = {
  read: () => sessionStorage.getItem(TOKEN_KEY) ?? "",
  /** @param {string} value */
  keep: (value) => sessionStorage.setItem(TOKEN_KEY, value),
};

/** Called when the server wants a token it was not given; set by main. */
let onRefused = () => {};
/** @param {() => void} listener */
export function whenRefused(listener) {
  onRefused = listener;
}

/** What goes with every request. @param {string} [type] of the body */
function headersFor(type) {
  const headers = { Accept: "application/json" };
  if (token.read()) headers.Authorization = `Bearer ${token.read()}`;
  if (type) headers["Content-Type"] = type;
  return headers;
}

const noAnswer = () => new ApiError(0, "no_answer", NO_ANSWER);

/** What a refusal says. @param {number} status @param {string} text of the answer */
function refusal(status, text) {
  if (status === 401) onRefused();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    return new ApiError(status, "no_json", errorWords(status, "no_json", null));
  }
  const code = String(answer?.code ?? "error");
  return new ApiError(status, code, errorWords(status, code, answer?.error ?? answer?.message), answer ?? {});
}

/**
 * @template T
 * @param {string} method @param {string} path
 * @param {(response: Response) => Promise<T>} read takes what it needs from a good answer
 * @param {{body?: BodyInit, type?: string, timeout?: number, signal?: AbortSignal}} [options]
 * @returns {Promise<T>}
 */
async function ask(method, path, read, { body, type, timeout = TIMEOUT_MS, signal: given } = {}) {
  let response;
  let refused = "";
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), ...(given ? [given] : [])]);
    response = await fetch(path, { method, headers: headersFor(type), body, cache: "no-store", signal });
    if (response.ok) return await read(response);
    refused = await response.text();
  } catch {
    if (!response || response.ok) throw noAnswer();
  }
  throw refusal(response.status, refused);
}

/**
 * @param {string} method @param {string} path @param {unknown} [body]
 * @returns {Promise<any>} the JSON of the answer
 */
function request(method, path, body) {
  const read = async (response) => JSON.parse((await response.text()) || "{}");
  return ask(method, path, read, body === undefined ? {} : { body: JSON.stringify(body), type: "application/json" });
}

/**
 * Sends a file that may be large, telling how much of it is gone. (fetch cannot tell, so this is an XMLHttpRequest.)
 * @param {string} path @param {Blob} file @param {(sent: number) => void} onProgress bytes
 * @returns {Promise<any>} the JSON of the answer
 */
function upload(path, file, onProgress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    for (const [name, value] of Object.entries(headersFor("application/octet-stream"))) sending.setRequestHeader(name, value);
    sending.timeout = LONG_TIMEOUT_MS;
    sending.upload.onprogress = (event) => onProgress(event.loaded);
    sending.onload = () => {
      if (sending.status >= 400) return reject(refusal(sending.status, sending.responseText));
      try {
        resolve(JSON.parse(sending.responseText));
      } catch {
        reject(noAnswer());
      }
    };
    sending.onerror = sending.ontimeout = sending.onabort = () => reject(noAnswer());
    sending.send(file);
  });
}

const id = encodeURIComponent;

export const api = {
  status: () => request("GET", "/api/status"),
  networks: async () => (await request("GET", "/api/networks")).networks,
  /** @param {string} networkId */
  network: (networkId) => request("GET", `/api/networks/${id(networkId)}`),
  /** @param {Record<string, unknown>} body */
  createNetwork: (body) => request("POST", "/api/networks", body),
  /** @param {string} networkId */
  deleteNetwork: (networkId) => request("DELETE", `/api/networks/${id(networkId)}`),
  deleteAllNetworks: () => request("DELETE", "/api/networks"),
  /** @param {string} networkId @param {Record<string, unknown>} body */
  train: (networkId, body) => request("POST", `/api/networks/${id(networkId)}/train`, body),
  /** @param {Record<string, string>} [filter] newest first */
  jobs: async (filter = {}) => (await request("GET", `/api/training?${new URLSearchParams(filter)}`)).jobs,
  /** A part of all jobs, and how many there are. @param {Record<string, string>} filter @returns {Promise<{jobs: Record<string, any>[], total: number}>} */
  jobsPage: (filter) => request("GET", `/api/training?${new URLSearchParams(filter)}`),
  /** @param {string} jobId */
  job: (jobId) => request("GET", `/api/training/${id(jobId)}`),
  /** @param {string} jobId */
  cancel: (jobId) => request("POST", `/api/training/${id(jobId)}/cancel`, {}),
  /**
   * What is asked of a run under way. @param {string} jobId
   * @param {"pause"|"resume"|"step"|"pace"|"settings"} what @param {Record<string, unknown>} [body]
   */
  control: (jobId, what, body = {}) => request("POST", `/api/training/${id(jobId)}/${what}`, body),
  /** @param {string} jobId @param {number} after */
  events: (jobId, after) => request("GET", `/api/training/${id(jobId)}/events?after=${after}`),
  /** @param {string} networkId @param {"right"|"wrong"} kind */
  example: (networkId, kind) =>
    request("GET", `/api/networks/${id(networkId)}/${kind === "right" ? "successful" : "unsuccessful"}_example`),
  /** What a network makes of the whole test set. @param {string} networkId */
  evaluation: (networkId) => request("GET", `/api/networks/${id(networkId)}/evaluation`),
  /** Its answers, chosen and sorted. @param {string} networkId @param {Record<string, string>} query @returns {Promise<{answers: Record<string, any>[], total: number}>} */
  answers: (networkId, query) => request("GET", `/api/networks/${id(networkId)}/answers?${new URLSearchParams(query)}`),
  /** The picture as it is; what the network saw and said, and the training digits next to it. @param {string} networkId @param {Blob} picture PNG */
  readPicture: (networkId, picture) =>
    ask("POST", `/predict/image?model=${id(networkId)}&neighbours=5`, (response) => response.json(), { body: picture, type: "image/png" }),
  /** @param {number} count */
  samples: async (count) => (await request("GET", `/mnist/samples?count=${count}&dataset=test`)).samples,
  /** @param {string} networkId @param {number[][]} pixels of each image, 784 from 0 to 1 */
  predict: async (networkId, pixels) => (await request("POST", "/predict", { pixels, model: networkId })).predictions,
  /** @param {string} networkId @param {string} format @returns {Promise<{file: Blob, disposition: string|null}>} */
  exportNetwork: (networkId, format) =>
    ask("GET", `/api/networks/${id(networkId)}/export?format=${id(format)}`, async (response) => ({
      file: await response.blob(),
      disposition: response.headers.get("Content-Disposition"),
    }), { timeout: LONG_TIMEOUT_MS }),
  /** The next step of a paused run. @param {string} jobId @param {number} layer @param {number} neuron */
  explanation: (jobId, layer, neuron, input = null) =>
    request("GET", `/api/training/${id(jobId)}/explanation?layer=${layer}&neuron=${neuron}${input === null ? "" : `&input=${input}`}`),
  /** @param {string} networkId */
  gradientCheck: (networkId) => request("GET", `/api/networks/${id(networkId)}/gradient_check`),
  /** The network as it is now. @param {string} networkId @param {{example: number, layer?: number, neuron?: number}} about @param {AbortSignal} signal */
  frame: (networkId, about, signal) => {
    const query = new URLSearchParams(Object.entries(about).filter(([, value]) => value != null).map(([name, value]) => [name, String(value)]));
    return ask("GET", `/api/networks/${id(networkId)}/frame?${query}`, async (response) => readFrameFile(await response.arrayBuffer()), { signal });
  },
  /** @param {File} file @param {string} name @param {(sent: number) => void} onProgress bytes */
  importNetwork: (file, name, onProgress) => upload(`/api/networks/import${name ? `?name=${id(name)}` : ""}`, file, onProgress),
};
