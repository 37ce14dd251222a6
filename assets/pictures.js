// Picture files whose type a browser does not know, as that of HEIC on most machines: Gradio takes files of the
// type image/… alone, so they get it from their names; and the dialog for files lists them.
(() => {
  const types = {
    heic: "image/heic", heif: "image/heif", hif: "image/heif", avif: "image/avif", jfif: "image/jpeg",
    jpe: "image/jpeg", tif: "image/tiff", tiff: "image/tiff", jp2: "image/jp2", j2k: "image/jp2",
    ppm: "image/x-portable-pixmap", pgm: "image/x-portable-graymap", mpo: "image/jpeg",
  };
  const accept = ["image/*", ...Object.keys(types).map((ending) => `.${ending}`)].join(",");
  const lacks = (file) => !file.type && file.name.split(".").pop().toLowerCase() in types;
  const typed = (files) => {
    const parcel = new DataTransfer();
    for (const file of files) {
      const type = file.type || types[file.name.split(".").pop().toLowerCase()] || "";
      parcel.items.add(file.type === type ? file : new File([file], file.name, {type}));
    }
    return parcel;
  };
  document.addEventListener("drop", (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.some(lacks)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const again = {bubbles: true, cancelable: true, dataTransfer: typed(files)};
    event.target.dispatchEvent(new DragEvent("drop", again));
  }, true);
  document.addEventListener("change", (event) => {
    if (event.target.type === "file" && [...event.target.files].some(lacks)) {
      event.target.files = typed(event.target.files).files;
    }
  }, true);
  const open = () => document.querySelectorAll("input[type=file][accept='image/*']").forEach((input) => {
    input.accept = accept;
  });
  new MutationObserver(open).observe(document.documentElement, {childList: true, subtree: true});
  open();
})();
