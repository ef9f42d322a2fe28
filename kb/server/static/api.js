// What the page asks the server.

export class Unknown extends Error {} // the server wants its token

async function answered(response) {
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  const Kind = response.status === 401 ? Unknown : Error;
  throw new Kind(body.error || `the server answered ${response.status}`);
}

export async function get(path) {
  return (await answered(await fetch(path))).json();
}

function post(path, body, signal) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  }).then(answered);
}

export function identify(token) {
  return post("api/session", { token });
}

// The events of an answer, as [name, data]: EventSource can't send a question.
export async function* ask(question, signal) {
  const response = await post("api/ask", question, signal);
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
