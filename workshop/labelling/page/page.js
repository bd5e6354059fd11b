// The labelling page: shows the server's state, and sends what the person answers. See workshop/labelling/application.py
// for the requests, and LabellingSession.state in session.py for what the state holds.

import { Refused, describe, read, send } from "./connection.js";
import { Player, load, speedInWords, still } from "./player.js";

const POLL = { asking: 700, waiting: 100 }; // milliseconds between two looks at the state
const POLL_IN_A_ROOM = { asking: 1500, waiting: 500 }; // there are many who look
const GUARD = 150; // milliseconds in which a new question takes no answer: that key was meant for the one before
const LONGEST = 7 * 24 * 3600; // seconds that an answer may tell to have taken

const element = (id) => document.getElementById(id);
const answers = [
  { preference: 0, button: element("prefer-left"), keys: ["ArrowLeft"], words: "Left is better" },
  { preference: 1, button: element("prefer-right"), keys: ["ArrowRight"], words: "Right is better" },
  { preference: 0.5, button: element("equal"), keys: ["ArrowUp", "="], words: "Equally good" },
  { preference: null, button: element("skip"), keys: ["s", "S"], words: "Skipped" },
];
const pair = new Player([element("clip-left"), element("clip-right")], {
  onChange: showControls,
  timeline: element("time").firstElementChild,
});
const agent = new Player([element("agent")], {
  onChange: () => { element("agent-play").textContent = agent.playing ? "Pause" : "Play"; },
});

let state = null;
let shown = null; // the number of the question on screen that takes answers; null if there is none
let shownAt = 0;
let hiddenAt = 0;
let busy = false; // an answer is on its way
let posts = 0;
let story = 0;
let news = ""; // what became of the last answer, for those who cannot see it
let prepared = new Map(); // clips by question number, as promises

function actions() {
  return [
    ...answers.map(({ button, keys, preference, words }) => ({ button, keys, act: () => answer(preference, button, words) })),
    { button: element("replay"), keys: ["r", "R"], act: () => pair.replay() },
    { button: element("pause"), keys: ["p", "P"], act: () => pair.toggle() },
    { button: element("slower"), keys: [","], act: () => pair.change(1 / 2) },
    { button: element("faster"), keys: ["."], act: () => pair.change(2) },
    { button: element("undo"), keys: ["u", "U"], act: undo },
    { button: element("help"), keys: ["?"], act: () => element("helping").showModal() },
  ];
}

// Answers.

function answer(preference, button, words) {
  if (busy || shown === null || performance.now() - shownAt < GUARD) return;
  const seconds = Math.min(LONGEST, Math.round(performance.now() - shownAt) / 1000);
  button.classList.add("picked");
  post("/answer", { number: shown, preference, seconds }, `${words}: saved.`);
}

function undo() {
  if (busy || !state || state.undo === null) return;
  post("/undo", { number: state.undo }, "Undone.");
}

async function post(path, body, words) {
  busy = true;
  posts += 1;
  take(null);
  let next = null;
  try {
    next = await send(path, body, showTrouble);
    news = words;
    showTrouble("");
  } catch (refused) {
    // Another tab was faster: the state tells what is asked now. Anything else is said.
    const outdated = refused instanceof Refused && [404, 409].includes(refused.status);
    const instead = inARoom() ? "Somebody else was given that pair meanwhile." : "That had been done already, in another tab perhaps.";
    news = outdated ? instead : "";
    showTrouble(outdated ? "" : describe(refused));
  }
  busy = false;
  if (next) render(next);
  else look();
}

// What the state says.

async function poll() {
  if (!busy) await look();
  const pause = inARoom() ? POLL_IN_A_ROOM : POLL;
  if (!state?.finished) setTimeout(poll, state?.question ? pause.asking : pause.waiting);
}

async function look() {
  const before = posts;
  try {
    const next = await read("/state");
    if (posts !== before) return; // an answer has gone out since: its own reply is newer
    showTrouble("");
    await render(next);
  } catch (error) {
    if (!busy) showTrouble(describe(error));
  }
}

