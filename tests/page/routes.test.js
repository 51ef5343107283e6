/** Addresses: there and back, and a token that is taken out of them. */

import assert from "node:assert/strict";
import test from "node:test";

import { networkHref, parseRoute, tokenInHash, withQuery } from "../../static/js/logic/routes.js";

test("an address of a network leads back to the same place", () => {
  assert.deepEqual(parseRoute(networkHref("a b/c", "test", "r&1")), { view: "network", id: "a b/c", tab: "test", run: "r&1", query: { run: "r&1" } });
  assert.deepEqual(parseRoute("#/networks/x"), { view: "network", id: "x", tab: "learn", run: "", query: {} });
});

test("the other addresses", () => {
  for (const hash of ["", "#", "#/"]) assert.equal(parseRoute(hash).view, "home");
  assert.equal(parseRoute("#/new").view, "new");
  assert.equal(parseRoute("#/compare").view, "compare");
  for (const hash of ["#/networks", "#/networks/x/outside", "#/networks/%E0%A4%A/learn", "#/nonsense", "#/networks/x/learn/y"]) {
    assert.equal(parseRoute(hash).view, "unknown", hash);
  }
});

test("what a view keeps in its address comes back; nothing is kept of what is empty", () => {
  const href = withQuery("#/compare", { runs: "a,b", text: "1 + 1 & \u00e9?", state: "" });
  assert.ok(!href.includes("state"));
  assert.deepEqual(parseRoute(href).query, { runs: "a,b", text: "1 + 1 & \u00e9?" });
  assert.equal(withQuery("#/compare", { text: "" }), "#/compare");
});

test("a token is taken out of the address, whatever follows it", () => {
  assert.deepEqual(tokenInHash("#token=a%2Bb"), { token: "a+b", rest: "#/" });
  assert.deepEqual(tokenInHash("#token=abc&/networks/x/test"), { token: "abc", rest: "#/networks/x/test" });
  for (const hash of ["", "#/", "#token=", "#/networks/token=x"]) assert.equal(tokenInHash(hash), null, hash);
});
