// Opens and closes <dialog>s: data-dialog="id" opens, data-close closes the one around it. The browser
// keeps focus inside and Esc works; focus goes back to what opened it.
const openers = new WeakMap();

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (!dialog || dialog.open) return;
    // A link with data-dialog leads to the same form on a page of its own, where no script runs.
    event.preventDefault();
    openers.set(dialog, opener);
    dialog.showModal();
  } else if (event.target.closest("[data-close]")) {
    event.target.closest("dialog")?.close();
  } else if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
    if (outside && event.detail) event.target.close();
  }
});

document.addEventListener("close", (event) => {
  const opener = openers.get(event.target);
  const menu = opener?.closest("details.menu");
  (menu ? menu.querySelector("summary") : opener)?.focus();
}, true);
