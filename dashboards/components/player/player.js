// Runs again with every rerun of the page, so each step looks at what is there before it changes anything.
const kept = new WeakMap();

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function screen(root, state, source) {
  const box = root.querySelector(".screen");
  if (!source) {
    box.replaceChildren();
    state.media = null;
    return;
  }
  if (state.media && state.kind === source.kind && state.src === source.src) return;
  const same = state.media && state.kind === source.kind;
  const at = same ? state.media.currentTime : 0; // a renewed ticket must not rewind
  const playing = same && !state.media.paused;
  const media = same ? state.media : document.createElement(source.kind);
  media.controls = true;
  media.preload = "metadata";
  media.playsInline = true;
  media.setAttribute("aria-label", source.label);
  const track = document.createElement("track");
  Object.assign(track, { kind: "captions", srclang: source.language, label: "Captions", default: true });
  track.src = source.captions;
  media.replaceChildren(track);
  media.src = source.src;
  if (at > 0) media.currentTime = at;
  if (playing) media.play();
  if (!same) box.replaceChildren(media);
  Object.assign(state, { media, kind: source.kind, src: source.src });
}

function mark(state, index, scroll) {
  if (state.current === index) return;
  state.current = index;
  state.buttons.forEach((button, i) => {
    if (i === index) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  });
  const button = state.buttons[index];
  if (button && scroll) {
    const list = button.closest("ol");
    const above = button.offsetTop < list.scrollTop;
    const below = button.offsetTop + button.offsetHeight > list.scrollTop + list.clientHeight;
    if (above || below) list.scrollTop = button.offsetTop - list.clientHeight / 3;
  }
}

function lineAt(lines, second) {
  let found = -1;
  lines.forEach((line, i) => {
    if (line.start >= 0 && line.start <= second + 0.05) found = i;
  });
  return found;
}

function go(state, index, lines) {
  const line = lines[index];
  if (state.media && line.start >= 0) state.media.currentTime = line.start;
  mark(state, index, false);
}

function focusLine(state, index) {
  const last = state.buttons.length - 1;
  const next = Math.min(Math.max(index, 0), last);
  state.buttons.forEach((button, i) => { button.tabIndex = i === next ? 0 : -1; });
  state.buttons[next].focus();
}

function keys(state, event) {
  const index = state.buttons.indexOf(event.currentTarget);
  const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: state.buttons.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  focusLine(state, to);
}

function transcript(root, state, lines) {
  const text = JSON.stringify(lines);
  if (state.text === text) return;
  state.text = text;
  state.current = -1;
  state.buttons = lines.map((line, index) => {
    const button = element("button", line.side);
    button.type = "button";
    button.tabIndex = index === 0 ? 0 : -1;
    const said = element("span", "said");
    said.append(element("span", "speaker", line.speaker), ": ", element("span", "text", line.text));
    button.append(element("span", "clock", line.clock), said);
    if (line.notes.length) {
      const notes = element("span", "notes");
      line.notes.forEach((note) => notes.append(element("span", "note", note)));
      button.append(notes);
    }
    return button;
  });
  root.querySelector("ol").replaceChildren(...state.buttons.map((button) => {
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

export default function ({ parentElement, data }) {
  const state = kept.get(parentElement) ?? { buttons: [], current: -1, seen: 0 };
  kept.set(parentElement, state);
  screen(parentElement, state, data.source);
  transcript(parentElement, state, data.lines);
  state.buttons.forEach((button, index) => {
    button.onclick = () => {
      state.buttons.forEach((other, i) => { other.tabIndex = i === index ? 0 : -1; });
      go(state, index, data.lines);
    };
    button.onkeydown = (event) => keys(state, event);
  });
  if (state.media) {
    state.media.ontimeupdate = () => mark(state, lineAt(data.lines, state.media.currentTime), true);
  }
  if (data.seek && data.seek.count !== state.seen) {
    state.seen = data.seek.count;
    if (state.media) state.media.currentTime = data.seek.at;
    mark(state, lineAt(data.lines, data.seek.at), true);
  }
  return () => {
    if (state.media) state.media.pause();
    kept.delete(parentElement);
  };
}
