/**
 * Every request of the page goes through here, and nothing else calls fetch. It sends the token when one is
 * kept, understands the API's one shape of errors, and turns a server that does not answer into an error too.
 */

import { errorWords } from "./logic/errors.js";

const TOKEN_KEY = "hippo.token";
const TIMEOUT_MS = 20_000;

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

/**
 * @param {string} method @param {string} path @param {unknown} [body]
 * @returns {Promise<any>} the JSON of the answer
 */
async function request(method, path, body) {
  const headers = { Accept: "application/json" };
  if (token.read()) headers.Authorization = `Bearer ${token.read()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  let answer = null;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    answer = text ? JSON.parse(text) : {};
  } catch {
    if (!response?.ok && response) throw new ApiError(response.status, "no_json", errorWords(response.status, "no_json", null));
    throw new ApiError(0, "no_answer", "The server does not answer. Nothing was lost here; try again when it is back.");
  }
  if (response.ok) return answer;
  if (response.status === 401) onRefused();
  const words = answer?.error ?? answer?.message;
  const code = String(answer?.code ?? "error");
  throw new ApiError(response.status, code, errorWords(response.status, code, words), answer ?? {});
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
  /** @param {string} jobId */
  job: (jobId) => request("GET", `/api/training/${id(jobId)}`),
  /** @param {string} jobId */
  cancel: (jobId) => request("POST", `/api/training/${id(jobId)}/cancel`, {}),
  /** @param {string} jobId @param {number} after */
  events: (jobId, after) => request("GET", `/api/training/${id(jobId)}/events?after=${after}`),
  /** @param {string} networkId @param {"right"|"wrong"} kind */
  example: (networkId, kind) =>
    request("GET", `/api/networks/${id(networkId)}/${kind === "right" ? "successful" : "unsuccessful"}_example`),
};
