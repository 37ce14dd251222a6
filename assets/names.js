/* What Gradio leaves without a name gets one for those who do not see the page, as soon as it is there. */
(() => {
  const label = (element) =>
    element.closest(".block")?.querySelector("[data-testid='block-label']")?.textContent.trim() || "picture";

  const name = () => {
    // A picture on display is a button that enlarges it.
    for (const button of document.querySelectorAll(".image-container > button:not([aria-label])")) {
      if (!button.textContent.trim()) button.ariaLabel = `Enlarge: ${label(button)}`;
    }
    for (const area of document.querySelectorAll(".image-container[aria-label]:not([role])")) area.role = "group";
    // An area that holds nothing says so, which only something with a role may.
    for (const empty of document.querySelectorAll(".empty[aria-label]:not([role])")) empty.role = "img";
  };

  let due = 0;
  new MutationObserver(() => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      name();
    });
  }).observe(document, { childList: true, subtree: true });
})();
