/* Draws the data of this file, and again whatever a server has that is newer. */
(function () {
  const embedded = document.getElementById("data"), revision = embedded.dataset.revision;
  const reader = { over: "attempts", cost: "parameters", operator: "", view: null, moved: false, current: null, opened: null,
    sources: new Set(), screen: null, busy: () => false };
  const draw = (data) => report(data, reader);
  draw(JSON.parse(embedded.textContent));
  watchWidth();
  if (revision !== undefined) follow(draw, revision, reader);
})();
