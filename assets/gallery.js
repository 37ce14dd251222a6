// Moves the line between before and after: by hand anywhere on the picture, by the keyboard through its slider.
for (const box of document.querySelectorAll(".compare")) {
  const range = box.querySelector("input");
  const show = () => {
    box.style.setProperty("--at", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${Math.round(range.value)} % before`);
  };
  const follow = (event) => {
    const { left, width } = box.getBoundingClientRect();
    range.value = (100 * (event.clientX - left)) / width;
    show();
  };
  range.addEventListener("input", show);
  box.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    box.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true });
    follow(event);
  });
  box.addEventListener("pointermove", (event) => {
    if (box.hasPointerCapture(event.pointerId)) follow(event);
  });
  show();
}
