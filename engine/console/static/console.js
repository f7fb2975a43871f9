// Live figures, stale warning, keys. Pages work without this file; it only saves reloading and reaching for the mouse.
const body = document.body;
const pulse = document.getElementById("pulse");
const pulseText = document.getElementById("pulse-text");
const stale = document.getElementById("stale");
const EVERY_MS = 1000;
const STALE_AFTER = 3;
let failures = 0;
let lastGood = pulseText?.textContent ?? "";
let shape = null;
let touched = false; // a field was changed: leaving the page would lose it
let lastInput = 0;
let lastActive = Date.now();
const ACTIVE_EVERY_MS = 60_000;
const SPOKEN = { "all.held": "Held messages", "all.troubled": "Destinations in trouble" };
const spoken = {};

function show(element, [text, tone, points]) {
  if (element.hasAttribute("points")) {
    element.setAttribute("points", points);
    return;
  }
  if (element.textContent !== text) element.textContent = text;
  if (element.hasAttribute("data-tone") && element.dataset.tone !== tone) element.dataset.tone = tone;
}

function offerReload(watched, figure) {
  if (watched.dataset.first === undefined) watched.dataset.first = watched.textContent.trim();
  if (figure[0] !== watched.dataset.first) document.getElementById("changed").hidden = false;
}

// For screen readers: the two figures that call for a person, when they change; never the clock.
function speak(figures) {
  const news = [];
  for (const [key, words] of Object.entries(SPOKEN)) {
    const now = figures[key]?.[0];
    if (now === undefined) continue;
    if (spoken[key] !== undefined && spoken[key] !== now) news.push(`${words}: ${now}`);
    spoken[key] = now;
  }
  if (news.length) document.getElementById("announce").textContent = news.join(". ");
}

function draw(answer) {
  speak(answer.figures);
  for (const watched of document.querySelectorAll("[data-watch]")) {
    const figure = answer.figures[watched.dataset.watch];
    if (figure) offerReload(watched, figure);
  }
  for (const element of document.querySelectorAll("[data-live]")) {
    const figure = answer.figures[element.dataset.live];
    if (figure) show(element, figure);
  }
  if (shape !== null && answer.shape !== shape) document.getElementById("changed").hidden = false;
  shape = answer.shape;
}

function note(answer) {
  failures = 0;
  lastGood = answer.at;
  pulse.dataset.tone = "good";
  pulseText.textContent = `live ${answer.at}`;
  stale.hidden = true;
}

function fail() {
  failures += 1;
  if (failures < STALE_AFTER) return;
  pulse.dataset.tone = "bad";
  pulseText.textContent = "not live";
  document.getElementById("stale-since").textContent = lastGood.replace(/^\D+/, "");
  stale.hidden = false;
}

let isOut = false;

function signedOut() {
  if (!touched) {
    // asked for without a session, the page comes back after signing in; what a search found has no address
    location.assign(location.pathname.endsWith("/find") ? "/sign-in" : location.pathname + location.search);
    return;
  }
  isOut = true;
  pulse.dataset.tone = "bad";
  pulseText.textContent = "signed out";
  document.getElementById("signed-out").hidden = false;
}

// The same person signed in anew on another page: the forms of this one take the new session's token.
function signedIn(answer) {
  if (!answer.csrf || answer.csrf === body.dataset.csrf) return;
  if (answer.who !== body.dataset.who) {
    document.getElementById("changed").hidden = false;
    return;
  }
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = answer.csrf;
  body.dataset.csrf = answer.csrf;
  isOut = false;
  document.getElementById("signed-out").hidden = true;
}

// Typing and clicking are activity; a page that refreshes itself is not.
function keepAlive() {
  const now = Date.now();
  if (lastInput > lastActive && now - lastActive > ACTIVE_EVERY_MS) {
    lastActive = now;
    fetch("/active");
  }
}

async function refresh() {
  keepAlive();
  try {
    const response = await fetch(body.dataset.liveUrl, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(5000) });
    if (response.status === 401) {
      signedOut();
      if (isOut) setTimeout(refresh, EVERY_MS);
      return;
    }
    if (!response.ok) throw new Error(String(response.status));
    const answer = await response.json();
    signedIn(answer);
    draw(answer);
    note(answer);
  } catch {
    fail();
  }
  setTimeout(refresh, document.hidden ? EVERY_MS * 10 : EVERY_MS * Math.min(1 + failures, 10));
}

// ---- a long list is narrowed to the rows that have every word ----
function narrow(field) {
  const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...document.querySelectorAll("[data-row]")];
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
    if (row.hidden) row.classList.remove("current");
    const box = row.querySelector(".tick input");
    if (row.hidden && box) box.checked = false; // what is not seen is not decided over
  }
  const left = rows.filter((row) => !row.hidden).length;
  document.getElementById("narrowed").textContent = wanted.length ? `${left} of ${rows.length}` : "";
  countChosen();
}

// ---- rows that are chosen ----
function countChosen() {
  const shown = document.getElementById("chosen");
  const count = document.querySelectorAll("[data-row] .tick input:checked").length;
  if (shown) shown.textContent = count ? `${count} chosen` : "";
}

function choose() {
  const box = document.querySelector("[data-row].current .tick input");
  if (box) box.checked = !box.checked;
  countChosen();
}

// ---- keys ----
const GO = { c: "/channels", m: "/messages", h: "/held", e: "/cases", o: "/orders", p: "/payments", r: "/revisions", a: "/audit" };
let going = false;

function typing(target) {
  return target.matches("input:not([type=checkbox]), select, textarea");
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]:not([hidden])")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.classList.contains("current"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, now + step))];
  rows[now]?.classList.remove("current");
  next.classList.add("current");
  next.querySelector("th a, a")?.focus();
}

function press(key) {
  if (going) {
    going = false;
    if (GO[key]) location.assign(GO[key]);
    return true;
  }
  if (key === "/") document.querySelector("[data-search]")?.focus();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "x") choose();
  else if (key === "g") going = true;
  else if (key === "?") document.getElementById("keys").showModal();
  else return false;
  return true;
}

// Who was in a form that closes goes on from the button that opened it.
function fold(open) {
  const inside = open.contains(document.activeElement);
  open.open = false;
  if (inside) open.querySelector("summary").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("details[open].action, details[open].menu")) fold(open);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (press(event.key)) event.preventDefault();
});

// A sheet that opens takes the focus; a click elsewhere closes it.
document.addEventListener("toggle", (event) => {
  if (event.target.matches("details.action") && event.target.open) event.target.querySelector("input:not([type=hidden]), select")?.focus();
}, true);
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details[open].action, details[open].menu")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
for (const kind of ["input", "pointerdown", "keydown"]) {
  document.addEventListener(kind, () => { lastInput = Date.now(); }, { passive: true });
}
document.addEventListener("input", (event) => { touched = touched || !event.target.matches("[data-search]"); });
document.addEventListener("input", (event) => { if (event.target.matches("[data-narrow]")) narrow(event.target); });
for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false; // of no use without this file
for (const field of document.querySelectorAll("[data-narrow]")) if (field.value) narrow(field); // the browser kept it
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) {
    for (const box of event.target.closest("table").querySelectorAll("tbody tr:not([hidden]) input[type=checkbox]")) box.checked = event.target.checked;
  }
  countChosen();
});
document.addEventListener("submit", (event) => {
  if (!isOut) return;
  event.preventDefault(); // it would go to the sign-in page, and what was typed would be lost
  document.getElementById("signed-out").scrollIntoView();
});

if (body.dataset.liveUrl) setTimeout(refresh, EVERY_MS);
