// Sends the rows of a model's page and shows the answer; without it the page has the same as a command.
"use strict";
const form = document.getElementById("rows"), out = document.getElementById("answer");
form.hidden = false;
form.addEventListener("submit", async event => {
  event.preventDefault();
  out.textContent = "…";
  try {
    const headers = {"Content-Type": "application/json", "Accept": "application/json"};
    const response = await fetch(form.action, {method: "POST", headers, body: form.elements.rows.value});
    const text = await response.text();
    out.textContent = `${response.status}\n${text.startsWith("{") ? JSON.stringify(JSON.parse(text), null, 2) : text}`;
  } catch (error) {
    out.textContent = `No answer: ${error.message}`;
  }
});
