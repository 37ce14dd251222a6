// The pads to draw and paint on: a tool in hand from the first touch, colours chosen by the legend of classes.
//
// All of it happens in the browser. A brush that comes from the server makes Gradio's editor read its picture
// anew, which loses what was painted since. Nothing here reads labels: they are in the visitor's language.

const pads = (() => {
  const TOOLS = ".toolbar-wrap > .half-container"; // the tools, then what the tool in hand offers
  const brushOf = (pad) => pad?.querySelector(`${TOOLS}:not(.right) button`);
  /** Return the button of the brush's colour: the first of what a brush in hand offers. */
  const colourOf = (pad) =>
    brushOf(pad)?.classList.contains("highlight") && pad.querySelector(`${TOOLS}.right:not(.hide) button`);
  const swatches = (pad) => [...pad.querySelectorAll("menu.swatch button.color")];
  const legendOf = (pad) => [...(pad.closest(".tabitem")?.querySelectorAll(".legend input[type=radio]") ?? [])];

  /** Return what `find` finds, as soon as it does: at once, after a few microtasks, or within seconds. */
  const soon = async (find, seconds = 10) => {
    const end = performance.now() + 1000 * seconds;
    for (let count = 0; ; count++) {
      const found = find();
      if (found || performance.now() > end) return found;
      await (count < 50 ? null : new Promise((done) => setTimeout(done, 50)));
    }
  };

  /** Take the brush, where another tool or none is in hand. */
  const takeBrush = async (pad) => {
    (await soon(() => brushOf(pad)))?.click();
  };

  let latest = 0;

  /**
   * Paint with the colour at `index` of the palette from now on; the size of the brush stays.
   *
   * The editor offers no other way to its colour than its own buttons. All is done before the browser paints
   * the next frame, so nothing is seen of them.
   */
  const takeColour = async (legend, index) => {
    const mine = ++latest;
    const pad = document.querySelector(legend)?.closest(".tabitem")?.querySelector(".pad");
    await takeBrush(pad);
    const colour = await soon(() => colourOf(pad));
    if (mine !== latest || !colour) return; // another one was chosen in the meantime
    colour.click();
    (await soon(() => swatches(pad)[index]))?.click();
    colour.dispatchEvent(new MouseEvent("mousedown", { bubbles: true })); // as a press beside the choice: it closes
    await soon(() => !swatches(pad).length);
  };

  // Gradio's editor starts with no tool in hand, and so it is again once the sheet was cleared. It may be hidden again
  // before its brush was taken, so that is tried whenever it is seen, until it has one.
  const found = new WeakSet(), trying = new WeakSet();
  const begin = async (pad) => {
    if (trying.has(pad)) return;
    trying.add(pad);
    for (let tries = 0; tries < 40 && pad.offsetParent; tries++) {
      await new Promise((done) => setTimeout(done, 300));
      const brush = pad.offsetParent && brushOf(pad);
      if (brush?.classList.contains("highlight")) return; // and `trying` stays: from now on tools are the visitor's
      brush?.click();
    }
    trying.delete(pad);
  };
  const seen = new IntersectionObserver((pads) => pads.forEach((pad) => pad.isIntersecting && begin(pad.target)));
  const find = () => {
    for (const pad of document.querySelectorAll(".pad")) {
      if (found.has(pad)) continue;
      found.add(pad);
      seen.observe(pad);
    }
  };
  document.addEventListener("DOMContentLoaded", find);
  new MutationObserver(find).observe(document, { childList: true, subtree: true });

  document.addEventListener("click", (event) => {
    const pad = event.isTrusted && event.target.closest?.(".pad");
    if (!pad) return;
    const swatch = event.target.closest("menu.swatch button.color");
    if (swatch) legendOf(pad)[swatches(pad).indexOf(swatch)]?.click(); // the legend says what the brush has
    const cleared = event.target.closest(".top-panel button") === [...pad.querySelectorAll(".top-panel button")].at(-1);
    if (cleared) setTimeout(() => takeBrush(pad), 100);
  }, true);

  return { takeBrush, takeColour };
})();