async function render(next) {
  state = next;
  showCounts();
  showAgent();
  showStory();
  if (state.finished) return void (await showEnd());
  if (!state.goal && state.needs_goal) return showNaming();
  if (state.question === null) return showWaiting();
  const { question } = state;
  prepared = new Map([state.question, state.next].filter(Boolean).map((one) => [one.number, prepare(one)]));
  if (question.number === shown) return;
  try {
    const clips = await prepared.get(question.number);
    if (state.question?.number === question.number && shown !== question.number && !busy) showQuestion(question, clips);
  } catch {
    prepared.delete(question.number); // the next look tries again
  }
}

function prepare({ number, a, b }) {
  const clips = prepared.get(number) ?? (isText(a) ? Promise.resolve([a, b]) : null)
    ?? Promise.all([load(`/clips/${number}/a.png`, a), load(`/clips/${number}/b.png`, b)]);
  clips.catch(() => prepared.delete(number));
  return clips;
}

const isText = (side) => side.answer !== undefined;

// From now on this question takes answers; null: none does.
function take(number) {
  shown = number;
  shownAt = performance.now();
  element("asking").dataset.question = number ?? "";
}

function showQuestion({ number }, clips) {
  for (const { button } of answers) button.classList.remove("picked");
  show("asking", state.asking);
  document.title = `${toGo()} left – ${state.asking}`;
  showSides(clips);
  take(number);
  say(inARoom() ? `Your question ${state.own + 1}.` : `Question ${given() + 1} of ${wanted()}.`);
}

// Two clips, or two answers below the question that they answer.
function showSides(sides) {
  const texts = sides.every(isText);
  document.querySelector("main").classList.toggle("texts", texts);
  for (const canvas of pair.canvases) canvas.hidden = texts;
  element("time").hidden = texts;
  element("text-question").hidden = !texts;
  element("text-question").textContent = texts ? sides[0].question : "";
  for (const [index, id] of ["text-left", "text-right"].entries()) {
    element(id).hidden = !texts;
    element(id).textContent = texts ? sides[index].answer : "";
    // what a screen reader says of the button, beside which side it is
    answers[index].button.ariaLabel = texts ? `${answers[index].words}: ${sides[index].answer}` : answers[index].words;
  }
  if (!texts) pair.show(sides);
}

// The last pair stays, dimmed, until the next one is there; before the first there is a box in its place.
function showWaiting() {
  take(null);
  const words = inARoom() && state.doing === "waiting for your answers" ? "Waiting for the others" : "Waiting for the agent";
  if (pair.clips.length === 0 && element("asking").hidden) show("waiting", words);
  element("heading").textContent = words;
  element("asking").classList.add("dimmed");
  pair.pause();
  document.title = words;
  say(toGo() === 0 ? "That was the last answer: the agent learns from it, and trains to the end." : "The next pair comes by itself.");
}

// Where nobody has said what to judge by.
function showNaming() {
  take(null);
  if (element("naming").hidden) show("naming", "What shall the agent learn?");
  document.title = "What shall the agent learn?";
}

function nameGoal(event) {
  event.preventDefault();
  const goal = element("goal-text").value.trim();
  if (goal && !busy) post("/goal", { goal }, "");
}

async function showEnd() {
  take(null);
  news = "";
  show("ended", "Finished. Thank you!");
  element("told").replaceChildren(...state.told.map((text, index) => {
    const sentence = document.createElement("p");
    sentence.textContent = text;
    sentence.className = index === 0 ? "verdict" : "";
    return sentence;
  }));
  pair.pause();
  document.title = "Finished";
  element("controls").hidden = true;
  element("report").replaceChildren(reportOf(state.report));
  say("");
  await Promise.allSettled([element("plot").decode(), ...agent.clips.map((clip) => clip.image.decode())]);
  await send("/farewell", {}, () => {}).catch(() => {});
}

// The report: a text, or values by what they tell.
function reportOf(report) {
  const whole = document.createElement(typeof report === "string" ? "p" : "dl");
  if (typeof report === "string") whole.textContent = report;
  for (const [name, value] of typeof report === "string" ? [] : Object.entries(report)) {
    const [row, term, description] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    description.textContent = value;
    row.append(term, description);
    whole.append(row);
  }
  return whole;
}

