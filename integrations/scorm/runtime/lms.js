// The LMS behind the page: finds the SCORM API, calls it once where once is meant, and keeps what it refused.
"use strict";

(function () {
  const DEPTH = 50;
  const REFUSALS_KEPT = 20;
  const CALLS = {
    "1.2": {
      object: "API", start: "LMSInitialize", get: "LMSGetValue", set: "LMSSetValue", commit: "LMSCommit",
      end: "LMSFinish", error: "LMSGetLastError",
      learner: "cmi.core.student_id", mode: "cmi.core.lesson_mode", language: "cmi.student_preference.language",
      exit: "cmi.core.exit", time: "cmi.core.session_time", status: "cmi.core.lesson_status",
    },
    "2004": {
      object: "API_1484_11", start: "Initialize", get: "GetValue", set: "SetValue", commit: "Commit",
      end: "Terminate", error: "GetLastError",
      learner: "cmi.learner_id", mode: "cmi.mode", language: "cmi.learner_preference.language",
      exit: "cmi.exit", time: "cmi.session_time", status: "cmi.completion_status",
    },
  };

  function climb(start, name) {
    let frame = start;
    for (let level = 0; frame && level < DEPTH; level += 1) {
      try {
        if (frame[name]) return frame[name];
      } catch (refused) {
        // a frame of another origin: its parent may still be ours
      }
      if (frame.parent === frame) return null;
      frame = frame.parent;
    }
    return null;
  }

  function openerOf(frame) {
    try {
      return frame.opener || frame.top.opener || null;
    } catch (refused) {
      return null;
    }
  }

  function find(name) {
    return climb(window, name) || climb(openerOf(window), name);
  }

  // The package's own edition first: an LMS that offers both objects has started only that one.
  function open(edition) {
    const other = edition === "1.2" ? "2004" : "1.2";
    for (const spoken of [edition, other]) {
      const api = find(CALLS[spoken].object);
      if (api) return new Lms(api, spoken);
    }
    return null;
  }

  class Lms {
    constructor(api, edition) {
      this.api = api;
      this.edition = edition;
      this.names = CALLS[edition];
      this.refused = [];
      this.running = false;
      this.ended = false;
    }

    start() {
      this.running = this.call(this.names.start, "");
      return this.running;
    }

    get(element) {
      try {
        const value = this.api[this.names.get](element);
        return value === null || value === undefined ? "" : String(value);
      } catch (broken) {
        return "";
      }
    }

    set(element, value) {
      const taken = this.call(this.names.set, element, String(value));
      if (!taken && this.refused.length < REFUSALS_KEPT) {
        this.refused.push({ element, code: this.lastError() });
        console.warn(`rolecall: the LMS refused ${element} (code ${this.lastError()})`);
      }
      return taken;
    }

    commit() {
      return this.running && !this.ended && this.call(this.names.commit, "");
    }

    // Once, whatever happens; what was set before is kept by the LMS.
    end() {
      if (!this.running || this.ended) return false;
      this.commit();
      this.ended = true;
      return this.call(this.names.end, "");
    }

    lastError() {
      try {
        return String(this.api[this.names.error]());
      } catch (broken) {
        return "";
      }
    }

    call(name, ...given) {
      try {
        return String(this.api[name](...given)) === "true";
      } catch (broken) {
        return false;
      }
    }

    get learner() {
      return this.get(this.names.learner).trim();
    }

    get language() {
      return this.get(this.names.language);
    }

    // In review and browse mode nothing may be written; an LMS that says nothing means a normal launch.
    get readOnly() {
      return ["review", "browse"].includes(this.get(this.names.mode));
    }

    get saved() {
      try {
        const found = JSON.parse(this.get("cmi.suspend_data"));
        return found && found.v === 1 ? found : { v: 1 };
      } catch (nothing) {
        return { v: 1 };
      }
    }

    get status() {
      return this.get(this.names.status);
    }

    // The one call of every launch that has no result to write: the attempt stays open and no score is touched.
    suspend(saved) {
      this.set("cmi.suspend_data", JSON.stringify(saved));
      if (!["passed", "completed", "failed"].includes(this.status)) this.set(this.names.status, "incomplete");
      this.set(this.names.exit, "suspend");
      return this.commit();
    }

    write(writes) {
      for (const [element, value] of writes) this.set(element, value);
      return this.commit();
    }
  }

  window.RolecallLms = { open, find, Lms };
})();
