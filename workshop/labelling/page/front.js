// The screen for the front of a room: how to join, who has answered how much, and the agent as it learns.

import { describe, post, read } from "./connection.js";
import { Player, load, still } from "./player.js";

const POLL = 1000; // milliseconds between two looks at the state

const element = (id) => document.getElementById(id);
const agent = new Player([element("agent")]);
let story = 0;

async function poll() {
  let finished = false;
  try {
    const state = await read("/front/state");
    showTrouble("");
    finished = state.finished;
    await render(state);
    if (finished) await post("/farewell", {});
  } catch (error) {
    showTrouble(describe(error));
  }
  if (!finished) setTimeout(poll, POLL);
}

async function render(state) {
  element("heading").textContent = state.finished ? "Finished. Thank you!" : "Teach the agent together";
  element("given").textContent = `${state.given} of ${state.wanted}`;
  element("count").textContent = state.people.length;
  element("true-return").hidden = state.true_return === null;
  element("true-return").lastElementChild.textContent = state.true_return?.toFixed(0) ?? "";
  element("goal").hidden = !state.goal;
  element("goal").lastElementChild.textContent = state.goal;
  element("doing").textContent = state.finished ? "has finished" : state.doing;
  element("share").hidden = state.share === null || state.finished;
  element("share").value = state.share ?? 0;
  element("address").textContent = state.address;
  element("invitation").hidden = state.finished;
  showPeople(state.people);
  showTold(state.told);
  await showStory(state);
}

// Those who have answered most come first.
function showPeople(people) {
  const most = Math.max(1, ...people.map(({ given }) => given));
  element("people").classList.toggle("many", people.length > 12); // so that thirty fit below the code
  const sorted = [...people].sort((one, other) => other.given - one.given);
  element("people").replaceChildren(...sorted.map(({ name, given, here }) => {
    const [row, who, count, bar] = ["li", "span", "b", "meter"].map((tag) => document.createElement(tag));
    who.textContent = name;
    who.title = name;
    count.textContent = given;
    bar.max = most;
    bar.value = given;
    bar.ariaHidden = "true";
    row.classList.toggle("away", !here);
    row.append(who, count, bar);
    return row;
  }));
}

function showTold(told) {
  element("told").hidden = told.length === 0;
  element("told").replaceChildren(...told.map((text, index) => {
    const sentence = document.createElement("p");
    sentence.textContent = text;
    sentence.className = index === 0 ? "verdict" : "";
    return sentence;
  }));
}

async function showStory(state) {
  if (state.story === story) return;
  story = state.story;
  element("plot-figure").hidden = !state.plot;
  element("nothing-yet").hidden = state.plot || state.agent !== null;
  if (state.plot) element("plot").src = `/plot.png?story=${story}`;
  element("agent-figure").hidden = !state.agent;
  if (!state.agent) return;
  const clip = await load(`/agent.png?story=${story}`, { ...state.agent, speed: 1 }).catch(() => null);
  if (clip) agent.show([clip]);
}

function showTrouble(text) {
  element("trouble").textContent = text;
  element("trouble").hidden = text === "";
}

history.replaceState(null, "", "/front"); // the cookie has the token now
still.addEventListener("change", () => { if (still.matches) agent.pause(); });
poll();
