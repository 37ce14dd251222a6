// The Video tab: what belongs to the chosen task, the text of the edits, the result with its words.

const films = (() => {
  const update = (more) => ({ __type__: "update", ...more });

  const edits = (name, amount) => `${name}:${Number(amount)}`;

  /** Return what is shown for a task: the columns of "toonify" and of "edit", the edits, the likeness. */
  const task = (chosen, name, amount) => [
    update({ visible: chosen === "toonify" }),
    update({ visible: chosen === "edit" }),
    chosen === "edit" ? edits(name, amount) : "",
    chosen === "toonify" ? "quick" : "exact",
  ];

  /** Return a file of the page as an upload has it. */
  const file = (path) => {
    const root = window.gradio_config?.root ?? location.origin;
    return {
      path, url: `${root}/gradio_api/file=${path}`, orig_name: path.split("/").pop(), mime_type: "video/mp4",
      meta: { _type: "gradio.FileData" },
    };
  };

  const marked = (text) => `⚠️ ${String(text).replace(/[<>&*_`[\]\\]/g, (sign) => `&#${sign.charCodeAt(0)};`)}`;

  /** Return the player, what is said, and the button that hands the video out. */
  const shown = (made, details) => {
    const told = details?.video ?? {};
    const took = Object.values(details?.timings ?? {}).reduce((sum, each) => sum + Number(each), 0);
    const about = `${Number(told.frames)} frames in ${Math.round(took)} seconds.`;
    const words = [about, ...(details?.warnings ?? []).map(marked)].join("\n\n");
    return [made, words, update({ value: made, interactive: true })];
  };

  const none = () => [null, "", update({ value: null, interactive: false }), update({ visible: false })];

  return { edits, task, file, shown, none };
})();