function show(section, heading) {
  const focusLost = document.activeElement?.closest("section:not([hidden])")?.id;
  document.querySelector("main").classList.toggle("asking", section === "asking");
  for (const id of ["asking", "waiting", "naming", "ended"]) element(id).hidden = id !== section;
  element("asking").classList.remove("dimmed");
  element("heading").textContent = heading;
  if (focusLost && focusLost !== section) element("heading").focus({ preventScroll: true });
}

function showCounts() {
  element("given").textContent = `${given()} of ${wanted()}`;
  element("twice").textContent = state.wanted_again ? `(${state.wanted}, and ${state.wanted_again} shown twice)` : "";
  element("left").textContent = toGo();
  element("pace").textContent = state.seconds_per_answer === null ? "–" : `${state.seconds_per_answer.toFixed(1)} s`;
  element("time-left").textContent = inMinutes(state.seconds_left);
  element("true-return").hidden = state.true_return === null;
  element("true-return").lastElementChild.textContent = state.true_return?.toFixed(0) ?? "";
  element("own").hidden = !inARoom();
  element("own").firstElementChild.textContent = state.person ?? "";
  element("own").lastElementChild.textContent = state.own ?? "";
  element("goal").hidden = !state.goal;
  element("goal").lastElementChild.textContent = state.goal;
  element("undo").setAttribute("aria-disabled", state.undo === null);
}

function showAgent() {
  const { doing, share } = state;
  const words = state.finished ? "has finished" : doing + (share === null ? "" : `, ${Math.floor(share * 100)} %`);
  element("doing").textContent = words;
  element("doing-now").textContent = `The agent: ${words}`;
  for (const bar of [element("share"), element("share-now")]) {
    bar.hidden = share === null || state.finished;
    bar.value = share ?? 0;
  }
}

async function showStory() {
  if (state.story === story) return;
  story = state.story;
  element("story").hidden = !state.plot && !state.agent;
  element("plot-figure").hidden = !state.plot;
  if (state.plot) element("plot").src = `/plot.png?story=${story}`;
  element("agent-figure").hidden = !state.agent;
  if (!state.agent) return;
  const clip = await load(`/agent.png?story=${story}`, { ...state.agent, speed: 1 }).catch(() => null);
  if (clip) agent.show([clip]);
}

function showControls() {
  element("speed").textContent = speedInWords(pair.speed);
  element("pause").lastElementChild.textContent = pair.playing ? "Pause" : "Play";
  element("pause").ariaLabel = pair.playing ? "Pause" : "Play";
}

function showTrouble(text) {
  if (element("trouble").textContent !== text) element("trouble").textContent = text;
  element("trouble").hidden = text === "";
}

// For screen readers and for those who look: what became of the last answer, and what is next.
function say(text) {
  const whole = `${news} ${text}`.trim();
  if (element("status").textContent !== whole) element("status").textContent = whole;
}

const inARoom = () => state?.person !== undefined;
const given = () => state.given + state.given_again;
const wanted = () => state.wanted + state.wanted_again;
const toGo = () => Math.max(0, wanted() - given());

function inMinutes(seconds) {
  if (seconds === null) return "–";
  if (seconds < 60) return seconds === 0 ? "none" : "< 1 min";
  return seconds < 5400 ? `≈ ${Math.round(seconds / 60)} min` : `≈ ${(seconds / 3600).toFixed(1)} h`;
}

// Keys and buttons.

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || element("helping").open) return;
  if (event.target instanceof HTMLInputElement) return; // it is being typed into
  const held = event.repeat; // a key that is held down answers once
  if (held && ["Enter", " "].includes(event.key)) return event.preventDefault();
  const action = actions().find(({ keys }) => keys.includes(event.key));
  if (!action) return;
  event.preventDefault();
  if (!held) action.act();
}

function onVisibility() {
  if (document.hidden) hiddenAt = performance.now();
  else shownAt += performance.now() - Math.max(hiddenAt, shownAt); // nobody looked meanwhile
}

function begin() {
  history.replaceState(null, "", "/"); // the cookie has the token now; the address bar may be on a projector
  for (const { button, act } of actions()) button.addEventListener("click", act);
  element("goal-form").addEventListener("submit", nameGoal);
  element("agent-play").addEventListener("click", () => agent.toggle());
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", onVisibility);
  still.addEventListener("change", () => { if (still.matches) [pair, agent].forEach((player) => player.pause()); });
  poll();
}

begin();
