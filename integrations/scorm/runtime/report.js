// What a result is in SCORM's words: pairs of element and value, in the order and spelling that every LMS takes.
"use strict";

(function () {
  const LONGEST_H = 9999;
  const NUMBER = /^-?\d+(\.\d+)?$/;
  const SLUG = /^[A-Za-z0-9_-]{1,200}$/;

  // `lookup` reads an element of the LMS; `saved` is what an earlier report of this attempt left in suspend_data.
  function writes(edition, result, saved, options, lookup) {
    const one = edition === "1.2";
    const score = one ? "cmi.core.score" : "cmi.score";
    const kept = remember(result, saved, lookup);
    const found = [[`${score}.min`, "0"], [`${score}.max`, "100"], [`${score}.raw`, plain(result.raw)]];
    if (!one) found.push([`${score}.scaled`, plain(result.scaled)]);
    result.criteria.forEach((item, at) => found.push(...objective(one, item, kept.objectives[at], options)));
    result.criteria.forEach((item, at) => found.push(...interaction(one, item, kept.interactions + at, result)));
    found.push([one ? "cmi.core.session_time" : "cmi.session_time", duration(one, result.duration_s)]);
    found.push(["cmi.suspend_data", JSON.stringify({ ...saved, ...kept.note })]);
    found.push(...statuses(one, result.status, options));
    found.push([one ? "cmi.core.exit" : "cmi.exit", ending(one, result.status, options)]);
    return found;
  }

  // Where each criterion's objective goes: found by id, else appended. A runtime that answers "" to `_count` is counted
  // for; the same rubric then takes the places that it took before.
  function remember(result, saved, lookup) {
    const count = number(lookup("cmi.objectives._count"));
    const known = new Map();
    for (let at = 0; at < (count === null ? 0 : count); at += 1) known.set(lookup(`cmi.objectives.${at}.id`), at);
    const rubric = `${result.rubric.id}:${result.rubric.version}`;
    const again = count === null && saved.k === rubric;
    const first = again ? saved.f : Math.max(count === null ? 0 : count, saved.o || 0);
    let next = first;
    const objectives = result.criteria.map((item) => (known.has(item.id) ? known.get(item.id) : next++));
    const interactions = Math.max(number(lookup("cmi.interactions._count")) || 0, saved.i || 0);
    const note = {
      r: result.id, s: result.signature, k: rubric, f: first, o: Math.max(next, saved.o || 0),
      i: interactions + result.criteria.length,
    };
    return { objectives, interactions, note };
  }

  function objective(one, item, at, options) {
    const base = `cmi.objectives.${at}`;
    const found = [
      [`${base}.id`, slug(item.id)], [`${base}.score.min`, "0"], [`${base}.score.max`, "100"],
      [`${base}.score.raw`, plain(item.raw)],
    ];
    const verdict = item.met ? "passed" : "failed";
    if (one) return [...found, [`${base}.status`, verdict]];
    const name = options.names[item.id];
    if (name) found.push([`${base}.description`, name.slice(0, 250)]);
    return [
      ...found, [`${base}.score.scaled`, plain(item.scaled)], [`${base}.completion_status`, "completed"],
      [`${base}.success_status`, verdict],
    ];
  }

  function interaction(one, item, at, result) {
    const base = `cmi.interactions.${at}`;
    const said = `${plain(item.score)}/${plain(item.max)}`;
    const moment = result.scored_at; // YYYY-MM-DDThh:mm:ss.00Z, the one form that no runtime refuses
    if (one) {
      return [
        [`${base}.id`, slug(item.id)], [`${base}.type`, "performance"], [`${base}.time`, moment.slice(11, 19)],
        [`${base}.student_response`, said], [`${base}.result`, item.met ? "correct" : "wrong"],
      ];
    }
    return [
      [`${base}.id`, slug(item.id)], [`${base}.type`, "long-fill-in"], [`${base}.timestamp`, moment],
      [`${base}.learner_response`, said], [`${base}.result`, plain(item.scaled)],
    ];
  }

  // Status last: some LMSs publish the grade at that very call.
  function statuses(one, status, options) {
    const failed = status === "failed";
    if (one) return [["cmi.core.lesson_status", failed ? options.failStatus : status]];
    const open = failed && (options.failStatus === "incomplete" || options.completedBy === "pass");
    const success = { passed: "passed", failed: options.failStatus === "failed" ? "failed" : "unknown" };
    return [
      ["cmi.completion_status", open ? "incomplete" : "completed"],
      ["cmi.success_status", success[status] || "unknown"],
    ];
  }

  function ending(one, status, options) {
    if (status === "failed" && options.failStatus === "incomplete") return "suspend";
    return one ? "" : "normal";
  }

  function duration(one, seconds) {
    const whole = Math.min(Math.max(Math.floor(seconds || 0), 0), LONGEST_H * 3600 + 3599);
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
    const two = (value) => String(value).padStart(2, "0");
    return one ? `${two(hours)}:${two(minutes)}:${two(rest)}` : `PT${hours}H${minutes}M${rest}S`;
  }

  function number(text) {
    return /^\d+$/.test(text) ? Number(text) : null;
  }

  // A score is a plain decimal or nothing at all: an empty one becomes a grade of 0.
  function plain(text) {
    if (!NUMBER.test(text)) throw new Error("a score is not a plain decimal");
    return text;
  }

  function slug(text) {
    if (!SLUG.test(text)) throw new Error("a criterion's id is no objective id");
    return text;
  }

  window.RolecallReport = { writes };
})();
