/* Follows a search that a server reads: polls its status, and draws the report again where it changed. */

const POLL = 2000, LONGEST_POLL = 30000;

// What the reader has in front of them stays there: scroll positions, the focus, and the section at the top.

function keepingPlace(action) {
  const kept = (root) => new Map([...root.querySelectorAll("[data-keep]")].map((own) => [own.dataset.keep, own]));
  const main = document.querySelector("main"), active = document.activeElement;
  const scrolled = [...kept(main)].filter(([, own]) => own.scrollLeft || own.scrollTop).map(([name, own]) => [name, own.scrollLeft, own.scrollTop]);
  const named = active.dataset.keep, node = active.dataset.id;
  const section = [...main.querySelectorAll("section")].find((own) => own.getBoundingClientRect().bottom > 0);
  const top = section ? section.getBoundingClientRect().top : 0;
  action();
  const now = kept(main);
  for (const [name, left, above] of scrolled) if (now.has(name)) [now.get(name).scrollLeft, now.get(name).scrollTop] = [left, above];
  const focused = node !== undefined ? main.querySelector(`.node[data-id="${node}"]`) : named !== undefined ? now.get(named) : null;
  if (focused) focused.focus({ preventScroll: true });
  if (section) window.scrollBy(0, section.getBoundingClientRect().top - top);
}

function follow(draw, first, reader) {
  const token = new URLSearchParams(location.search).get("token");
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  const said = el("span", { role: "status" }), paused = el("input", { type: "checkbox" });
  document.querySelector("header").append(el("p", { class: "live" }, said, " ", el("label", {}, paused, " pause")));
  const say = (text) => { if (said.textContent !== text) said.textContent = text; };
  let drawn = first, wait = POLL;
  const ask = async (path) => {
    const response = await fetch(path, { headers, cache: "no-store" });
    if (!response.ok) throw new Error(response.status === 429 ? "too many requests" : `the server answers ${response.status}`);
    return response.json();
  };
  // A selection or a drag is not taken from under the reader's hand.
  const busy = () => paused.checked || reader.busy() || document.getSelection().type === "Range";
  async function step() {
    try {
      const status = await ask("api/status");
      if (status.revision !== drawn && !busy()) {
        const data = await ask("api/report");
        keepingPlace(() => draw(data));
        drawn = status.revision;
      }
      say(status.writer ? `Live: ${status.generations} of ${status.target} generations are finished.` : `Live: no process is writing this search (${status.status}).`);
      wait = POLL;
    } catch (error) {
      say(`Not live: ${error.message}; trying again.`);
      wait = Math.min(LONGEST_POLL, wait * 2);
    }
    setTimeout(step, wait);
  }
  setTimeout(step, wait);
}
