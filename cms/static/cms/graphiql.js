// Starts GraphiQL on our endpoint. No cookie is sent: the endpoint reads none.
(() => {
  const editor = document.getElementById("editor");
  const example = `# What the front page of a website needs. Press the play button, or Ctrl and Enter.
query Home {
  partnership {
    name
    strapline
    currentPeriod {
      title
      priorities { number title actions { text horizon } }
    }
  }
  nextMeeting { title startsAt venue { name room postcode } }
}
`;

  const fetcher = async (parameters) => {
    const response = await fetch(editor.dataset.endpoint, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(parameters),
    });
    return response.json();
  };

  const App = () => {
    const [query, setQuery] = React.useState(example);
    const explorer = GraphiQLPluginExplorer.useExplorerPlugin({ query, onEdit: setQuery });
    return React.createElement(GraphiQL, {
      fetcher,
      query,
      onEditQuery: setQuery,
      plugins: [explorer],
      defaultEditorToolsVisibility: true,
    });
  };

  ReactDOM.render(React.createElement(App), editor);
})();
