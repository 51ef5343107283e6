/**
 * Numbered badges for the marks of a curve: where they stand in a row above the plot, merged where they would touch,
 * and within its edges.
 */

/** A badge is a circle with one character, wider by so much for each other one, in pixels. */
const BADGE = 18;
const CHARACTER = 7;
const GAP = 2;

/** @typedef {{first: number, last: number, text: string, at: number}} Badge of the marks `first` to `last`, from 1; its middle is at `at` */

/**
 * @param {number[]} places of the marks from the plot's left edge, in their order, in pixels @param {number} width of the plot
 * @returns {Badge[]}
 */
export function badgesOf(places, width) {
  /** @type {Badge[]} */ const badges = [];
  places.forEach((_, i) => {
    badges.push(badge(places, i + 1, i + 1, width));
    while (badges.length > 1 && left(badges.at(-1)) < right(badges.at(-2)) + GAP) {
      const { last } = badges.pop();
      badges.push(badge(places, badges.pop().first, last, width));
    }
  });
  return badges;
}

/** @param {number[]} places @param {number} first @param {number} last @param {number} width @returns {Badge} */
function badge(places, first, last, width) {
  const text = first === last ? String(first) : `${first}\u2013${last}`;
  const half = size(text) / 2;
  // Half a circle may stand out of the plot: there is room for that beside it, but not for more.
  const edge = half - BADGE / 2;
  const middle = (places[first - 1] + places[last - 1]) / 2;
  return { first, last, text, at: Math.max(edge, Math.min(width - edge, middle)) };
}

/** How wide a badge with this text is. @param {string} text */
export function size(text) {
  return BADGE + (text.length - 1) * CHARACTER;
}

/** @param {Badge} badge */
function left({ at, text }) {
  return at - size(text) / 2;
}

/** @param {Badge} badge */
function right({ at, text }) {
  return at + size(text) / 2;
}
