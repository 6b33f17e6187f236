// A link with data-ask leads to a form on a page of its own; here the same form opens as a dialog.
// A form with data-submit sends itself when a choice in it changes.
let asker = null;

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-ask]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    asker = document.activeElement === document.body ? link : document.activeElement;
    htmx.ajax("GET", link.getAttribute("href"), { target: "#dialog-place", swap: "innerHTML" });
  }
  const close = event.target.closest("dialog a[data-close]");
  if (close) event.preventDefault();
});

document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.target.querySelector?.("dialog[data-open]");
  if (!dialog || dialog.open) return;
  dialog.addEventListener("close", () => {
    dialog.remove();
    asker?.focus();
  });
  dialog.showModal();
});

document.addEventListener("change", (event) => {
  event.target.closest("form[data-submit]")?.requestSubmit();
});

// Enter on the page itself opens what the page is mostly about; on a link or button it is theirs.
document.addEventListener("keydown", (event) => {
  const free = event.target === document.body || event.target.id === "main";
  if (event.key === "Enter" && free && document.body.dataset.keys === "on") document.querySelector("[data-enter]")?.click();
});
