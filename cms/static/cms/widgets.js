// Starts the admin's widgets as they come into the page: cms/admin/widgets.py says why. The call stands in attributes,
// which the parser always has whole.
(function () {
  const KINDS = /^\w*(?:Chooser|Panel)$/;

  function start(element) {
    const name = element.dataset.widget;
    const given = JSON.parse(element.dataset.arguments);
    element.remove(); // an element that is moved later starts nothing twice
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
