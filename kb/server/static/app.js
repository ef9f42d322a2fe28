// Everything that comes from a document reaches the page as text (textContent), never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
// Characters that are shown before and after a quote.
const CONTEXT = 4000;
const FILTERS = ["kind", "sender", "after", "before", "source"];
let asking = null;
let cited = [];

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function say(text) {
  $("state").textContent = text;
}

function complain(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

async function refused(response) {
  const body = await response.json().catch(() => ({}));
  return new Error(body.error || `the server answered ${response.status}`);
}

function request() {
  const asked = { question: $("question").value };
  for (const name of FILTERS) {
    const value = $("ask").elements[name].value.trim();
    if (value) asked[name] = name === "kind" ? [value] : value;
  }
  return asked;
}

// Server-sent events of a response to POST, which EventSource can't make.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(part);
      yield [name, JSON.parse(data)];
    }
  }
}

async function ask() {
  asking?.abort();
  const mine = (asking = new AbortController());
  cited = [];
  for (const id of ["answer", "citations", "hits"]) $(id).replaceChildren();
  $("answered").hidden = $("found").hidden = true;
  $("stop").hidden = false;
  complain("");
  say("Searching …");
  try {
    const response = await fetch("api/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request()),
      signal: mine.signal,
    });
    if (!response.ok) throw await refused(response);
    for await (const [name, data] of events(response)) show(name, data);
  } catch (problem) {
    if (asking !== mine) return;
    say(mine.signal.aborted ? "Stopped." : "");
    if (!mine.signal.aborted) complain(problem.message);
  } finally {
    if (asking === mine) {
      asking = null;
      $("stop").hidden = true;
    }
  }
}

function show(name, data) {
  if (name === "hits") {
    $("hits").replaceChildren(...data.hits.map((hit) => source(hit, hit.text)));
    $("found").hidden = !data.hits.length;
    say("Reading the passages …");
  } else if (name === "token") {
    $("answered").hidden = false;
    $("answer").className = "draft";
    $("answer").append(data.text);
    say("A draft, not yet checked …");
  } else if (name === "answer") {
    showAnswer(data);
  } else {
    throw new Error(data.error);
  }
}

function showAnswer(answer) {
  cited = answer.citations;
  const parts = answer.answer.split(/(\[\d+\]|\[\?\])/).map((part) => {
    if (part === "[?]") return element("span", part, "doubt");
    const citation = cited.find((one) => part === `[${one.n}]`);
    if (!citation) return part;
    const button = element("button", part, "cite");
    button.addEventListener("click", () => open(citation));
    return button;
  });
  $("answer").className = "";
  $("answer").replaceChildren(...parts);
  $("citations").replaceChildren(...cited.map((one) => source(one, `[${one.n}] “${one.quote}”`)));
  $("answered").hidden = false;
  say(`Done in ${(answer.timings_ms.total / 1000).toFixed(1)} s by ${answer.route.model}.`);
}

// A citation or a passage: its words, and where they stand.
function source(span, words) {
  const button = element("button", words);
  const place = [span.title, span.page && `page ${span.page}`, span.author, span.date?.slice(0, 10), span.doc];
  button.append(element("span", place.filter(Boolean).join(" · "), "from"));
  button.addEventListener("click", () => open(span));
  const item = element("li");
  item.append(button);
  return item;
}

async function open(span) {
  try {
    const response = await fetch(`api/show/${span.ref}`);
    if (!response.ok) throw await refused(response);
    const shown = await response.json();
    // Offsets count characters; a JavaScript string counts UTF-16 units.
    const text = Array.from(shown.text);
    const from = Math.max(0, shown.start - CONTEXT);
    const to = Math.min(text.length, shown.end + CONTEXT);
    const piece = (start, end) => text.slice(start, end).join("");
    const mark = element("mark", piece(shown.start, shown.end));
    $("where").textContent = [shown.title, shown.doc].filter(Boolean).join(" · ");
    $("text").replaceChildren(
      from > 0 ? "… " : "", piece(from, shown.start), mark, piece(shown.end, to), to < text.length ? " …" : "",
    );
    if (!$("reader").open) $("reader").showModal();
    mark.scrollIntoView({ block: "center" });
  } catch (problem) {
    complain(problem.message);
  }
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  $("question").blur(); // the keys that open citations would be typed into it
  ask();
});
$("stop").addEventListener("click", () => asking?.abort());
$("close").addEventListener("click", () => $("reader").close());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !$("reader").open) asking?.abort();
  if (/^(INPUT|SELECT)$/.test(event.target.tagName) || $("reader").open) return;
  if (event.key === "/") {
    event.preventDefault();
    $("question").focus();
  }
  const citation = cited.find((one) => String(one.n) === event.key);
  if (citation) open(citation);
});
