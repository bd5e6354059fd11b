// The page to join a room on: a name, for which the server gives a token of one's own, in a cookie.

import { describe, post } from "./connection.js";

const element = (id) => document.getElementById(id);

async function join(event) {
  event.preventDefault();
  const button = element("join-form").querySelector("button");
  button.disabled = true; // one request, one name
  try {
    await post("/join", { name: element("name").value });
    location.replace("/");
  } catch (error) {
    element("trouble").textContent = describe(error);
    element("trouble").hidden = false;
    button.disabled = false;
    element("name").focus();
  }
}

history.replaceState(null, "", "/"); // the cookie has the room's token now
element("join-form").addEventListener("submit", join);
