/* One press of a button sends one request.

Wagtail saves an edit form by itself while somebody types ("w-autosave"). Its buttons of a workflow put their action into
the form as hidden inputs, and the next autosave would send that action once more (wagtail/wagtail#14460). So:

- a form that is sent saves itself no more: an autosave that has not begun is dropped, one that is under way is waited for;
- an autosave carries no action, and no button carries the action of another one;
- while a form is on its way, its buttons do nothing;
- what was typed last is sent, too: the box for rich text writes it into the form a quarter of a second later.

The page that answers begins anew. A page that comes back by the browser's "Back" is let go, as is one whose loading somebody
stopped, after the time for which Wagtail's own buttons stay disabled. */
(() => {
  const LET_GO = 30_000; // milliseconds
  const WRITTEN = 350; // milliseconds, after which Draftail has put the last words into the form
  const ACTION = /^(action-|workflow-action-)/; // names that Wagtail's edit views look for
  const onTheirWay = new Set();
  const ready = new WeakSet(); // forms that have waited for their autosave
  let autosave = null; // the last one that was announced

  let typedAt = 0;
  document.addEventListener("beforeinput", () => (typedAt = Date.now()), { capture: true });
  document.addEventListener("keydown", () => (typedAt = Date.now()), { capture: true });

  const withoutActions = (form) => {
    for (const input of form.querySelectorAll('input[type="hidden"]')) {
      if (ACTION.test(input.name)) input.remove();
    }
  };

  const saving = (form) =>
    window.wagtail?.app?.getControllerForElementAndIdentifier(form, "w-autosave")?.submitPromise;

  const send = (form, button) => {
    const disabled = button?.disabled; // a form does not tell of a button that is
    if (button) button.disabled = false;
    ready.add(form);
    form.requestSubmit(button);
    if (button) button.disabled = disabled;
  };

  document.addEventListener("w-autosave:save", (event) => {
    const { formData } = event.detail;
    for (const name of [...formData.keys()]) {
      if (ACTION.test(name)) formData.delete(name);
    }
    if (onTheirWay.has(event.target)) event.preventDefault();
    autosave = event;
  });

  // Before Wagtail's own listeners, which put the action of the button into the form.
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest("button, input");
      if (button?.type !== "submit" || !button.form) return;
      if (onTheirWay.has(button.form)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else if (button.form.matches("[data-edit-form]")) {
        withoutActions(button.form);
      }
    },
    { capture: true },
  );

  // By jQuery, because Wagtail sends the form so after a dialog, of which the browser itself tells nobody.
  window.jQuery(document).on("submit", "form", (event) => {
    const form = event.currentTarget;
    if (event.isDefaultPrevented() || form.method !== "post" || form.target) return;
    if (ready.delete(form)) return;
    if (onTheirWay.has(form)) {
      event.preventDefault();
      return;
    }
    onTheirWay.add(form);
    setTimeout(() => onTheirWay.delete(form), LET_GO);
    autosave?.preventDefault(); // looked at when its turn comes
    const written = form.querySelector(".Draftail-Editor") && Date.now() - typedAt < WRITTEN;
    if (saving(form) || written) {
      event.preventDefault();
      const pause = new Promise((done) => setTimeout(done, written ? WRITTEN : 0));
      Promise.allSettled([saving(form), pause]).then(() => send(form, event.originalEvent?.submitter));
    }
  });

  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    onTheirWay.clear();
    document.querySelectorAll("[data-edit-form]").forEach(withoutActions);
  });
})();
