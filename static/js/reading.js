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
// After a remark or a judgement the page was swapped: focus goes to what was just said.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "review") return;
  focus();
  const { elt, path } = event.detail.requestConfig ?? {};
  const notes = [...document.querySelectorAll(".note:not(.note--answered)")].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
  const said = path?.includes("/comment/") ? notes.at(-1) : document.getElementById(elt?.closest(".finding")?.id);
  said?.focus({ preventScroll: true });
});
setTimeout(take, TAKE_AFTER_MS);
