// Puts GraphiQL on its page: queries by POST, subscriptions over a WebSocket, and the headers editor
// open, because that is where the key goes.
(function () {
  'use strict';
  var http = new URL('/graphql', window.location.href);
  var socket = new URL(http.href);
  socket.protocol = http.protocol === 'https:' ? 'wss:' : 'ws:';
  var query = [
    '# Put your key into the Headers tab below: {"Authorization": "Bearer gnr_live_..."}',
    '# Without one you see what is public. Ctrl-Enter runs the query under the cursor.',
    '',
    'query Models {',
    '  models(capability: "image_generation") {',
    '    slug',
    '    name',
    '    available',
    '    creditCost',
    '  }',
    '}',
    '',
    '# query Wallet { wallet { available held } }',
    '# subscription Purse { walletUpdates { type available held } }',
    ''
  ].join('\n');
  // A key stays in the page that it was typed into; the history of queries would keep it else.
  function withoutHeaders(text) {
    try {
      return JSON.stringify(JSON.parse(text, function (name, held) { return name === 'headers' ? undefined : held; }));
    } catch (notJson) {
      return text;
    }
  }
  var storage = {
    get length() { return localStorage.length; },
    getItem: function (name) { return localStorage.getItem(name); },
    setItem: function (name, text) { localStorage.setItem(name, withoutHeaders(text)); },
    removeItem: function (name) { localStorage.removeItem(name); },
    clear: function () { localStorage.clear(); }
  };
  var root = ReactDOM.createRoot(document.getElementById('graphiql'));
  root.render(React.createElement(GraphiQL, {
    // The headers editor's lines go with every query, and open every WebSocket.
    fetcher: GraphiQL.createFetcher({ url: http.href, subscriptionUrl: socket.href }),
    defaultQuery: query,
    defaultEditorToolsVisibility: 'headers',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    storage: storage
  }));
})();
