// The launch from start to end: who asks, what the service answers, what goes to the LMS. Nothing is reported twice.
"use strict";

(async function () {
  const config = window.ROLECALL;
  const { ask, verified, wait } = window.RolecallService;
  const view = window.RolecallView;
  const COMMIT_TRIES = 3;
  const COMMIT_PAUSE_MS = 2000;
  const IDLE_MS = 30 * 60 * 1000;
  const POLL_MS = [4000, 6000, 10000, 15000, 30000];
  const PLAIN = new Set(["none", "pending", "unscored", "unreachable", "insecure", "forged", "refused", "limited",
    "unknownLearner", "unmapped", "startFailed", "loginFailed", "waiting"]);
  const lms = (window.RolecallAdapter || window.RolecallLms).open(config.edition);
  let saved = { v: 1 };
  let redraw = () => {};

  view.frame(navigator.languages, () => redraw());
  if (!lms || !(await lms.start())) {
    draw(() => view.say(view.text("noLms")));
    return;
  }
  const readOnly = lms.readOnly;
  const learner = lms.learner;
  saved = lms.saved;
  view.frame([lms.language, ...navigator.languages], () => redraw());
  for (const leaving of ["pagehide", "beforeunload", "unload"]) window.addEventListener(leaving, () => lms.end());
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && lms.commit());
  if (config.login) window.addEventListener("message", loggedIn);
  setTimeout(() => lms.end(), IDLE_MS);
  draw(() => view.say(view.text("loading")));
  try {
    await open();
  } catch (broken) {
    console.error("rolecall:", broken);
    without("unreachable");
  }

  function draw(paint) {
    redraw = paint;
    paint();
  }

  function request(path, more) {
    return ask(config, path, { learner, token: saved.t || null, ...more });
  }

  async function open() {
    if (!learner) return without("unknownLearner");
    if (config.mode === "live" && !readOnly && saved.c) return waitFor(saved.c);
    const answer = await request("/v1/scorm/result", { conversation: null });
    if (config.mode === "live" && !readOnly && ["none", "unscored", "result"].includes(answer.state)) {
      return enter(answer);
    }
    return settle(answer);
  }

  async function settle(answer) {
    remember(answer);
    if (answer.state === "unbound") return readOnly ? without("none") : identify();
    if (answer.state !== "result") return without(PLAIN.has(answer.state) ? answer.state : "refused");
    const checked = await verified(config, learner, answer.jws);
    if (checked.state !== "result") return without(checked.state);
    return report(checked.result, answer.comments || {});
  }

  function remember(answer) {
    if (answer.token) saved = { ...saved, t: answer.token };
  }

  // No result to write: the attempt stays open, no score is touched, and a result reported before stays as it is.
  function without(state) {
    if (!readOnly && !saved.r) lms.suspend(saved);
    draw(() => {
      view.say(view.text(state));
      view.show();
      leave();
    });
  }

  function identify() {
    if (!saved.r) lms.suspend(saved);
    draw(() => {
      view.say("");
      view.claim(bind, config.login ? logIn : null);
    });
  }

  async function bind(code) {
    const answer = await request("/v1/scorm/claim", { code });
    if (answer.state !== "bound") return answer.state === "wrongCode" || PLAIN.has(answer.state) ? answer.state : "refused";
    remember(answer);
    draw(() => view.say(view.text("loading")));
    view.show();
    await open();
    return null;
  }

  // The window opens within the click, or browsers block it; where it goes follows with the service's answer.
  async function logIn() {
    const opened = window.open("", "_blank", "popup,width=520,height=720");
    if (!opened) return "noWindow";
    const answer = await request("/v1/scorm/login", { language: view.language() });
    if (answer.state === "login") {
      opened.location.replace(answer.address);
      return null;
    }
    opened.close();
    return PLAIN.has(answer.state) ? answer.state : "loginFailed";
  }

  // The login's window hands over a code for this learner alone; nobody else is listened to.
  async function loggedIn(event) {
    const said = event.data;
    if (event.origin !== new URL(config.service).origin || !said || said.rolecall !== "login") return;
    const complaint = await bind(String(said.code));
    if (complaint) view.complain(complaint);
  }

  async function report(result, comments) {
    const before = saved.r === result.id;
    const taken = readOnly || before || (await write(result));
    const message = readOnly ? "readOnly" : before ? "reportedBefore" : taken ? "reported" : "notReported";
    draw(() => {
      view.say(view.text(message));
      view.result(result, comments);
      leave(config.mode === "live" && !readOnly ? view.button("again", () => enter({ state: "result" }), "second") : null);
    });
    if (config.finish === "after_report") lms.end();
  }

  async function write(result) {
    const names = Object.fromEntries(Object.entries(
      (config.rubrics[`${result.rubric.id}:${result.rubric.version}`] || { criteria: {} }).criteria,
    ).map(([id, item]) => [id, item.name]));
    const options = { failStatus: config.failStatus, completedBy: result.completed_by, names };
    const { c: _conversation, ...rest } = saved;
    const writes = window.RolecallReport.writes(lms.edition, result, rest, options, (element) => lms.get(element));
    let taken = await lms.write(writes, result);
    for (let again = 0; !taken && again < COMMIT_TRIES; again += 1) {
      await wait(COMMIT_PAUSE_MS);
      taken = lms.commit();
    }
    saved = { ...rest, ...JSON.parse(writes.find(([element]) => element === "cmi.suspend_data")[1]) };
    return taken;
  }

  function leave(extra) {
    const finish = view.button("finish", () => {
      lms.end();
      view.foot();
      view.say(view.text("finished"));
      view.focus();
    });
    view.foot(...[extra, finish].filter(Boolean));
  }

  // Live mode: a lobby, the engine's room, then the score.
  function enter(answer) {
    remember(answer);
    draw(() => {
      view.say("");
      view.foot();
      view.lobby(begin, config.live.memory && answer.state === "result");
    });
  }

  async function begin(language, memory) {
    view.say(view.text("starting"));
    view.show();
    const answer = await request("/v1/scorm/launch", { language, memory });
    remember(answer);
    if (answer.state !== "started") return without(PLAIN.has(answer.state) ? answer.state : "startFailed");
    saved = { ...saved, c: answer.conversation };
    if (!saved.r) lms.suspend(saved);
    else lms.write([["cmi.suspend_data", JSON.stringify(saved)]]);
    draw(() => {
      view.say("");
      view.room(answer.room, () => {
        request("/v1/scorm/end", { conversation: answer.conversation });
        waitFor(answer.conversation);
      });
    });
    return null;
  }

  async function waitFor(conversation) {
    draw(() => {
      view.say(view.text("waiting"));
      view.show();
      leave(view.button("again", () => enter({ state: "result" }), "second"));
    });
    for (let turn = 0; saved.c === conversation && !lms.ended; turn += 1) {
      const answer = await request("/v1/scorm/result", { conversation });
      if (!["waiting", "unreachable", "limited"].includes(answer.state)) {
        if (answer.state === "unscored") saved = { ...saved, c: undefined };
        return settle(answer);
      }
      await wait(POLL_MS[Math.min(turn, POLL_MS.length - 1)]);
    }
    return null;
  }
})();
