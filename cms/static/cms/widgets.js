// Starts the admin's widgets when they are added to the page (see cms/admin/widgets.py). The call is in attributes: when
// the observer sees an element, the parser has read all its attributes.
(function () {
  const KINDS = /^\w*(?:Chooser|Panel)$/;

  function start(element) {
    const name = element.dataset.widget;
    const given = JSON.parse(element.dataset.arguments);
    element.remove(); // so that moving it later does not start the widget twice
    if (!KINDS.test(name)) return;
    if (/^[a-z]/.test(name)) window[name](...given); // a function, as in initDateChooser
    else new window[name](...given);
  }

  function look(node) {
    if (node.nodeType !== Node.ELEMENT_NODE || !node.isConnected) return;
    if (node.matches("[data-widget]")) start(node);
    else node.querySelectorAll("[data-widget]").forEach(start);
  }

  new MutationObserver((records) => {
    records.forEach((record) => record.addedNodes.forEach(look));
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
