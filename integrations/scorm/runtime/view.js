// What the learner sees. Builds elements, never markup from text: names and comments may hold anything.
"use strict";

(function () {
  const config = window.ROLECALL;
  const place = (id) => document.getElementById(id);
  let language = "en";

  function text(key, values) {
    const found = window.ROLECALL_TEXTS[language][key];
    return Object.entries(values || {}).reduce((all, [name, value]) => all.split(`{${name}}`).join(value), found);
  }

  function make(tag, content, attributes) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    const parts = Array.isArray(content) ? content : [content];
    for (const part of parts) if (part !== null && part !== undefined) element.append(part);
    return element;
  }

  function chosen(wishes) {
    const offered = config.languages;
    const short = wishes.map((wish) => String(wish || "").slice(0, 2).toLowerCase());
    return short.find((wish) => offered.includes(wish)) || offered[0];
  }

  function frame(wishes, again) {
    language = chosen(wishes);
    document.documentElement.lang = language;
    document.title = config.scenario.title;
    place("title").textContent = config.scenario.title;
    place("language-label").textContent = text("language");
    place("brand").replaceChildren(
      config.brand.logo ? make("img", null, { src: config.brand.logo, alt: config.brand.name }) : config.brand.name);
    const names = new Intl.DisplayNames([language], { type: "language" });
    place("language").replaceChildren(...config.languages.map((code) => {
      const option = make("option", names.of(code), { value: code });
      option.selected = code === language;
      return option;
    }));
    place("language").onchange = () => frame([place("language").value], again) || again();
  }

  function say(message) {
    place("status").textContent = message;
  }

  function show(...elements) {
    place("content").replaceChildren(...elements);
  }

  function foot(...elements) {
    place("foot").replaceChildren(...elements);
  }

  function button(key, act, kind) {
    const element = make("button", text(key), { type: "button", class: kind || "main" });
    element.onclick = act;
    return element;
  }

  function percent(scaled) {
    return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 }).format(Number(scaled));
  }

  function meter(scaled, label) {
    const width = Math.max(0, Math.min(100, Math.round(Number(scaled) * 100)));
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", "0 0 100 6");
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", label);
    drawing.setAttribute("class", "meter");
    for (const [name, span] of [["track", 100], ["fill", width]]) {
      const part = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      part.setAttribute("width", span);
      part.setAttribute("height", 6);
      part.setAttribute("class", name);
      drawing.append(part);
    }
    return drawing;
  }

  function result(found, comments) {
    const own = navigator.languages.find((each) => each.startsWith(language)) || language;
    const day = new Intl.DateTimeFormat(own, { dateStyle: "long" }).format(new Date(found.scored_at));
    const texts = (config.rubrics[`${found.rubric.id}:${found.rubric.version}`] || { criteria: {} }).criteria;
    const order = Object.keys(texts);
    const criteria = [...found.criteria].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    const missed = criteria.filter((item) => !item.met).map((item) => (texts[item.id] ? texts[item.id].name : item.id));
    const verdict = make("section", [
      make("h2", text("result"), { id: "result" }),
      make("p", [
        make("strong", percent(found.scaled), { class: "score" }),
        make("span", text(found.status), { class: `badge ${found.status}` }),
      ], { class: "verdict" }),
      meter(found.scaled, `${text("score")}: ${percent(found.scaled)}`),
      found.status === "failed" && missed.length
        ? make("p", `${text("required")}: ${missed.join(", ")}`, { class: "required" }) : null,
      make("p", text("scoredOn", { date: day }), { class: "quiet" }),
    ], { class: "card", "aria-labelledby": "result" });
    const list = make("ol", criteria.map((item) => criterion(item, texts[item.id], comments[item.id])),
      { class: "criteria" });
    const heading = make("h2", text("criteria"), { id: "criteria" });
    show(verdict, next(found, texts), make("section", [heading, list], { "aria-labelledby": "criteria" }));
  }

  function criterion(item, known, comment) {
    const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
    const said = { score: number.format(item.score), max: number.format(item.max), level: number.format(item.score) };
    const level = known ? known.levels[String(Math.floor(Number(item.score)))] : null;
    const label = text(level ? "level" : "points", said);
    const parts = [
      make("h3", known ? known.name : item.id),
      make("p", label, { class: "level" }),
      meter(item.scaled, label),
    ];
    if (!item.met) parts.push(make("p", text("required"), { class: "required" }));
    if (level) parts.push(make("p", level));
    if (comment) parts.push(make("blockquote", [make("p", text("comment"), { class: "quiet" }), make("p", comment)]));
    return make("li", parts, { class: item.met ? "card" : "card missed" });
  }

  // What failed the session first, then the weakest; nothing where everything is at its top.
  function next(found, texts) {
    const open = found.criteria.filter((item) => Number(item.scaled) < 1)
      .sort((a, b) => a.met - b.met || Number(a.scaled) - Number(b.scaled)).slice(0, 2);
    if (!open.length) return null;
    const advice = open.map((item) => {
      const known = texts[item.id];
      const above = known ? known.levels[String(Math.floor(Number(item.score)) + 1)] : null;
      const parts = [make("strong", known ? known.name : item.id)];
      if (above) parts.push(make("p", [make("span", `${text("oneUp")}: `, { class: "quiet" }), above]));
      return make("li", parts);
    });
    const parts = [make("h2", text("next"), { id: "next" }), make("ul", advice)];
    if (config.scenario.debrief.length) {
      parts.push(make("h3", text("reflect")), make("ul", config.scenario.debrief.map((each) => make("li", each))));
    }
    return make("section", parts, { class: "card next", "aria-labelledby": "next" });
  }

  function claim(send, logIn) {
    const input = make("input", null, {
      id: "code", autocomplete: "one-time-code", autocapitalize: "characters", spellcheck: "false", maxlength: "20",
      required: "", "aria-describedby": "hint problem",
    });
    const submit = make("button", text("submit"), { type: "submit", class: logIn ? "second" : "main" });
    const form = make("form", [
      make("p", text(logIn ? "orCode" : "claimIntro")), make("label", text("code"), { for: "code" }), input,
      make("p", text("codeHint"), { id: "hint", class: "quiet" }), submit,
    ], logIn ? { class: "other" } : {});
    form.onsubmit = async (event) => {
      event.preventDefault();
      const complaint = await once(submit, () => send(input.value));
      if (!complaint) return;
      complain(complaint);
      input.setAttribute("aria-invalid", "true");
      input.focus();
    };
    const problem = make("p", "", { id: "problem", role: "alert", class: "problem" });
    show(make("section", [...(logIn ? login(logIn) : []), form, problem], { class: "card" }));
  }

  function login(logIn) {
    const go = button("logIn", async () => {
      const complaint = await once(go, logIn);
      complain(complaint);
    });
    return [make("p", text("loginIntro")), make("p", go)];
  }

  async function once(pressed, act) {
    pressed.disabled = true;
    const answer = await act();
    pressed.disabled = false;
    return answer;
  }

  function complain(key) {
    const problem = place("problem");
    if (problem) problem.textContent = key ? text(key) : "";
  }

  function lobby(start, memory) {
    const scenario = config.scenario;
    const names = new Intl.DisplayNames([language], { type: "language" });
    const offered = scenario.languages;
    const select = make("select", offered.map((code) => make("option", names.of(code), { value: code })), { id: "talk" });
    select.value = offered.includes(language) ? language : offered[0];
    const box = make("input", null, { id: "memory", type: "checkbox", "aria-describedby": "memory-hint" });
    const parts = [
      make("h2", text("ready"), { id: "ready" }), make("p", scenario.brief, { lang: "en" }),
      make("p", text("with", scenario.counterpart)), make("p", text("minutes", { minutes: scenario.minutes })),
      make("p", [make("label", text("talkIn"), { for: "talk" }), " ", select]),
    ];
    if (memory) {
      parts.push(make("p", [box, make("label", text("memory"), { for: "memory" })], { class: "choice" }),
        make("p", text("memoryHint"), { id: "memory-hint", class: "quiet" }));
    }
    if (config.live.notice) parts.push(make("p", config.live.notice, { class: "notice" }));
    const go = button("start", () => start(select.value, box.checked));
    show(make("section", [...parts, go], { class: "card", "aria-labelledby": "ready" }));
    return go;
  }

  function room(address, finished) {
    const inside = make("iframe", null, {
      src: address, title: text("room"), class: "room", allow: "camera; microphone; autoplay; fullscreen; display-capture",
    });
    show(inside, make("p", button("done", finished)));
  }

  window.RolecallView = {
    frame, text, say, show, foot, button, result, claim, complain, lobby, room, language: () => language,
    focus: () => place("main").focus(),
  };
})();
