// The conversations. They stay in this browser: the server keeps none.
const KEY = "kb.chats";
const MOST = 50;

function all() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function keep(chats) {
  for (let kept = chats.slice(0, MOST); kept.length; kept = kept.slice(0, -1)) {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
      return;
    } catch {
      // no room: the oldest goes
    }
  }
  localStorage.removeItem(KEY);
}

export function list() {
  return all();
}

// Stores a conversation as the newest.
export function save(chat) {
  keep([chat, ...all().filter((one) => one.id !== chat.id)]);
}

export function remove(id) {
  keep(all().filter((one) => one.id !== id));
}

export function fresh() {
  return { id: `${Date.now()}-${Math.random()}`, exchanges: [] };
}
