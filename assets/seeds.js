// Which seed a run takes: another one each time, unless it is kept. psp/ui/seeds.py makes the buttons.
//
// The API's own default is one fixed seed; a person at the page wants to see other faces, and to get one of them
// again: so the seed that a run takes stands in its box, and whoever types one, locks it or opens a recipe keeps it.

const seeds = (() => {
  const kept = new Set(); // tasks whose seed stays
  const rolled = {}; // by task: the seed that the dice have chosen for the next run
  const MOST = 2 ** 32 - 17; // room is left for the seeds of further variants

  const chance = () => Math.floor(Math.random() * MOST);

  /** Let the buttons say what is kept: a tab's own is there once the tab was opened, which may be later. */
  const tell = () => {
    for (const button of document.querySelectorAll("button.lock")) {
      const on = String(kept.has(button.id.slice("lock-".length)));
      if (button.ariaPressed !== on) button.ariaPressed = on;
    }
  };
  new MutationObserver(tell).observe(document, { childList: true, subtree: true });

  /** Keep the seed of a task, or choose another one for each run. */
  const lock = (task, on) => {
    kept[on ? "add" : "delete"](task);
    tell();
    return [];
  };

  /** Throw the dice: the next run takes what they show; nothing while one runs. */
  const roll = (task) => (results.busy(task) ? { __type__: "update" } : (rolled[task] = chance()));

  /** Return the seed of the run that is asked for now, where its box says `seed`. */
  const next = (task, seed) => {
    const chosen = rolled[task] ?? (kept.has(task) ? seed : chance());
    delete rolled[task];
    return chosen;
  };

  document.addEventListener("click", (event) => {
    const clicked = event.target.closest?.("button.lock");
    if (clicked) lock(clicked.id.slice("lock-".length), clicked.ariaPressed !== "true");
  });

  return { lock, roll, next };
})();
