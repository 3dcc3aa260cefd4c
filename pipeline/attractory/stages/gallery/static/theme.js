"use strict";
// Light or dark: as the system has it, until the button says otherwise. Loaded before the page is drawn, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const kept = stored();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  window.attractoryIsDark = isDark;
  const tell = () => document.dispatchEvent(new Event("themechange"));
  dark.addEventListener("change", tell);

  document.addEventListener("click", (event) => {
    if (!event.target.closest(".theme")) return;
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // then it holds for this page
    }
    tell();
  });
})();
