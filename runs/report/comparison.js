/* Draws a comparison of searches, over the axis that the reader chooses. */
(function () {
  const all = JSON.parse(document.getElementById("data").textContent);
  const units = { trained: "fully trained attempts", evaluations: "trained attempts", tokens: "training tokens" };
  // A line is told by its dashes too, and by its number at the end.
  const dashes = ["none", "8 4", "2 4", "10 3 2 3", "1 3", "14 5"];
  let found = all[0];
  const body = (section) => document.querySelector(`#${section} .body`);
  const holder = el("div", {});
  const style = (i) => `group-${i % 6}`;

  function estimate(own, form, missing = "-") {
    const text = (value) => (value === null ? missing : form(value));
    return own.low === null && own.high === null && !own.many ? text(own.value) : `${text(own.value)} (${text(own.low)} to ${text(own.high)})`;
  }
  // A best score stays until the next one.
  const steps = (curve, place, value) => curve.flatMap(({ at, best }, i) =>
    [...(i ? [`${place.x(at)},${place.y(value(curve[i - 1].best))}`] : []), `${place.x(at)},${place.y(value(best))}`]);
  function curves(width) {
    const points = found.groups.flatMap((group) => group.curve);
    const values = points.flatMap(({ best }) => [best.value, best.low, best.high]).filter((value) => value !== null);
    const { root, place, right } = frame(width, 340, [found.start, found.horizon], span(values, 0.06), `Best score over ${units[found.over]}`, units[found.over], "score");
    found.groups.forEach((group, i) => {
      const line = (value) => steps(group.curve, place, value);
      if (group.runs.length > 1) root.append(svg("polygon", { class: `spread ${style(i)}`, points: [...line((best) => best.high), ...line((best) => best.low).reverse()].join(" ") }));
    });
    found.groups.forEach((group, i) => {
      const last = group.curve[group.curve.length - 1];
      root.append(titled(svg("polyline", { class: `curve ${style(i)}`, "stroke-dasharray": dashes[i % 6],
        points: steps(group.curve, place, (best) => best.value).join(" ") }), group.name),
      svg("text", { class: "strong", x: right - 2 - 14 * i, y: place.y(last.best.value) - 6, "text-anchor": "end" }, String(i + 1)));
    });
    return root;
  }
  function legend() {
    return el("ol", { class: "legend" }, found.groups.map((group, i) => el("li", {}, svg("svg", { width: 34, height: 14, "aria-hidden": "true" },
      svg("line", { class: `curve ${style(i)}`, "stroke-dasharray": dashes[i % 6], x1: 1, x2: 33, y1: 7, y2: 7 })), `${i + 1}: ${group.name}`)));
  }
  function draw() {
    const runs = found.groups.flatMap((group) => group.runs.map((run) => [group, run]));
    document.getElementById("summary").textContent = `${runs.length} searches in ${found.groups.length} groups; the noise floor of a score is at most ${score(found.noise)}.`;
    for (const section of ["groups", "duels", "runs"]) body(section).replaceChildren();
    const goal = found.reach === null ? "the best published recipe's score" : `a score of ${found.reach}`;
    const count = (value) => whole(Math.round(value));
    body("groups").append(el("p", {}, `Over ${units[found.over]} from ${whole(found.start)} to ${whole(found.horizon)}. To reach ${goal} counts recipes that are not published ones; the median is over seeds.`),
      table([["group"], ["seeds"], ["best score", true], ["mean best score on the way", true], ["reached", true], [`${units[found.over]} to reach it`, true]],
        found.groups.map((group) => [[group.name, group.runs.map((run) => run.seed).join(", "), estimate(group.best, score), estimate(group.area, score),
          `${group.runs.filter((run) => run.reached !== null).length} of ${group.runs.length}`, estimate({ ...group.cost, many: group.runs.length > 1 }, count, "not reached")]]), "Groups of searches"));
    if (found.duels.length) {
      body("duels").append(table([["group"], ["against"], ["seeds"], ["part won", true], ["won", true], ["tied", true], ["lost", true]],
        found.duels.map((duel) => [[duel.one, duel.other, duel.seeds.join(", ") || "none in common", estimate(duel.rate, (value) => value.toFixed(2)),
          String(duel.wins), String(duel.ties), String(duel.losses)]]), "Wins of groups"));
    } else body("duels").append("There is one group.");
    body("runs").append(table([["search"], ["group"], ["seed", true], ["best score", true], ["mean best score on the way", true], ["reached at", true]],
      runs.map(([group, run]) => [[el("code", {}, run.directory), group.name, String(run.seed), score(run.best), score(run.area), run.reached === null ? "not reached" : whole(run.reached)]]), "Searches"));
  }

  const again = () => { draw(); charts.forEach((chart) => chart()); };
  body("curves").append(el("div", { class: "controls" }, choice("Over", all.map((own) => [own.over, units[own.over]]), found.over,
    (value) => { found = all.find((own) => own.over === value); again(); })), legend(), holder);
  chart(holder, curves);
  draw();
  watchWidth();
})();
