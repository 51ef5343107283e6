/**
 * Asking about something that changes faster than answers come: one request at a time, and when it has come back the
 * next one is about the latest state; those in between are never sent. A version is a number that grows with each change.
 *
 *   free --ask--> asking --answered--> free          due(): free, and the latest version has no answer yet
 *
 * @typedef {{asking: number|null, answered: number|null}} Turns
 */

/** @returns {Turns} */
export function freeTurns() {
  return { asking: null, answered: null };
}

/** Whether a request is to be sent now. @param {Turns} turns @param {number} version the latest */
export function due({ asking, answered }, version) {
  return asking === null && answered !== version;
}

/** @param {Turns} turns @param {number} version @returns {Turns} */
export function ask(turns, version) {
  if (turns.asking !== null) throw new Error("A request is under way already.");
  return { ...turns, asking: version };
}

/** The request came back, with an answer or with an error. @param {Turns} turns @returns {Turns} */
export function answered(turns) {
  if (turns.asking === null) throw new Error("No request is under way.");
  return { asking: null, answered: turns.asking };
}

/** Whether the last answer is about something that still stands. @param {Turns} turns @param {number} since the first version that does */
export function stillStands({ answered }, since) {
  return answered !== null && answered >= since;
}
