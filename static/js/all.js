// [data-all="id"] ticks every box inside the element of that id, and shows whether all of them are ticked.
const boxes = (all) => [...document.getElementById(all.dataset.all).querySelectorAll("input[type=checkbox]")];

function show(all) {
  const ticked = boxes(all).filter((one) => one.checked).length;
  all.checked = ticked > 0 && ticked === boxes(all).length;
  all.indeterminate = ticked > 0 && !all.checked;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const one of boxes(event.target)) one.checked = event.target.checked;
  document.querySelectorAll("[data-all]").forEach(show);
});

for (const all of document.querySelectorAll("[data-all]")) {
  all.closest("[data-all-of]").hidden = false;
  show(all);
}
