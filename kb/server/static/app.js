// Everything that comes from a document reaches the page as text (textContent), never as HTML.
import * as api from "./api.js";
import * as chats from "./chats.js";

const $ = (id) => document.getElementById(id);
// Characters that are shown before and after a quote.
const CONTEXT = 4000;
// Turns that a question is given, and characters of an answer in them.
const TURNS = 2;
const TURN_LENGTH = 2000;
const FILTERS = ["kind", "sender", "after", "before", "source"];
let chat = chats.fresh();
let asking = null;

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function button(text, className, action) {
  const made = element("button", text, className);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

function say(text) {
  $("state").textContent = text;
}

function complain(problem) {
  if (problem instanceof api.Unknown) $("login").showModal();
  $("problem").textContent = problem?.message ?? "";
  $("problem").hidden = !problem;
}

function request() {
  const fields = $("ask").elements;
  const asked = { question: $("question").value.trim(), long: fields.long.checked, history: [] };
  for (const name of FILTERS) {
    const value = fields[name].value.trim();
    if (value) asked[name] = name === "kind" ? [value] : value;
  }
  for (const { question, answer } of chat.exchanges.filter(({ answer }) => answer.status === "answered").slice(-TURNS)) {
    asked.history.push({ question, answer: answer.answer.slice(0, TURN_LENGTH) });
  }
  return asked;
}

async function ask() {
  const asked = request();
  if (!asked.question) return;
  asking?.abort();
  const mine = (asking = new AbortController());
  const shown = begin(asked.question);
  $("question").value = "";
  $("stop").hidden = false;
  complain(null);
  say("Searching …");
  try {
    for await (const [name, data] of api.ask(asked, mine.signal)) {
      if (name === "error") throw new Error(data.error);
      show(shown, name, data);
      if (name === "answer") {
        const { answer, status, citations, sentences } = data;
        chat.exchanges.push({ question: asked.question, answer: { answer, status, citations, sentences } });
        chats.save(chat);
      }
    }
  } catch (problem) {
    if (asking !== mine) return;
    say(mine.signal.aborted ? "Stopped." : "");
    if (!mine.signal.aborted) complain(problem);
    $("question").value ||= asked.question;
    if (shown.querySelector(".found").hidden) shown.remove();
  } finally {
    if (asking === mine) {
      asking = null;
      $("stop").hidden = true;
    }
  }
}

// A place for a question and what answers it.
function begin(question) {
  const article = $("exchange").content.cloneNode(true).firstElementChild;
  article.querySelector("h2").textContent = question;
  $("talk").append(article);
  article.scrollIntoView({ block: "start" });
  return article;
}

function show(article, name, data) {
  const answer = article.querySelector(".answer");
  if (name === "hits") {
    const found = article.querySelector(".found");
    found.querySelector("summary").textContent =
      `${data.hits.length} passages${data.looked_for.length ? `, after a look for ${data.looked_for.join(", ")} too` : ""}`;
    found.querySelector("ol").replaceChildren(...data.hits.map((hit) => source(hit, hit.text)));
    found.hidden = !data.hits.length;
    found.open = true;
    say("Reading the passages …");
  } else if (name === "token") {
    answer.hidden = false;
    answer.classList.add("draft");
    answer.append(data.text);
    say("A draft, not yet checked …");
  } else {
    showAnswer(article, data);
    article.querySelector(".found").open = false;
    article.scrollIntoView({ block: "nearest" });
    say(`Done in ${(data.timings_ms.total / 1000).toFixed(1)} s by ${data.route.model || "the search alone"}.`);
  }
}

function showAnswer(article, { answer, citations, sentences }) {
  let text = answer;
  for (const one of sentences) {
    if (!one.supported) text = text.replace(one.text, () => `${one.text} [?]`);
  }
  const parts = text.split(/(\[\d+\]|\[\?\])/).map((part) => {
    if (part === "[?]") {
      const doubt = element("span", part, "doubt");
      doubt.title = "not borne out by the documents";
      return doubt;
    }
    const citation = citations.find((one) => part === `[${one.n}]`);
    if (!citation) return part;
    const cite = button(part, "cite", () => open(citation));
    cite.title = `“${citation.quote}”\n${place(citation)}`;
    return cite;
  });
  const shown = article.querySelector(".answer");
  shown.hidden = false;
  shown.classList.remove("draft");
  shown.replaceChildren(...parts);
  article.querySelector(".citations").replaceChildren(
    ...citations.map((one) => source(one, `[${one.n}] “${one.quote}”`)),
  );
}

function place(span) {
  const parts = [span.title, span.page && `page ${span.page}`, span.author, span.date?.slice(0, 10), span.doc];
  return parts.filter(Boolean).join(" · ");
}

// A citation or a passage: its words, and where they stand.
function source(span, words) {
  const item = element("li");
  const opener = button("", "source", () => open(span));
  opener.append(element("span", words, "words"), element("span", place(span), "from"));
  item.append(opener);
  return item;
}

async function open(span) {
  try {
    const shown = await api.get(`api/show/${span.ref}`);
    // Offsets count characters; a JavaScript string counts UTF-16 units.
    const text = Array.from(shown.text);
    const from = Math.max(0, shown.start - CONTEXT);
    const to = Math.min(text.length, shown.end + CONTEXT);
    const piece = (start, end) => text.slice(start, end).join("");
    const mark = element("mark", piece(shown.start, shown.end));
    $("where").textContent = place(shown);
    $("file").hidden = !shown.file;
    if (shown.file) {
      $("file").href = `api/file/${shown.ref}#page=${shown.page ?? 1}`;
      $("file").textContent = `PDF, page ${shown.page ?? 1}`;
    }
    $("text").replaceChildren(
      from > 0 ? "… " : "", piece(from, shown.start), mark, piece(shown.end, to), to < text.length ? " …" : "",
    );
    if (!$("reader").open) $("reader").showModal();
    mark.scrollIntoView({ block: "center" });
  } catch (problem) {
    complain(problem);
  }
}

function turnTo(other) {
  asking?.abort();
  chat = other;
  $("talk").replaceChildren();
  for (const { question, answer } of chat.exchanges) showAnswer(begin(question), answer);
  $("past").open = false;
  complain(null);
  say("");
  $("question").focus();
}

function listChats() {
  $("chats").replaceChildren(
    ...chats.list().map((one) => {
      const item = element("li");
      item.append(
        button(one.exchanges[0].question, "source", () => turnTo(one)),
        button("×", "forget", () => {
          chats.remove(one.id);
          if (one.id === chat.id) turnTo(chats.fresh());
          listChats();
        }),
      );
      item.lastChild.title = "forget this conversation";
      return item;
    }),
  );
  if (!$("chats").children.length) $("chats").append(element("li", "None yet. They stay in this browser."));
}

async function greet() {
  const { documents, by_kind: kinds } = await api.get("api/status");
  const parts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
  $("holdings").textContent = documents ? parts.join(" · ") : "empty: kb ingest PATH puts something in";
}

async function start() {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (token) {
    history.replaceState(null, "", location.pathname);
    await api.identify(token);
  }
  await greet();
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  $("question").blur(); // the keys that open citations would be typed into it
  ask();
});
$("ask").addEventListener("input", () => {
  const set = FILTERS.filter((name) => $("ask").elements[name].value.trim()).length;
  $("filtered").textContent = set ? `(${set} set)` : "";
});
$("stop").addEventListener("click", () => asking?.abort());
$("new").addEventListener("click", () => turnTo(chats.fresh()));
$("past").addEventListener("toggle", () => $("past").open && listChats());
$("close").addEventListener("click", () => $("reader").close());
$("login").addEventListener("close", () => {
  api.identify($("token").value).then(greet).then(() => complain(null), complain);
  $("token").value = "";
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") asking?.abort();
  if (/^(INPUT|SELECT)$/.test(event.target.tagName)) return;
  if (event.key === "/" || event.key === "n") event.preventDefault();
  if (event.key === "/") $("question").focus();
  if (event.key === "n") turnTo(chats.fresh());
  const citation = chat.exchanges.at(-1)?.answer.citations.find((one) => String(one.n) === event.key);
  if (citation) open(citation);
});
start().catch(complain);
