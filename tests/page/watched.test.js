/** The digit and the neuron that are looked at, in the address and taken from it. */

import assert from "node:assert/strict";
import test from "node:test";

import { networkHref, parseRoute, withQuery } from "../../static/js/logic/routes.js";
import { digitIn, neuronIn, watchedQuery } from "../../static/js/logic/watched.js";
import { createStore } from "../../static/js/store.js";
import { takeWatched, watchedHref } from "../../static/js/watching.js";

const ARCHITECTURE = [784, 30, 10];

/** The state of a page at this address. */
function at(hash, networks = [{ network_id: "n", architecture: ARCHITECTURE }]) {
  const { state } = createStore();
  return Object.assign(state, { networks, route: parseRoute(hash) });
}

test("what is looked at comes back from its address; the first digit and no neuron need no words", () => {
  const query = watchedQuery(2907, { layer: 2, neuron: 0 });
  assert.deepEqual(query, { digit: "2907", layer: "2", neuron: "0" });
  assert.equal(digitIn(query), 2907);
  assert.deepEqual(neuronIn(query, ARCHITECTURE), { layer: 2, neuron: 0 });
  assert.equal(withQuery(networkHref("n"), watchedQuery(0, null)), "#/networks/n/learn");
});

test("nonsense is as if it were not there", () => {
  for (const digit of ["10000", "-1", "1.5", "x", "", undefined]) assert.equal(digitIn({ digit }), null, digit);
  for (const [layer, neuron] of [["0", "1"], ["3", "0"], ["1", "30"], ["1", "x"], ["1"], [undefined, "2"]]) {
    assert.equal(neuronIn({ layer, neuron }, ARCHITECTURE), null, `${layer} ${neuron}`);
  }
});

test("an address says what is looked at, beside what it said before", () => {
  const state = at("#/networks/n/learn?run=r");
  assert.equal(watchedHref(state), "#/networks/n/learn?run=r");
  state.watching.example = 7;
  state.watching.pins.n = { layer: 1, neuron: 4 };
  assert.equal(watchedHref(state), "#/networks/n/learn?run=r&digit=7&layer=1&neuron=4");
  state.route = parseRoute(watchedHref(state));
  Object.assign(state.watching, { example: 0, pins: {} });
  assert.equal(watchedHref(state), "#/networks/n/learn?run=r");
  for (const hash of ["#/networks/n/test", "#/compare", "#/"]) assert.equal(watchedHref(at(hash)), "");
});

test("an address is taken once its network is known", () => {
  const state = at("#/networks/n/inside?digit=12&layer=1&neuron=29", null);
  assert.equal(takeWatched(state, false), false);
  state.networks = [{ network_id: "n", architecture: ARCHITECTURE }];
  assert.equal(takeWatched(state, false), true);
  assert.equal(state.watching.example, 12);
  assert.deepEqual(state.watching.pins, { n: { layer: 1, neuron: 29 } });
});

test("what a link leaves out stays; where one was before it is as it was", () => {
  for (const [again, example, pin] of [[false, 5, { layer: 1, neuron: 1 }], [true, 0, null]]) {
    const state = at("#/networks/n/learn?digit=99999");
    Object.assign(state.watching, { example: 5, pins: { n: { layer: 1, neuron: 1 } } });
    takeWatched(state, again);
    assert.equal(state.watching.example, example);
    assert.deepEqual(state.watching.pins.n, pin);
  }
});
