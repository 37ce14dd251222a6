// A batch takes many requests, some seconds each, so that others have their turn: here the next one is asked for.

const batch = (() => {
  const button = (id) => document.querySelector(`button#${id}, #${id} button`);
  const show = (working) => document.querySelector("#tab-batch")?.classList.toggle("working", working);

  let runs = 0; // presses on Run: Stop stops all until now, also one that waits for its turn yet

  /** Note that a batch begins; what is told of it comes into sight. */
  const begun = (values) => {
    show(true);
    document.getElementById("batch-told")?.scrollIntoView({ block: "nearest" });
    runs += 1;
    return [runs, ...values.slice(1)];
  };

  /** Ask for the next stretch, where there is something left to do. */
  const next = (left) => {
    show(left > 0);
    if (left > 0) button("batch-next")?.click();
  };

  return { begun, next, run: () => runs };
})();
