// Runs before anything is drawn: sets the theme that was chosen earlier, so that the page never flashes in the
// other one. Without a choice the stylesheet follows the system. (A plain script, since modules run too late.)
(() => {
  try {
    const chosen = localStorage.getItem("hippo.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // storage is not allowed: follow the system
  }
})();
