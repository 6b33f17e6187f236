// Where the eyes go when a page arrives, and that somebody reads it: focus on what must be read first,
// and after three seconds of reading the others are told.
const TAKE_AFTER_MS = 3000;

function focus() {
  const first = document.querySelector("[data-focus]") ?? document.querySelector("[data-decided] #title");
  first?.focus({ preventScroll: !first.matches("[data-focus]") });
}

function take() {
  const review = document.querySelector("[data-take]");
  if (review && document.visibilityState === "visible") htmx.ajax("POST", review.dataset.take, { swap: "none" });
}

focus();
document.addEventListener("htmx:afterSettle", (event) => event.target.id === "review" && focus());
setTimeout(take, TAKE_AFTER_MS);
