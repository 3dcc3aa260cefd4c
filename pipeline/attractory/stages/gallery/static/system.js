"use strict";
// The page of a system: formulas, buttons that copy, and the attractor.
(() => {
  for (const place of document.querySelectorAll(".tex")) {
    katex.render(place.textContent, place, {
      displayMode: place.classList.contains("display"),
      fleqn: true,
      throwOnError: false,
      trust: false,
    });
    place.classList.add("set");
  }

  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(text.textContent);
      } catch {
        // where the page may not write to the clipboard (a file, an older browser), the old way
        const range = document.createRange();
        range.selectNodeContents(text);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
        getSelection().removeAllRanges();
      }
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
  }

  const figure = document.getElementById("attractor");
  if (figure) window.attractoryDraw(figure, JSON.parse(document.getElementById("trajectory").textContent));
})();
