/** What the server refuses is said in words of the page: no requests, no addresses of the API. */

import assert from "node:assert/strict";
import test from "node:test";

import { errorWords } from "../../static/js/logic/errors.js";

const OF_PROGRAMS = /\b(GET|POST|DELETE)\b|\/api|\/docs|header|JSON|status \d/;

test("words for programs never reach the page", () => {
  const table = [
    [404, "unknown_network", "There is no network with this id. GET /api/networks lists those there are.", /network does not exist any more/],
    [404, "unknown_job", "There is no training job with this id. GET /api/training lists those there are.", /run does not exist any more/],
    [404, "not_found", "There is nothing at this address. The routes are listed at /docs.", /Load the page again/],
    [405, "method_not_allowed", "This address does not answer to this method; the header Allow lists those it does.", /Load the page again/],
    [415, "unsupported_media_type", "Send the body as JSON, with the header Content-Type: application/json.", /Load the page again/],
    [409, "training_in_progress", "This network is in training, by job 1b0c3a52-0000-4000-8000-000000000000.", /in training already/],
    [404, "else", "Ask DELETE /api/networks instead.", /Load the page again/],
    [502, "no_json", undefined, /cannot be reached/], [599, "no_json", "", /went wrong on the server/], [418, "tea", null, /did not say why/],
  ];
  for (const [status, code, said, expected] of table) {
    const words = errorWords(status, code, said);
    assert.match(words, expected, String(said));
    assert.doesNotMatch(words, OF_PROGRAMS);
  }
});

test("what the server says to everybody is kept", () => {
  const said = "256 jobs are waiting already. Wait for some to end, or cancel them.";
  assert.equal(errorWords(429, "too_many_jobs", said), said);
  assert.equal(errorWords(422, "invalid_value", "Not today."), "Not today.");
});

test("of a file that was refused, everything is said", () => {
  const said = "The file is cut off: its header names more bytes than there are.";
  assert.equal(errorWords(422, "import_refused", said), said);
});
