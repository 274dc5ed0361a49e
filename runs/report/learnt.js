// What a search learnt from its edits and orders, and what language models did in it. A section without rows is not shown.

function showSection(name, shown) {
  document.getElementById(name).hidden = !shown;
  document.querySelector(`nav a[href="#${name}"]`).hidden = !shown;
}

function learntSection(target, learnt) {
  // What is not clear is shown, for a reader to weigh, and not stressed.
  const kind = (own) => (own.low > 0 || own.high < 0 ? null : "quiet");
  const range = (own) => `${signed(own.low)} to ${signed(own.high)}`;
  showSection("learnt", learnt.findings.length + learnt.pairs.length + learnt.configurations.length > 0);
  if (learnt.findings.length) {
    const sentence = ({ text, place, interval }) => {
      const size = score(Math.abs(interval.mean));
      const verb = interval.low > 0 ? `gained ${size}` : interval.high < 0 ? `lost ${size}` : `made no clear difference: ${signed(interval.mean)}`;
      return `${text.charAt(0).toUpperCase()}${text.slice(1)}${place ? ` ${place}` : ""} ${verb} (95\u00a0% interval ${range(interval)}, ${interval.cases} cases).`;
    };
    target.append(el("h3", {}, "Edits"), el("p", { class: "quiet" }, "By their gain over the recipe that they were applied to, where both were fully trained."),
      el("ul", {}, learnt.findings.map((own) => el("li", { class: kind(own.interval) }, sentence(own)))));
  }
  for (const [title, what, rows] of [
    ["Neighbours", "“>” is directly before, “|” beside in parallel branches.", learnt.pairs],
    ["Ordered configurations", "Components that follow one another, from the input to the output.", learnt.configurations],
  ]) {
    if (!rows.length) continue;
    target.append(el("h3", {}, title), el("p", { class: "quiet" }, what), table(
      [[title.toLowerCase()], ["lift", true], ["95\u00a0% interval", true], ["cases", true], ["recipes", true]],
      rows.map(({ text, lift }) => [[el("code", {}, text), signed(lift.interval.mean), range(lift.interval), String(lift.interval.cases), String(lift.recipes)], kind(lift.interval)]),
      `Lifts of ${title.toLowerCase()}`));
  }
}

function modelSection(target, models) {
  showSection("models", models !== null);
  if (models === null) return;
  const dollars = (value) => (value === null ? "-" : value.toFixed(4));
  const share = (part, all) => (all ? ` (${Math.round((100 * part) / all)} %)` : "");
  target.append(
    el("h3", {}, "Proposals"), table(
      [["model"], ["proposals", true], ["accepted", true], ["trained", true], ["improved", true], ["gain", true], ["calls", true], ["dollars", true]],
      models.proposals.map((own) => [[own.name, String(own.proposals), `${own.accepted}${share(own.accepted, own.proposals)}`, String(own.trained),
        String(own.improved), score(own.gain), String(own.calls), dollars(own.dollars)]]), "Proposals by model"),
    el("p", {}, !models.predictions ? "No effect was predicted." :
      `Of ${models.predictions} predicted effects ${models.judged} could be judged, where an attempt and its parent were fully trained` +
      `${models.judged ? `; ${models.held} of them held` : ""}.`),
    el("h3", {}, "Calls"), table(
      [["model"], ["role"], ["calls", true], ["replayed", true], ["answered", true], ["refused", true], ["failed", true],
        ["tokens in", true], ["of these cached", true], ["tokens out", true], ["dollars", true]],
      models.calls.map((own) => [[own.name, own.role, String(own.calls), String(own.replayed), String(own.answered), String(own.refused), String(own.failed),
        whole(own.input), whole(own.cached), whole(own.output), dollars(own.dollars) + (own.unknown && own.dollars !== null ? " and unknown" : "")]]),
      "Calls by model and role"));
}

// What a model foresaw of an attempt, beside what was measured.
function expectedTable(expected) {
  return table([["skill"], ["expected"], ["measured"], ["difference", true]],
    expected.map((own) => [[own.skill, own.effect, own.measured === null ? "not judged" : own.measured + (own.measured === own.effect ? ", held" : ""),
      own.difference === null ? "-" : signed(own.difference)]]), "Expected effects of the chosen attempt");
}
