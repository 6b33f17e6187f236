// From selected words to a comment about them: a button at the selection, `c` on the keyboard. The words
// are taken as the new draft has them: without what was removed, and without numbers and pins.
const MOST = 2000;
let words = "";

const inDraft = (node) => (node?.nodeType === 1 ? node : node?.parentElement)?.closest("#draft .draft__text");

function selected() {
  const selection = getSelection();
  if (!selection?.rangeCount || selection.isCollapsed) return "";
  const range = selection.getRangeAt(0).cloneRange();
  const block = inDraft(range.startContainer);
  if (!block) return "";
  if (inDraft(range.endContainer) !== block) range.setEndAfter(block.lastChild);
  const copy = range.cloneContents();
  copy.querySelectorAll(".hidden-text, del, .pin, .cite").forEach((one) => one.remove());
  return copy.textContent.replace(/\s+/g, " ").trim().slice(0, MOST);
}

document.addEventListener("selectionchange", () => {
  const button = document.querySelector("[data-remark-here]");
  if (!button) return;
  const now = selected();
  if (now) words = now;
  button.hidden = !now;
  if (!now) return;
  const box = getSelection().getRangeAt(0).getBoundingClientRect();
  button.style.top = `${box.bottom + scrollY + 6}px`;
  button.style.left = `${Math.max(8, Math.min(box.right + scrollX - 40, innerWidth - 140))}px`;
});

// The press must not take the selection away before the click arrives.
document.addEventListener("mousedown", (event) => event.target.closest("[data-remark-here]") && event.preventDefault());

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-remark-here]")) open();
  const summary = event.target.closest("#remark-form summary");
  if (summary && selected()) {
    event.preventDefault();
    open();
  }
});

function open() {
  const form = document.getElementById("remark-form");
  form.classList.add("remark-form--floating");
  hold(form);
  form.querySelector("details").open = true;
  form.elements.quote.value = words;
  form.elements.text.focus();
  document.querySelector("[data-remark-here]").hidden = true;
}

// The form stands under the words that it is about, and they stay marked while it is open.
function hold(form) {
  const selection = getSelection();
  if (!selection?.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0).cloneRange();
  globalThis.CSS?.highlights?.set("remark", new Highlight(range));
  const box = range.getBoundingClientRect();
  const fields = form.querySelector(".remark-form__fields");
  form.querySelector("details").open = true;
  const below = box.bottom + 8 + fields.offsetHeight < (document.querySelector(".verdict")?.getBoundingClientRect().top ?? innerHeight);
  const top = below ? box.bottom + 8 : Math.max(60, box.top - fields.offsetHeight - 8);
  fields.style.inset = `${top}px auto auto ${Math.max(8, Math.min(box.left, innerWidth - fields.offsetWidth - 8))}px`;
}

document.addEventListener("htmx:beforeSwap", () => globalThis.CSS?.highlights?.delete("remark"));

document.addEventListener("keydown", (event) => {
  const form = document.querySelector(".remark-form--floating");
  if (event.key !== "Escape" || !form) return;
  globalThis.CSS?.highlights?.delete("remark");
  form.querySelector(".remark-form__fields").style.inset = "";
  form.classList.remove("remark-form--floating");
  form.querySelector("details").open = false;
  form.querySelector("summary").focus({ preventScroll: true });
});
