"use strict";
/* Draws the report from the JSON in this file. Everything from the search is put on the page as text, never as markup. */
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = new Map(data.nodes.map((node) => [node.id, node]));
  const sources = new Map(data.components.map((component) => [component.name, component]));
  const onLine = new Set(data.lineage);
  const evaluated = data.nodes.filter((node) => node.status === "evaluated");
  const published = evaluated.filter((node) => node.operator === "seed").sort((a, b) => b.score - a.score);
  const champion = byId.get(data.champion);
  const MOST_TIES = 20;

  // Elements: attributes by name, children as elements or text.

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
  }
  const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const body = (section) => document.querySelector(`#${section} .body`);
  const titled = (shape, text) => (shape.append(svg("title", {}, text)), shape);

  // Text of values.

  const score = (value) => (value === null || value === undefined ? "-" : value.toFixed(4));
  const signed = (value) => (value === null ? "" : (value >= 0 ? "+" : "−") + Math.abs(value).toFixed(4));
  const whole = (value) => (value === null || value === undefined ? "-" : value.toLocaleString("en"));
  const short = (value) => {
    const size = Math.abs(value);
    const [by, unit] = size >= 1e12 ? [1e12, "T"] : size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e3 ? [1e3, "k"] : [1, ""];
    return String(Number((value / by).toPrecision(3))) + unit;
  };
  const link = (id) => el("a", { href: `#attempt-${id}` }, `#${id}`);
  const links = (ids) => ids.flatMap((id, i) => (i ? [", ", link(id)] : [link(id)]));
  const spoken = (node) =>
    `attempt ${node.id}, generation ${node.generation}, ${node.operator}, ${node.status}` +
    (node.score === null ? "" : `, score ${score(node.score)}`);

  function table(columns, rows, caption) {
    const head = columns.map(([name, numeric]) => el("th", { scope: "col", class: numeric ? "number" : null }, name));
    const lines = rows.map(([cells, kind]) =>
      el("tr", { class: kind || null }, cells.map((cell, i) => el("td", { class: columns[i][1] ? "number" : columns[i][2] }, cell))));
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines)));
  }
  function bar(share, kind) {
    const block = el("span", { class: kind ? `bar ${kind}` : "bar" });
    block.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    return el("div", {}, block);
  }

  // Plots: a frame with axes; `place` gives pixels for values.

  function ticks(low, high, count) {
    const step0 = (high - low) / count || 1;
    const power = 10 ** Math.floor(Math.log10(step0));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= step0);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
    return found;
  }
  function frame(width, height, [x0, x1], [y0, y1], label, xName, yName) {
    const left = 58, right = 14, top = 20, bottom = 40;
    const place = {
      x: (value) => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - right),
      y: (value) => height - bottom - ((value - y0) / (y1 - y0 || 1)) * (height - top - bottom),
    };
    const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    for (const value of ticks(y0, y1, height / 60)) {
      root.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: place.y(value), y2: place.y(value) }),
        svg("text", { x: left - 6, y: place.y(value) + 4, "text-anchor": "end" }, short(value)));
    }
    for (const value of ticks(x0, x1, width / 110)) {
      root.append(svg("text", { x: place.x(value), y: height - bottom + 16, "text-anchor": "middle" }, short(value)));
    }
    root.append(svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xName),
      svg("text", { x: 4, y: 12 }, yName));
    return { root, place, left, right: width - right };
  }
  function span(values, margin) {
    const low = Math.min(...values), high = Math.max(...values), more = (high - low || Math.abs(high) || 1) * margin;
    return [low - more, high + more];
  }
  const charts = [];
  function chart(holder, draw) {
    const again = () => holder.replaceChildren(draw(Math.max(280, holder.clientWidth)));
    charts.push(again);
    again();
    return again;
  }
  function choice(name, options, changed) {
    const select = el("select", { onchange: () => changed(select.value) },
      options.map(([value, text]) => el("option", { value }, text)));
    return el("label", {}, `${name} `, select);
  }

  // Sections, in the order of the page.

  function summary() {
    const counts = Object.entries(data.counts).map(([status, count]) => `${count} ${status}`).join(", ");
    const noise = data.noise === null ? "the noise floor is not known" : `the noise floor of a score is ${score(data.noise)}`;
    document.getElementById("summary").textContent =
      `${data.status}, ${data.generations} of ${data.target} generations; ${data.nodes.length} attempts${counts ? `: ${counts}` : ""}; ` +
      `tasks ${data.tasks.join(", ")}; ${noise}.`;
  }

  function recipeList(node) {
    const places = (i, count) => (i === 0 ? "embedding" : i === count - 2 ? "head" : i === count - 1 ? "training" : `block ${i - 1}`);
    return el("ol", {}, node.recipe.map((part, i) =>
      el("li", {}, el("span", { class: "quiet" }, `${places(i, node.recipe.length)}: `), el("code", {}, data.parts[part].text))));
  }

  function championSection() {
    const target = body("champion");
    if (!champion) return target.append("No attempt is fully trained yet.");
    target.append(el("p", {}, "Attempt ", link(champion.id), ` of generation ${champion.generation}: ${champion.family || ""}, score ` +
      `${score(champion.score)} on the validation split, ${whole(champion.parameters)} parameters.`), recipeList(champion));
    if (data.noise !== null) {
      const more = data.ties.length - MOST_TIES;
      target.append(el("p", {}, ...(data.ties.length
        ? ["A tie with it, within twice the noise floor: ", ...links(data.ties.slice(0, MOST_TIES)), more > 0 ? ` and ${more} more.` : "."]
        : ["No other fully trained attempt is within twice the noise floor of it."])));
    }
    target.append(el("h3", {}, "How it came about"), el("ol", {}, data.lineage.map((id) => {
      const node = byId.get(id);
      const edits = node.edits.length ? node.edits.join("; ") : node.label;
      return el("li", {}, link(id), ` ${node.operator} ${score(node.score)} ${node.gain === null ? "" : `(${signed(node.gain)})`} ${edits}`);
    })));
    target.append(el("h3", {}, "Confirmed on the sealed split"));
    if (!data.confirmed.length) {
      return target.append(el("p", {}, "Not confirmed: the score above is from one seed on the split that selection saw."));
    }
    const verdict = (one) =>
      one.failure ? one.failure : one.difference === null ? "" :
      one.champion_is === "tie" ? "tie: within twice the noise" :
      one.champion_is === "unclear" ? `unclear: ${signed(one.difference)}, within twice its error` :
      `champion ${one.champion_is} by ${score(Math.abs(one.difference))}`;
    target.append(table(
      [["recipe"], ["score", true], ["spread", true], ["seeds", true], ...data.tasks.map((task) => [`${task}, nats`, true]), ["against the champion"]],
      data.confirmed.map((one) => [
        [one.champion ? `champion #${data.champion}` : one.label, score(one.mean), score(one.spread), String(one.seeds),
          ...data.tasks.map((task) => score(one.losses[task])), verdict(one)], one.champion ? "champion" : ""]),
      "Confirmed scores"));
    target.append(el("p", { class: "quiet" }, "Means over fresh seeds that the search never used. The spread is the standard " +
      "deviation over them; a difference counts where it exceeds twice the noise and twice its own standard error."));
  }

  function anytimeSection() {
    const target = body("anytime");
    if (!evaluated.length) return target.append("No attempt is fully trained yet.");
    let by = "attempts";
    const holder = el("div", {});
    const at = (node) => (by === "attempts" ? node.id : node.tokens);
    const best = [];
    for (const node of evaluated) if (!best.length || node.score > best[best.length - 1].score) best.push(node);
    const noise = data.noise || 0;
    target.append(el("div", { class: "controls" }, choice("Over", [["attempts", "attempts"], ["tokens", "training tokens"]],
      (value) => { by = value; again(); })), holder);
    const again = chart(holder, (width) => {
      const last = at(data.nodes[data.nodes.length - 1]);
      const shown = [...best, ...published].map((node) => node.score);
      const [low, high] = span([...shown, best[best.length - 1].score + noise, best[0].score - noise], 0.06);
      const { root, place, left, right } = frame(width, 300, [0, last], [low, high],
        `Best score so far, from ${score(best[0].score)} to ${score(best[best.length - 1].score)}`, by === "attempts" ? "attempt" : "training tokens", "score");
      published.forEach((node, i) => root.append(titled(svg("line", { class: i ? "published other" : "published", x1: left, x2: right,
        y1: place.y(node.score), y2: place.y(node.score) }), `${node.label} ${score(node.score)}`)));
      const steps = (shift) => best.flatMap((node, i) => {
        const y = place.y(node.score + shift), end = i + 1 < best.length ? at(best[i + 1]) : last;
        return [`${place.x(at(node))},${y}`, `${place.x(end)},${y}`];
      });
      if (noise) root.append(svg("polygon", { class: "band", points: [...steps(noise), ...steps(-noise).reverse()].join(" ") }));
      root.append(svg("polyline", { class: "curve", points: steps(0).join(" ") }));
      for (const node of evaluated) {
        if (node.score < low) continue;
        root.append(titled(svg("circle", { class: "dot", cx: place.x(at(node)), cy: place.y(node.score), r: 3 }), spoken(node)));
      }
      if (published.length) root.append(svg("text", { x: right, y: place.y(published[0].score) + 14, "text-anchor": "end" }, `best published: ${published[0].label}`));
      return root;
    });
    const hidden = evaluated.filter((node) => node.score < span([...best, ...published].map((n) => n.score), 0.06)[0] - noise).length;
    target.append(el("p", { class: "quiet" }, `Points are fully trained attempts${hidden ? `; ${hidden} below the axis are left out` : ""}. ` +
      `Published recipes: ${published.map((node) => `${node.label} ${score(node.score)}`).join(", ") || "none"}.`));
  }

  // The genealogy: attempts in columns by their distance from a founder. An attempt continues the row of its smallest
  // branch, so that what it led to at once stands next to it and long branches go below.

  function genealogySection() {
    const target = body("genealogy");
    if (!data.nodes.length) return target.append("There is no attempt yet.");
    const parentOf = new Map(), childrenOf = new Map(data.nodes.map((node) => [node.id, []]));
    const value = (node) => (node.score === null ? -Infinity : node.score);
    for (const node of data.nodes) {
      const parents = node.parents.map((id) => byId.get(id));
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

    const view = { x: 0, y: 0, k: 1 };
    const show = () => scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    const size = () => [root.clientWidth || 600, height];
    function zoom(factor, [cx, cy] = size().map((length) => length / 2)) {
      const k = Math.max(0.05, Math.min(6, view.k * factor));
      view.x = cx - ((cx - view.x) * k) / view.k;
      view.y = cy - ((cy - view.y) * k) / view.k;
      view.k = k;
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

    const detail = el("div", { class: "detail", role: "region", "aria-live": "polite", "aria-label": "The chosen attempt", tabindex: "0" },
      el("p", { class: "quiet" }, "No attempt is chosen."));
    let opened = null, current = data.champion === null ? order[0] : data.champion;
    groups.get(current).setAttribute("tabindex", "0");
    function focus(id) {
      groups.get(current).setAttribute("tabindex", "-1");
      current = id;
      groups.get(id).setAttribute("tabindex", "0");
      reveal(id);
      groups.get(id).focus({ preventScroll: true });
    }
    function open(id) {
      const node = byId.get(id);
      if (opened !== null) groups.get(opened).classList.remove("open");
      opened = id;
      groups.get(id).classList.add("open");
      mates.replaceChildren(...node.parents.filter((parent) => parent !== parentOf.get(id)).map((parent) => {
        const [x1, y1] = at(parent), [x2, y2] = at(id);
        return svg("path", { class: "link mate", d: `M${x1} ${y1}C${x1 + 45} ${y1} ${x2 - 45} ${y2} ${x2} ${y2}` });
      }));
      detail.replaceChildren(...attemptDetail(node, childrenOf.get(id)));
      detail.scrollTop = 0;
      reveal(id);
    }
    const choose = (id) => { open(id); if (location.hash !== `#attempt-${id}`) history.replaceState(null, "", `#attempt-${id}`); };
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
    root.addEventListener("pointerdown", (event) => { drag = [event.clientX, event.clientY, view.x, view.y, false]; });
    root.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag[0], event.clientY - drag[1]];
      if (Math.hypot(dx, dy) > 4 && !drag[4]) { drag[4] = true; root.setPointerCapture(event.pointerId); }
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
      for (const [id, group] of groups) group.classList.toggle("dim", value !== "" && byId.get(id).operator !== value);
    };
    const button = (text, label, action) => el("button", { type: "button", "aria-label": label, onclick: action }, text);
    const sample = (status, text, best) => {
      const picture = svg("svg", { width: 18, height: 18, "aria-hidden": "true" },
        svg("g", { class: `node ${status}${best ? " best" : ""}` }, shape({ status, id: best ? data.champion : -1 }, 9, 9)));
      return el("li", {}, picture, text);
    };
    target.append(
      el("div", { class: "controls" }, choice("Operator", [["", "all"], ...operators.map((name) => [name, name])], filter),
        button("+", "Zoom in", () => zoom(1.4)), button("−", "Zoom out", () => zoom(1 / 1.4)), button("Whole tree", "Show the whole tree", fit),
        champion ? button("Champion", "Show the champion", () => { view.k = 1; centre(data.champion); choose(data.champion); }) : null),
      el("ul", { class: "legend" }, sample("evaluated", "the champion and its line", true), sample("evaluated", "fully trained"),
        sample("screened", "stopped after the first part"), sample("failed", "failed or rejected"), sample("duplicate", "duplicate")),
      el("div", { class: "tree" }, el("div", { class: "canvas" }, root), detail));
    // A tree too large to be read as a whole begins at the champion.
    const begin = () => { fit(); if (view.k < 0.4) { view.k = 0.8; centre(opened === null ? current : opened); } };
    begin();
    charts.push(begin);
    const follow = () => {
      const found = /^#attempt-(\d+)$/.exec(location.hash);
      if (!found || !byId.has(Number(found[1]))) return;
      open(Number(found[1]));
      document.getElementById("genealogy").scrollIntoView();
    };
    window.addEventListener("hashchange", follow);
    follow();
    if (opened === null && champion) open(data.champion);
  }

  function attemptDetail(node, children) {
    const facts = [
      ["status", node.status + (node.reason ? `: ${node.reason}` : "")],
      ["score", node.score === null ? "-" : `${score(node.score)}${node.gain === null ? "" : ` (${signed(node.gain)} over its best parent)`}`],
      ["parents", node.parents.length ? links(node.parents) : "none"],
      ["children", children.length ? links(children) : "none"],
      ["family", node.family || "-"],
      ["parameters", whole(node.parameters)],
      ["FLOPs per token", whole(node.flops_per_token)],
      ["decoding state", node.state_bytes === null ? "-" : `${whole(node.state_bytes)} bytes`],
    ];
    const names = [...new Set(node.recipe.flatMap((part) => data.parts[part].components))].filter((name) => sources.has(name));
    const found = [
      el("h3", { id: "chosen" }, `Attempt ${node.id}, generation ${node.generation}, ${node.operator}`),
      el("dl", {}, facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
      el("h3", {}, "Edits"),
      node.edits.length ? el("ol", { class: "edits" }, node.edits.map((edit) => el("li", {}, edit))) : el("p", {}, node.parents.length ? "None." : `None: ${node.label || "a fresh recipe"}.`),
    ];
    if (node.measures.length) {
      found.push(el("h3", {}, "Losses"), table([["task"], ["loss, nats", true], ["accuracy", true]],
        data.tasks.map((task, i) => [[task, node.measures[i] ? score(node.measures[i][0]) : "-",
          node.measures[i] && node.measures[i][1] !== null ? node.measures[i][1].toFixed(3) : "-"]]), "Losses by task"));
    }
    if (node.recipe.length) found.push(el("h3", {}, "Recipe"), recipeList(node));
    if (names.length) {
      found.push(el("h3", {}, "Components"), ...names.map((name) => {
        const component = sources.get(name);
        const from = component.arxiv ? `, arXiv ${component.arxiv}` : component.origin === "library" ? "" : `, ${component.origin}`;
        return el("details", {}, el("summary", {}, el("code", {}, name), ` ${component.kind}${from}`), el("pre", { tabindex: "0" }, component.source));
      }));
    }
    return found;
  }

  function profileSection() {
    const target = body("profile");
    const shown = published.filter((node) => node.measures.length);
    if (!champion) return target.append("No attempt is fully trained yet.");
    data.tasks.forEach((task, t) => {
      const loss = (node) => (node.measures[t] ? node.measures[t][0] : null);
      const rings = shown.filter((node) => loss(node) !== null), own = loss(champion);
      if (own === null) return;
      const holder = el("div", {});
      target.append(el("h3", {}, task), holder);
      chart(holder, (width) => {
        const [low, high] = span([own, ...rings.map(loss)], 0.08);
        const place = (value) => 12 + ((high - value) / (high - low)) * (width - 24);
        const root = svg("svg", { width, height: 66, viewBox: `0 0 ${width} 66`, role: "img",
          "aria-label": `${task}: champion ${score(own)} nats, published ${rings.map((n) => `${n.label} ${score(loss(n))}`).join(", ")}` });
        root.append(svg("line", { class: "axis", x1: 12, x2: width - 12, y1: 30, y2: 30 }));
        for (const value of ticks(low, high, width / 130)) root.append(svg("text", { x: place(value), y: 60, "text-anchor": "middle" }, short(value)));
        for (const node of rings) root.append(titled(svg("circle", { class: "ring", cx: place(loss(node)), cy: 30, r: 6 }), `${node.label} ${score(loss(node))}`));
        const x = place(own);
        root.append(titled(svg("path", { class: "diamond", d: `M${x} 21l9 9l-9 9l-9 -9z` }), `champion ${score(own)}`),
          svg("text", { class: "strong", x: Math.min(width - 40, Math.max(40, x)), y: 14, "text-anchor": "middle" }, score(own)));
        return root;
      });
    });
    const cells = (node) => data.tasks.flatMap((_, t) => [score(node.measures[t] && node.measures[t][0]),
      node.measures[t] && node.measures[t][1] !== null ? node.measures[t][1].toFixed(3) : "-"]);
    const rest = shown.filter((node) => node.id !== champion.id);
    target.append(table([["recipe"], ...data.tasks.flatMap((task) => [[`${task}, nats`, true], ["accuracy", true]])],
      [[[`champion #${champion.id}`, ...cells(champion)], "champion"], ...rest.map((node) => [[node.label, ...cells(node)]])], "Losses and accuracies by task"));
  }

  function operatorSection() {
    const target = body("operators");
    if (!data.operators.length) return target.append("No operator has been credited yet.");
    const most = Math.max(...data.operators.map((own) => own.gain)) || 1;
    target.append(table([["operator"], ["attempts", true], ["improved", true], ["gain", true], ["", false, "bars"], ["training FLOPs", true]],
      data.operators.map((own) => [[own.operator, String(own.attempts), String(own.improved), score(own.gain), bar(own.gain / most), short(own.cost_flops)]]),
      "Credit by operator"));
  }

  function configurationSection() {
    const target = body("configurations");
    if (!data.configurations.length) return target.append("Too few recipes are fully trained to tell.");
    const one = data.configurations[0];
    target.append(table([["aspect"], ["what"], [`best ${one.best_of}`, true], [`other ${one.rest_of}`, true], ["share", false, "bars"]],
      data.configurations.map((row) => [[row.aspect, el("code", {}, row.text), `${row.best} of ${row.best_of}`, `${row.rest} of ${row.rest_of}`,
        [bar(row.best / row.best_of), bar(row.rest / Math.max(1, row.rest_of), "rest")]]]), "What the best recipes share"));
  }

  function paretoSection() {
    const target = body("pareto");
    if (!evaluated.length) return target.append("No attempt is fully trained yet.");
    const axes = [["parameters", "parameters"], ["flops_per_token", "FLOPs per token"], ["state_bytes", "decoding state, bytes"]];
    let by = "parameters";
    const holder = el("div", {}), list = el("p", {});
    target.append(el("p", {}, "Fully trained attempts. Nothing is both cheaper and better than those on the marked front."),
      el("div", { class: "controls" }, choice("Cost", axes, (value) => { by = value; again(); })), holder, list);
    const again = chart(holder, (width) => {
      const points = evaluated.filter((node) => node[by] !== null).sort((a, b) => a[by] - b[by] || b.score - a.score);
      if (!points.length) return el("p", {}, "This cost is not stored.");
      const front = [];
      for (const node of points) if (!front.length || node.score > front[front.length - 1].score) front.push(node);
      const { root, place } = frame(width, 320, span(points.map((node) => node[by]), 0.05), span(points.map((node) => node.score), 0.06),
        `Score against ${by}`, axes.find(([name]) => name === by)[1], "score");
      root.append(svg("polyline", { class: "front-line", points: front.flatMap((node, i) =>
        [...(i ? [`${place.x(node[by])},${place.y(front[i - 1].score)}`] : []), `${place.x(node[by])},${place.y(node.score)}`]).join(" ") }));
      for (const node of points) {
        const dot = svg("circle", { class: front.includes(node) ? "dot front" : "dot", cx: place.x(node[by]), cy: place.y(node.score), r: front.includes(node) ? 6 : 4,
          onclick: () => { location.hash = `#attempt-${node.id}`; } });
        root.append(titled(dot, `${spoken(node)}, ${whole(node[by])}`));
      }
      list.replaceChildren("On the front: ", ...front.flatMap((node, i) => [i ? ", " : "", link(node.id), ` (${whole(node[by])}, ${score(node.score)})`]));
      return root;
    });
  }

  function failureSection() {
    const target = body("failures");
    if (!data.causes.length) return target.append("Every attempt has a score.");
    target.append(el("p", {}, "By status and reason; N stands for a number."), table([["status"], ["cause"], ["attempts", true], ["such as"]],
      data.causes.map((own) => [[own.status, own.cause || "-", String(own.attempts.length), links(own.attempts.slice(0, 3))]]), "Attempts without a score by cause"));
  }

  function timeSection() {
    const target = body("times"), rows = data.times.generations;
    target.append(el("p", {}, `Created ${data.times.created_at}${data.times.finished_at ? `; the last generation finished ${data.times.finished_at}` : ""}.`));
    if (!rows.length) return;
    const kinds = ["compile", "train", "other"], holder = el("div", {});
    target.append(el("ul", { class: "legend" }, kinds.map((kind) =>
      el("li", {}, svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, svg("rect", { class: kind, width: 14, height: 14 })), kind))), holder);
    chart(holder, (width) => {
      const total = (own) => kinds.reduce((sum, kind) => sum + own[kind], 0);
      const { root, place } = frame(width, 220, [rows[0].generation - 0.6, rows[rows.length - 1].generation + 0.6], [0, Math.max(...rows.map(total)) * 1.05 || 1],
        "Worker seconds by generation", "generation", "seconds");
      const wide = Math.max(1, Math.min(40, (place.x(1) - place.x(0)) * 0.7));
      for (const own of rows) {
        let low = 0;
        for (const kind of kinds) {
          root.append(titled(svg("rect", { class: kind, x: place.x(own.generation) - wide / 2, width: wide, y: place.y(low + own[kind]), height: place.y(low) - place.y(low + own[kind]) }),
            `generation ${own.generation}: ${kind} ${own[kind].toFixed(1)} s of ${own.wall.toFixed(1)} s`));
          low += own[kind];
        }
      }
      return root;
    });
    const sum = (kind) => rows.reduce((all, own) => all + own[kind], 0);
    target.append(el("p", { class: "quiet" }, `In all: compile ${sum("compile").toFixed(0)} s, train ${sum("train").toFixed(0)} s, other ${sum("other").toFixed(0)} s of worker time; ` +
      `${sum("wall").toFixed(0)} s by the clock.`));
  }

  function reproduceSection() {
    const configuration = Object.entries(data.configuration).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
    const facts = [["archevolve", data.version], ["seed", String(data.seed)], ["trained on", data.devices.join(", ") || "-"], ...configuration.filter(([name]) => name !== "seed")];
    body("reproduce").append(el("pre", { tabindex: "0" }, data.command), el("dl", {}, facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", { class: "code" }, text)])));
  }

  summary();
  for (const section of [championSection, anytimeSection, genealogySection, profileSection, operatorSection, configurationSection,
    paretoSection, failureSection, timeSection, reproduceSection]) section();
  let drawn = document.querySelector("main").clientWidth;
  new ResizeObserver(([main]) => {
    const width = Math.round(main.contentRect.width);
    if (width !== drawn) { drawn = width; requestAnimationFrame(() => charts.forEach((again) => again())); }
  }).observe(document.querySelector("main"));
})();
