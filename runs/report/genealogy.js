// The genealogy: attempts in columns by their distance from a founder. An attempt continues the row of its smallest
// branch, so that what it led to at once stands next to it and long branches go below.

function genealogy(target, { data, byId, onLine, champion, spoken }, reader, detailOf) {
  if (!data.nodes.length) return target.append("There is no attempt yet.");
  const parentOf = new Map(), childrenOf = new Map(data.nodes.map((node) => [node.id, []]));
  const value = (node) => (node.score === null ? -Infinity : node.score);
  for (const node of data.nodes) {
    const parents = node.parents.filter((id) => byId.has(id)).map((id) => byId.get(id));
    const best = parents.reduce((a, b) => (a === null || value(b) > value(a) ? b : a), null);
    if (best) { parentOf.set(node.id, best.id); childrenOf.get(best.id).push(node.id); }
  }
  // Parents have smaller numbers: every loop over nodes is in the right order, and none recurses.
  const column = new Map(), weight = new Map(data.nodes.map((node) => [node.id, 1])), row = new Map(), order = [];
  for (const node of data.nodes) column.set(node.id, parentOf.has(node.id) ? column.get(parentOf.get(node.id)) + 1 : 0);
  for (const node of [...data.nodes].reverse()) {
    const parent = parentOf.get(node.id);
    if (parent !== undefined) weight.set(parent, weight.get(parent) + weight.get(node.id));
  }
  for (const below of childrenOf.values()) below.sort((a, b) => weight.get(a) - weight.get(b) || a - b);
  const stack = data.nodes.filter((node) => !parentOf.has(node.id)).map((node) => node.id).reverse();
  while (stack.length) { const id = stack.pop(); order.push(id); stack.push(...[...childrenOf.get(id)].reverse()); }
  let rows = 0;
  for (const id of order) if (!childrenOf.get(id).length) row.set(id, rows++);
  for (const id of [...order].reverse()) if (childrenOf.get(id).length) row.set(id, row.get(childrenOf.get(id)[0]));
  const at = (id) => [column.get(id) * 90 + 24, row.get(id) * 20 + 20];
  const [totalWidth, totalHeight] = [Math.max(...data.nodes.map((node) => at(node.id)[0])) + 60, rows * 20 + 20];

  const height = Math.min(560, Math.max(240, totalHeight + 20));
  const scene = svg("g", {}), mates = svg("g", {}), groups = new Map();
  const root = svg("svg", { width: "100%", height, role: "group", "aria-label":
    "Genealogy. Arrow keys move between attempts, Enter shows one, plus and minus zoom." });
  for (const id of order) {
    const parent = parentOf.get(id);
    if (parent === undefined) continue;
    const [x1, y1] = at(parent), [x2, y2] = at(id);
    const kind = onLine.has(id) && onLine.has(parent) ? "link line" : "link";
    scene.append(svg("path", { class: kind, d: `M${x1} ${y1}C${x1 + 45} ${y1} ${x2 - 45} ${y2} ${x2} ${y2}` }));
  }
  scene.append(mates);
  const bad = new Set(["failed", "diverged", "timeout", "rejected"]);
  function shape(node, x, y) {
    if (bad.has(node.status)) return svg("path", { class: "shape", d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8` });
    if (node.status === "duplicate") return svg("rect", { class: "shape", x: x - 4, y: y - 4, width: 8, height: 8 });
    return svg("circle", { class: "shape", cx: x, cy: y, r: onLine.has(node.id) ? 7 : 5 });
  }
  for (const id of order) {
    const node = byId.get(id), [x, y] = at(id);
    const kind = `node ${bad.has(node.status) ? "failed" : node.status}${onLine.has(id) ? " best" : ""}`;
    const group = svg("g", { class: kind, tabindex: "-1", role: "button", "aria-label": spoken(node), "data-id": id },
      svg("circle", { class: "halo", cx: x, cy: y, r: 10 }), shape(node, x, y));
    if (onLine.has(id)) group.append(svg("text", { class: "strong", x: x + 10, y: y - 6 }, `#${id}`));
    groups.set(id, titled(group, `#${id} ${node.operator} ${score(node.score)}`));
    scene.append(group);
  }
  root.append(scene);

  const view = reader.view = reader.view || { x: 0, y: 0, k: 1 };
  const show = () => scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
  const size = () => [root.clientWidth || 600, height];
  function zoom(factor, [cx, cy] = size().map((length) => length / 2)) {
    const k = Math.max(0.05, Math.min(6, view.k * factor));
    view.x = cx - ((cx - view.x) * k) / view.k;
    view.y = cy - ((cy - view.y) * k) / view.k;
    view.k = k;
    reader.moved = true;
    show();
  }
  function fit() {
    const [w, h] = size();
    view.k = Math.min(1.4, w / totalWidth, h / totalHeight);
    view.x = (w - totalWidth * view.k) / 2;
    view.y = (h - totalHeight * view.k) / 2;
    show();
  }
  function centre(id) {
    const [w, h] = size(), [x, y] = at(id);
    [view.x, view.y] = [w / 2 - x * view.k, h / 2 - y * view.k];
    show();
  }
  function reveal(id) {
    const [w, h] = size(), [x, y] = at(id), [px, py] = [x * view.k + view.x, y * view.k + view.y];
    if (view.k < 0.5) { view.k = 1; centre(id); } else if (px < 20 || py < 20 || px > w - 20 || py > h - 20) centre(id);
  }

  const detail = el("div", { class: "detail", role: "region", "aria-live": "polite", "aria-label": "The chosen attempt", tabindex: "0", "data-keep": "detail" },
    el("p", { class: "quiet" }, "No attempt is chosen."));
  let opened = null, current = reader.moved && byId.has(reader.current) ? reader.current : data.champion === null ? order[0] : data.champion;
  reader.current = current;
  groups.get(current).setAttribute("tabindex", "0");
  function focus(id) {
    groups.get(current).setAttribute("tabindex", "-1");
    current = reader.current = id;
    groups.get(id).setAttribute("tabindex", "0");
    reveal(id);
    groups.get(id).focus({ preventScroll: true });
  }
  function open(id, shown = true) {
    const node = byId.get(id);
    if (opened !== null) groups.get(opened).classList.remove("open");
    opened = reader.opened = id;
    groups.get(id).classList.add("open");
    mates.replaceChildren(...node.parents.filter((parent) => byId.has(parent) && parent !== parentOf.get(id)).map((parent) => {
      const [x1, y1] = at(parent), [x2, y2] = at(id);
      return svg("path", { class: "link mate", d: `M${x1} ${y1}C${x1 + 45} ${y1} ${x2 - 45} ${y2} ${x2} ${y2}` });
    }));
    detail.replaceChildren(...detailOf(node, childrenOf.get(id)));
    detail.scrollTop = 0;
    if (shown) reveal(id);
  }
  const choose = (id) => { open(id); reader.moved = true; if (location.hash !== `#attempt-${id}`) history.replaceState(null, "", `#attempt-${id}`); };
  function neighbour(key) {
    if (key === "ArrowLeft") return parentOf.get(current);
    if (key === "ArrowRight") return childrenOf.get(current)[0];
    const beside = order.filter((id) => column.get(id) === column.get(current)).sort((a, b) => row.get(a) - row.get(b));
    return beside[beside.indexOf(current) + (key === "ArrowDown" ? 1 : -1)];
  }
  root.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = neighbour(event.key);
      if (next !== undefined) focus(next);
    } else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(current); }
    else if (event.key === "+" || event.key === "=") zoom(1.3);
    else if (event.key === "-") zoom(1 / 1.3);
    else if (event.key === "0") fit();
  });
  let drag = null;
  reader.busy = () => drag !== null;
  root.addEventListener("pointerdown", (event) => { drag = [event.clientX, event.clientY, view.x, view.y, false]; });
  root.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag[0], event.clientY - drag[1]];
    if (Math.hypot(dx, dy) > 4 && !drag[4]) { drag[4] = reader.moved = true; root.setPointerCapture(event.pointerId); }
    if (drag[4]) { view.x = drag[2] + dx; view.y = drag[3] + dy; show(); }
  });
  root.addEventListener("pointercancel", () => { drag = null; });
  root.addEventListener("pointerup", () => { setTimeout(() => { drag = null; }); });
  root.addEventListener("click", (event) => {
    const group = event.target.closest(".node");
    if (!group || (drag && drag[4])) return;
    const id = Number(group.dataset.id);
    focus(id);
    choose(id);
  });
  root.addEventListener("wheel", (event) => {
    // A page that cannot be scrolled past a figure is a trap: the wheel zooms with Ctrl or once the tree has the focus.
    if (!event.ctrlKey && !event.metaKey && !root.contains(document.activeElement)) return;
    event.preventDefault();
    const box = root.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), [event.clientX - box.left, event.clientY - box.top]);
  }, { passive: false });

  const operators = [...new Set(data.nodes.map((node) => node.operator))].sort();
  const filter = (value) => {
    reader.operator = value;
    for (const [id, group] of groups) group.classList.toggle("dim", value !== "" && byId.get(id).operator !== value);
  };
  const button = (text, label, action) => el("button", { type: "button", "aria-label": label, "data-keep": label, onclick: action }, text);
  const sample = (status, text, best) => {
    const picture = svg("svg", { width: 18, height: 18, "aria-hidden": "true" },
      svg("g", { class: `node ${status}${best ? " best" : ""}` }, shape({ status, id: best ? data.champion : -1 }, 9, 9)));
    return el("li", {}, picture, text);
  };
  if (data.nodes.length < data.attempts) {
    target.append(el("p", { class: "quiet" }, "Of this search a part is shown: an attempt whose parents are not shown begins a tree of its own."));
  }
  target.append(
    el("div", { class: "controls" }, choice("Operator", [["", "all"], ...operators.map((name) => [name, name])], reader.operator, filter),
      button("+", "Zoom in", () => zoom(1.4)), button("−", "Zoom out", () => zoom(1 / 1.4)), button("Whole tree", "Show the whole tree", fit),
      champion ? button("Champion", "Show the champion", () => { view.k = 1; centre(data.champion); choose(data.champion); }) : null),
    el("ul", { class: "legend" }, sample("evaluated", "the champion and its line", true), sample("evaluated", "fully trained"),
      sample("screened", "stopped after the first part"), sample("failed", "failed or rejected"), sample("duplicate", "duplicate")),
    el("div", { class: "tree" }, el("div", { class: "canvas" }, root), detail));
  filter(operators.includes(reader.operator) ? reader.operator : "");
  // A tree too large to be read as a whole begins at the champion.
  const begin = () => { fit(); if (view.k < 0.4) { view.k = 0.8; centre(opened === null ? current : opened); } };
  const stay = () => {
    // Rows shift as attempts come: the attempt that the reader is at stays where it was.
    const [left, top] = reader.screen(current), [x, y] = at(current);
    [view.x, view.y] = [left - x * view.k, top - y * view.k];
    show();
  };
  if (reader.moved && reader.screen) stay();
  else begin();
  reader.screen = (id) => at(id).map((place, i) => place * view.k + (i ? view.y : view.x));
  charts.push(begin);
  const follow = () => {
    const found = /^#attempt-(\d+)$/.exec(location.hash);
    if (!found || !byId.has(Number(found[1]))) return;
    reader.moved = true;
    open(Number(found[1]));
    document.getElementById("genealogy").scrollIntoView();
  };
  window.onhashchange = follow;
  if (reader.opened === null) follow();
  else if (reader.moved && byId.has(reader.opened)) open(reader.opened, false);
  if (opened === null && champion) open(data.champion);
}
