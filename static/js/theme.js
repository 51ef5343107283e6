/**
 * Light or dark: the system's choice at first, then what the person chose, remembered on this device.
 */

const KEY = "hippo.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light"|"dark"} */
export function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return dark.matches ? "dark" : "light";
}

/** @param {"light"|"dark"} theme */
export function chooseTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // storage is not allowed: the choice lasts until the page is closed
  }
}

/** @param {() => void} listener */
export function whenSystemThemeChanges(listener) {
  dark.addEventListener("change", listener);
}
