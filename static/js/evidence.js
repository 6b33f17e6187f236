// Opens a source beside the draft at the words that prove a sentence, and marks both in the same blue.
// [data-cite] links carry the address of the whole page; only its right side is fetched. On a narrow page,
// and without this, the link itself leads to the source.
const wide = matchMedia("(min-width: 60rem)");

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-cite]");
  const review = document.getElementById("review");
  if (!link || !review || !wide.matches || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const address = new URL(link.href);
  await htmx.ajax("GET", review.dataset.paneUrl + address.search, { target: "#pane", swap: "outerHTML show:none" });
  history.replaceState(null, "", address);
  mark(link.dataset.for);
  land(address.hash, link.closest("#pane"));
});

function mark(sentence) {
  for (const one of document.querySelectorAll("[data-at]")) delete one.dataset.at;
  if (!sentence) return;
  for (const one of document.querySelectorAll(`[data-sentence="${CSS.escape(sentence)}"]`)) one.dataset.at = "here";
}

// The pane scrolls, the page does not: what is being read stays where it is.
function land(hash, cameFromPane) {
  const pane = document.getElementById("pane");
  const place = document.getElementById("passage") ?? pane.querySelector(hash || ".source--open");
  if (!place) return;
  const box = place.getBoundingClientRect();
  const frame = pane.getBoundingClientRect();
  if (box.top < frame.top + 60 || box.bottom > frame.bottom) pane.scrollTop += box.top - frame.top - 120;
  if (cameFromPane) pane.querySelector(`${hash} .source__head`)?.focus({ preventScroll: true });
}
