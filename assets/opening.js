/* Runs before all other scripts of the page, so that it opens sooner. */
document.addEventListener("readystatechange", () => {
  // Svelte watches plain lists for changes, at some microseconds for each look into one. The list of the page's
  // functions never changes, and is looked into hundreds of thousands of times: as another kind of list it is
  // left alone, which saves a third of the time.
  const functions = window.gradio_config?.dependencies;
  if (functions) Object.setPrototypeOf(functions, class extends Array {}.prototype);
}, { once: true });
