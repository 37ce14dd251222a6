/* The open tab in the address (#toonify): it opens from there, Back goes to the tab before.
 *
 * Words of an address come from anybody: only the id of a tab that is here opens one. A link that restores a
 * recipe (?task=…) says itself which tab that is; the address then follows it.
 */
window.tabs = (() => {
  const BUTTON = /^tab-([a-z]+)-button$/;
  const row = () => document.querySelector(".task-tabs [role='tablist']");
  const buttons = () => [...(row()?.querySelectorAll("[role='tab']") ?? [])];
  const name = (button) => BUTTON.exec(button?.id ?? "")?.[1] ?? "";
  const shown = () => name(buttons().find((button) => button.ariaSelected === "true"));
  const asked = () => location.hash.slice(1);
  const query = () => new URLSearchParams(location.search);

  /** The address of a tab. A recipe in it goes once another tab is opened: it would be restored on reload. */
  const address = (tab, keep) => {
    const kept = query();
    if (!keep) for (const key of [...kept.keys()]) if (!key.startsWith("__")) kept.delete(key);
    const words = kept.toString();
    return `${location.pathname}${keep ? location.search : words && `?${words}`}#${tab}`;
  };

  const tell = () => {
    // On a Space the page is in a frame, and the address that is seen is the one around it.
    if (window.parent !== window) window.parent.postMessage({ hash: location.hash }, "https://huggingface.co");
  };

  const open = (tab) => {
    const button = buttons().find((each) => tab && name(each) === tab);
    if (button && button.ariaSelected !== "true") button.click();
    return Boolean(button);
  };

  /** Say at which end of the row there is more, and bring the open tab into sight. */
  const edges = () => {
    const list = row();
    list.classList.toggle("more-left", list.scrollLeft > 4);
    list.classList.toggle("more-right", list.scrollLeft + list.clientWidth < list.scrollWidth - 4);
  };
  const reveal = () => {
    const list = row(), button = buttons().find((each) => each.ariaSelected === "true");
    if (!button) return;
    const left = button.offsetLeft - (list.clientWidth - button.offsetWidth) / 2;
    list.scrollTo({ left, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    edges();
  };

  let clicked = false; // by a hand: the tab before stays in the history
  const follow = () => {
    const tab = shown();
    if (tab && tab !== (asked() || name(buttons()[0]))) {
      history[clicked ? "pushState" : "replaceState"](null, "", address(tab, !clicked));
      tell();
    }
    clicked = false;
    reveal();
  };

  const start = (list) => {
    list.addEventListener("click", (event) => (clicked = event.isTrusted), true);
    list.addEventListener("scroll", edges, { passive: true });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const at = buttons().indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      buttons().at((at + step) % buttons().length).focus();
    });
    addEventListener("resize", edges);
    // A link of the page itself, Back and Forward: the address has changed, the tab follows.
    addEventListener("popstate", () => open(asked() || name(buttons()[0])));
    if (!query().has("task") && asked()) open(asked());
    new MutationObserver(follow).observe(list, { subtree: true, attributeFilter: ["aria-selected"] });
    setTimeout(follow); // an address that names no tab gets the one that is open
    document.fonts?.ready.then(reveal); // names take their room
  };

  const wait = new MutationObserver(() => {
    if (!buttons().length) return;
    wait.disconnect();
    start(row());
  });
  wait.observe(document, { childList: true, subtree: true });
  /** Return the tab that is wanted, once the first pictures are there, or for two seconds they are not: a server
      that loads a model hands out pictures late. */
  const wanted = async () => {
    const there = () => [...document.querySelectorAll(".large img")].some((each) => each.complete && each.naturalWidth);
    for (let tries = 0; tries < 40 && !there(); tries++) await new Promise((done) => setTimeout(done, 50));
    return query().get("task") ?? asked();
  };
  /** Something on the page leads to another tab: the one before stays in the history. */
  const leave = () => (clicked = true);
  return { wanted, leave };
})();
