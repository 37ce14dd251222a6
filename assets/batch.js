// A batch takes many requests, some seconds each, so that others have their turn: here the next one is asked for.

const batch = (() => {
  const button = (id) => document.querySelector(`button#${id}, #${id} button`);
  const show = (working) => document.querySelector("#tab-batch")?.classList.toggle("working", working);

  /** Note that a batch begins. */
  const begun = (values) => {
    show(true);
    return values;
  };

  /** Ask for the next stretch, where there is something left to do. */
  const next = (left) => {
    show(left > 0);
    if (left > 0) button("batch-next")?.click();
  };

  return { begun, next };
})();
