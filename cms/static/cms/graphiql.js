// Starts GraphiQL for our endpoint, with examples. It sends no cookies, because the endpoint reads none.
(() => {
  const editor = document.getElementById("editor");
  const examples = JSON.parse(document.getElementById("examples").textContent);
  const h = React.createElement;

  const fetcher = async (parameters) => {
    const response = await fetch(editor.dataset.endpoint, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(parameters),
    });
    return response.json();
  };

  const Examples = () => {
    const { queryEditor, variableEditor } = GraphiQL.React.useEditorContext();
    const show = ({ query, variables }) => {
      queryEditor.setValue(query);
      variableEditor.setValue(variables);
      queryEditor.focus();
    };
    return h("section", { "aria-labelledby": "examples-title" },
      h("h2", { id: "examples-title" }, "Examples"),
      h("p", null, "These queries are part of the contract and will keep working. Choose one, then press Ctrl and Enter."),
      h("ul", { className: "examples" }, examples.map((example) =>
        h("li", { key: example.name },
          h("button", { type: "button", onClick: () => show(example) }, example.name)))));
  };
  const examplesPlugin = {
    title: "Examples",
    icon: () => h("svg", { viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", strokeWidth: 1.5, "aria-hidden": true },
      h("path", { d: "M2 3.5h2M2 8h2M2 12.5h2M6.5 3.5H14M6.5 8H14M6.5 12.5H14" })),
    content: Examples,
  };

  const App = () => {
    const first = examples.find(({ name }) => name === "Home");
    const [query, setQuery] = React.useState(first.query);
    const explorer = GraphiQLPluginExplorer.useExplorerPlugin({ query, onEdit: setQuery });
    return h(GraphiQL, {
      fetcher,
      query,
      onEditQuery: setQuery,
      plugins: [examplesPlugin, explorer],
      visiblePlugin: examplesPlugin,
      defaultEditorToolsVisibility: true,
    });
  };

  ReactDOM.render(h(App), editor);
})();
