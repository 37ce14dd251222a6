// A clip is shown by what its format needs: a video by the player, a GIF as a picture.

const clips = (() => {
  const hidden = { __type__: "update", value: null, visible: false };

  /** Return where a clip is shown: the player, the picture, the file to keep. */
  const shown = (file) => {
    const moving = { __type__: "update", value: file, visible: true };
    const gif = /\.gif$/i.test(file?.path ?? "");
    return [gif ? hidden : moving, gif ? moving : hidden, { __type__: "update", visible: Boolean(file) }];
  };

  /** Return that there is no clip, and nothing to stop. */
  const none = () => [hidden, hidden, hidden, { __type__: "update", visible: false }];

  return { shown, none };
})();
