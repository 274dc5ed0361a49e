/* Draws the report of a search. `reader` is what the reader chose, kept from one drawing to the next. */
function report(data, reader) {
  const byId = new Map(data.nodes.map((node) => [node.id, node]));
  const sources = new Map(data.components.map((component) => [component.name, component]));
  const onLine = new Set(data.lineage);
  const evaluated = data.nodes.filter((node) => node.status === "evaluated");
  const published = evaluated.filter((node) => node.operator === "seed").sort((a, b) => b.score - a.score);
  const champion = byId.get(data.champion);
  const inPart = data.nodes.length < data.attempts, MOST_TIES = 20;

  charts.length = 0;
  for (const own of document.querySelectorAll("main .body")) own.replaceChildren();
  const body = (section) => document.querySelector(`#${section} .body`);
  const link = (id) => (byId.has(id) ? el("a", { href: `#attempt-${id}` }, `#${id}`) : `#${id}`);
  const links = (ids) => ids.flatMap((id, i) => (i ? [", ", link(id)] : [link(id)]));
  const spoken = (node) =>
    `attempt ${node.id}, generation ${node.generation}, ${node.operator}, ${node.status}` +
    (node.score === null ? "" : `, score ${score(node.score)}`);

  // Sections, in the order of the page.

  function summary() {
    const counts = Object.entries(data.counts).map(([status, count]) => `${count} ${status}`).join(", ");
    const noise = data.noise === null ? "the noise floor is not known" : `the noise floor of a score is ${score(data.noise)}`;
    document.getElementById("summary").textContent =
      `${data.status}, ${data.generations} of ${data.target} generations; ${data.attempts} attempts${counts ? `: ${counts}` : ""}; ` +
      `tasks ${data.tasks.join(", ")}; ${noise}.` + (!inPart ? "" :
      ` Shown in full are ${whole(data.nodes.length)} attempts: the champion's ancestry, the best fully trained ones and an even sample of the others, and the latest; the rest is counted.`);
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
    const holder = el("div", {});
    const at = (node) => (reader.over === "attempts" ? node.id : node.tokens);
    const best = [];
    for (const node of evaluated) if (!best.length || node.score > best[best.length - 1].score) best.push(node);
    const noise = data.noise || 0;
    target.append(el("div", { class: "controls" }, choice("Over", [["attempts", "attempts"], ["tokens", "training tokens"]],
      reader.over, (value) => { reader.over = value; again(); })), holder);
    const again = chart(holder, (width) => {
      const last = at(data.nodes[data.nodes.length - 1]);
      const shown = [...best, ...published].map((node) => node.score);
      const [low, high] = span([...shown, best[best.length - 1].score + noise, best[0].score - noise], 0.06);
      const { root, place, left, right } = frame(width, 300, [0, last], [low, high],
        `Best score so far, from ${score(best[0].score)} to ${score(best[best.length - 1].score)}`, reader.over === "attempts" ? "attempt" : "training tokens", "score", 1);
      const steps = (shift) => best.flatMap((node, i) => {
        const y = place.y(node.score + shift), end = i + 1 < best.length ? at(best[i + 1]) : last;
        return [`${place.x(at(node))},${y}`, `${place.x(end)},${y}`];
      });
      if (noise) root.append(svg("polygon", { class: "band", points: [...steps(noise), ...steps(-noise).reverse()].join(" ") }));
      root.append(svg("polyline", { class: "curve", points: steps(0).join(" ") }));
      published.forEach((node, i) => root.append(titled(svg("line", { class: i ? "published other" : "published", x1: left, x2: right,
        y1: place.y(node.score), y2: place.y(node.score) }), `${node.label} ${score(node.score)}`)));
      for (const node of evaluated) {
        if (node.score < low) continue;
        root.append(titled(svg("circle", { class: "dot", cx: place.x(at(node)), cy: place.y(node.score), r: 3 }), spoken(node)));
      }
      if (published.length) root.append(svg("text", { x: right, y: place.y(published[0].score) + 14, "text-anchor": "end" }, `best published: ${published[0].label}`));
      return root;
    });
    const trained = evaluated.length < data.counts.evaluated ? `, ${whole(evaluated.length)} of ${whole(data.counts.evaluated)}` : "";
    const hidden = evaluated.filter((node) => node.score < span([...best, ...published].map((n) => n.score), 0.06)[0] - noise).length;
    target.append(el("p", { class: "quiet" }, `Points are fully trained attempts${trained}${hidden ? `; ${hidden} below the axis are left out` : ""}. ` +
      `Published recipes: ${published.map((node) => `${node.label} ${score(node.score)}`).join(", ") || "none"}.`));
  }

  // A task's score is 0 for guessing and 1 for the reference.
  function measured(node) {
    return data.tasks.map((task, i) => {
      const [loss, accuracy] = node.measures[i] || [null, null], [chance, gap] = data.references[task] || [null, null];
      return [task, score(loss), loss === null || gap === null ? "-" : score((chance - loss) / gap), accuracy === null ? "-" : accuracy.toFixed(3)];
    });
  }

  function attemptDetail(node, children) {
    const facts = [
      ["status", node.status + (node.reason ? `: ${node.reason}` : "")],
      ["score", node.score === null ? "-" : `${score(node.score)}${node.gain === null ? "" : ` (${signed(node.gain)} over its best parent)`}`],
      ["parents", node.parents.length ? links(node.parents) : "none"],
      [inPart ? "children shown" : "children", children.length ? links(children) : "none"],
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
      found.push(el("h3", {}, "Skills"), table([["task"], ["loss, nats", true], ["score", true], ["accuracy", true]],
        measured(node).map((own) => [own]), "Skills of the chosen attempt"));
    }
    if (node.expected.length) found.push(el("h3", {}, "Expected effects"), expectedTable(node.expected));
    if (node.recipe.length) found.push(el("h3", {}, "Recipe"), recipeList(node));
    if (names.length) {
      found.push(el("h3", {}, "Components"), ...names.map((name) => {
        const component = sources.get(name);
        const from = component.arxiv ? `, arXiv ${component.arxiv}` : component.origin === "library" ? "" : `, ${component.origin}`;
        return el("details", { open: reader.sources.has(name) ? "" : null, ontoggle: ({ target }) => {
            reader.sources[target.open ? "add" : "delete"](name);
            reader.moved = reader.moved || target.open;
          } },
          el("summary", {}, el("code", {}, name), ` ${component.kind}${from}`), el("pre", { tabindex: "0" }, component.source));
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
    const cells = (node) => measured(node).flatMap((own) => own.slice(1));
    const rest = shown.filter((node) => node.id !== champion.id);
    target.append(table([["recipe"], ...data.tasks.flatMap((task) => [[`${task}, nats`, true], ["score", true], ["accuracy", true]])],
      [[[`champion #${champion.id}`, ...cells(champion)], "champion"], ...rest.map((node) => [[node.label, ...cells(node)]])], "Losses and accuracies by task"));
  }

  function operatorSection() {
    const target = body("operators");
    if (!data.operators.length) return target.append("No operator has been credited yet.");
    const most = Math.max(...data.operators.map((own) => own.gain)) || 1;
    target.append(table([["operator"], ["attempts", true], ["improved", true], ["gain", true], ["", false, "bars"], ["training FLOPs", true], ["FLOPs per improvement", true]],
      data.operators.map((own) => [[own.operator, String(own.attempts), String(own.improved), score(own.gain), bar(own.gain / most), short(own.cost_flops),
        own.improved ? short(own.cost_flops / own.improved) : "-"]]),
      "Credit by operator"));
  }

  function configurationSection() {
    const target = body("configurations");
    if (!data.configurations.length) return target.append("Too few recipes are fully trained to tell.");
    const one = data.configurations[0];
    if (data.sampled < data.counts.evaluated) {
      target.append(el("p", {}, `Of ${whole(data.counts.evaluated)} fully trained recipes ${whole(data.sampled)}, every so many in the order of their scores.`));
    }
    target.append(table([["aspect"], ["what"], [`best ${one.best_of}`, true], [`other ${one.rest_of}`, true], ["share", false, "bars"]],
      data.configurations.map((row) => [[row.aspect, el("code", {}, row.text), `${row.best} of ${row.best_of}`, `${row.rest} of ${row.rest_of}`,
        [bar(row.best / row.best_of), bar(row.rest / Math.max(1, row.rest_of), "rest")]]]), "What the best recipes share"));
  }

  function paretoSection() {
    const target = body("pareto");
    if (!evaluated.length) return target.append("No attempt is fully trained yet.");
    const axes = [["parameters", "parameters"], ["flops_per_token", "FLOPs per token"], ["state_bytes", "decoding state, bytes"]];
    const holder = el("div", {}), list = el("p", {});
    target.append(el("p", {}, `Fully trained attempts${evaluated.length < data.counts.evaluated ? " shown in full" : ""}. Nothing is both cheaper and better than those on the marked front.`),
      el("div", { class: "controls" }, choice("Cost", axes, reader.cost, (value) => { reader.cost = value; again(); })), holder, list);
    const again = chart(holder, (width) => {
      const by = reader.cost;
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

  function costSection() {
    const target = body("costs");
    if (!data.costs.length) return target.append("Nothing is trained yet.");
    const all = data.costs.reduce((sum, own) => sum + own.tokens, 0);
    target.append(table([["purpose"], ["rung", true], ["trainings", true], ["failed", true], ["tokens", true], ["part of the tokens", false, "bars"]],
      data.costs.map((own) => [[own.purpose, String(own.rung), whole(own.trainings), String(own.failed), whole(own.tokens), bar(own.tokens / (all || 1))]]),
      "Trainings and tokens by purpose"));
  }

  function timeSection() {
    const target = body("times"), rows = data.times.generations;
    target.append(el("p", {}, `Created ${data.times.created_at}${data.times.finished_at ? `; the last generation finished ${data.times.finished_at}` : ""}.`));
    if (data.times.purposes.length) {
      target.append(table([["purpose"], ["rung", true], ["compile, s", true], ["train, s", true], ["in all, s", true]],
        data.times.purposes.map((own) => [[own.purpose, String(own.rung), ...[own.compile, own.train, own.total].map((value) => value.toFixed(1))]]), "Seconds by purpose"));
    }
    if (!rows.length) return;
    const kinds = ["compile", "train", "other"], holder = el("div", {});
    target.append(el("ul", { class: "legend" }, kinds.map((kind) =>
      el("li", {}, svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, svg("rect", { class: kind, width: 14, height: 14 })), kind))), holder);
    chart(holder, (width) => {
      const total = (own) => kinds.reduce((sum, kind) => sum + own[kind], 0);
      const { root, place } = frame(width, 220, [rows[0].generation - 0.6, rows[rows.length - 1].generation + 0.6], [0, Math.max(...rows.map(total)) * 1.05 || 1],
        "Worker seconds by generation", "generation", "seconds", 1);
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
    const facts = [["archevolve", data.version], ["seed", String(data.seed)], ["trained on", data.devices.join(", ") || "-"],
      ["with", Object.entries(data.software).map(([name, number]) => `${name} ${number}`).join(", ") || "versions not noted"], ...configuration.filter(([name]) => name !== "seed")];
    body("reproduce").append(el("pre", { tabindex: "0" }, data.command), el("dl", {}, facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", { class: "code" }, text)])));
  }

  summary();
  for (const section of [championSection, anytimeSection,
    () => genealogy(body("genealogy"), { data, byId, onLine, champion, spoken }, reader, attemptDetail), profileSection, operatorSection,
    () => learntSection(body("learnt"), data.learnt), configurationSection, () => modelSection(body("models"), data.models), paretoSection, failureSection, costSection, timeSection, reproduceSection]) section();
}
