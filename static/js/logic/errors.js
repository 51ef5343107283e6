/**
 * What the page says when the server refuses. The server's own sentences are kept where they speak to everybody;
 * those that name requests, for who programs against it, are said here in the page's words.
 */

/** What is said while no answer comes. It is taken back when the server is there again. */
export const NO_ANSWER = "The server does not answer. Nothing was lost here; try again when it is back.";

const BY_CODE = {
  unknown_network: "This network does not exist any more. It was probably deleted elsewhere.",
  unknown_job: "This run does not exist any more. Its network was probably deleted elsewhere.",
  training_in_progress: "This network is in training already. Wait for that run to end, or cancel it.",
  job_ended: "This run has ended already.",
  unknown_model: "This network does not exist any more. It was probably deleted elsewhere.",
  unauthorized: "The server wants a token, or refused the one it was given.",
};
const BY_STATUS = {
  401: BY_CODE.unauthorized,
  403: "The server does not allow this from here.",
  404: "The server does not know what was asked for. Load the page again; it may be older than the server.",
  405: "The server does not do what was asked. Load the page again; it may be older than the server.",
  413: "That is more than the server takes at once.",
  415: "The server did not understand the page. Load the page again; it may be older than the server.",
  429: "The server has too much to do at the moment. Try again in a moment.",
  500: "Something went wrong on the server; its log says more. Try again.",
  502: "The server cannot be reached at the moment. Try again in a moment.",
  503: "The server is not ready. Try again in a moment.",
  504: "The server took too long to answer. Try again in a moment.",
};
// About a file that a person chose: whatever the sentence names is in that file.
const ABOUT_FILES = new Set(["import_refused", "invalid_picture"]);
// A method with an address, an address of the API, a header: words of those who write programs.
const FOR_PROGRAMS = /\b(GET|POST|PUT|PATCH|DELETE) \/|\/(api|docs)\b|\bheader\b|\bContent-Type\b|\bJSON\b|\bjob [0-9a-f]{8}-/;

/**
 * @param {number} status of the answer @param {string} code of the error @param {unknown} said the server's sentence
 * @returns {string}
 */
export function errorWords(status, code, said) {
  if (BY_CODE[code]) return BY_CODE[code];
  if (typeof said === "string" && said && (ABOUT_FILES.has(code) || !FOR_PROGRAMS.test(said))) return said;
  return BY_STATUS[status] ?? (status >= 500 ? BY_STATUS[500] : "The server refused this and did not say why.");
}
