/** The colours of the theme for what draws on a canvas, which knows no custom properties. */

/** @param {HTMLElement} element whose theme counts @param {string} name of a custom property, such as "--ink" @returns {string} the colour it stands for now */
export function colorOf(element, name) {
  const before = element.style.color;
  element.style.color = `var(${name})`;
  const color = getComputedStyle(element).color;
  element.style.color = before;
  return color;
}

/** @param {string} color as getComputedStyle gives it @returns {[number, number, number]} */
export function channels(color) {
  const [r, g, b] = color.match(/[\d.]+/g).map(Number);
  return color.startsWith("color(srgb") ? [r * 255, g * 255, b * 255] : [r, g, b];
}
