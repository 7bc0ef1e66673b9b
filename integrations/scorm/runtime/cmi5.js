// A cmi5 launch in the shape of the SCORM one: the LMS is an LRS behind the launch address.
"use strict";

(function () {
  const VERBS = "http://adlnet.gov/expapi/verbs/";
  const CATEGORIES = "https://w3id.org/xapi/cmi5/context/categories/";
  const MASTERY = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore";
  const SAVED = "rolecall.saved";
  const launch = new URLSearchParams(location.search);

  class Cmi5 {
    constructor() {
      this.edition = "2004";
      this.ended = false;
      this.saved = { v: 1 };
      this.endpoint = launch.get("endpoint").replace(/\/?$/, "/");
      this.actor = JSON.parse(launch.get("actor"));
      this.begun = Date.now();
      this.sending = Promise.resolve();
    }

    async start() {
      try {
        const fetched = await fetch(launch.get("fetch"), { method: "POST" });
        this.token = (await fetched.json())["auth-token"];
        this.data = await this.state("LMS.LaunchData");
        const preferences = await this.document("agents/profile", { profileId: "cmi5LearnerPreferences", agent: this.who });
        this.language = ((preferences && preferences.languagePreference) || "").split(",")[0];
        this.saved = (await this.state(SAVED)) || { v: 1 };
        return Boolean(this.token && this.data) && this.send(this.statement("initialized"));
      } catch (broken) {
        return false;
      }
    }

    get who() {
      return JSON.stringify(this.actor);
    }

    get learner() {
      return this.actor.account ? String(this.actor.account.name) : "";
    }

    get readOnly() {
      return this.data.launchMode !== "Normal";
    }

    get() {
      return "";
    }

    // Statements are not sent a second time: what an LRS half took would count twice.
    commit() {
      return false;
    }

    suspend(saved) {
      this.keep(saved);
      return true;
    }

    // The verdict, then completion; a unit is completed and passed once in its registration, whatever comes later.
    async write(writes, result) {
      const saved = JSON.parse(writes.find(([element]) => element === "cmi.suspend_data")[1]);
      const duration = writes.find(([element]) => element === "cmi.session_time")[1];
      const found = [];
      const score = { scaled: Number(result.scaled), raw: Number(result.raw), min: 0, max: 100 };
      if (result.status !== "completed" && !saved.p) {
        const success = result.status === "passed";
        found.push(this.statement(result.status, { success, score, duration }));
        saved.p = success ? 1 : undefined;
      }
      if (!saved.d && (result.status !== "failed" || result.completed_by === "attempt")) {
        found.push(this.statement("completed", { completion: true, duration }));
        saved.d = 1;
      }
      writes.find(([element]) => element === "cmi.suspend_data")[1] = JSON.stringify(saved);
      const taken = await this.send(...found);
      this.keep(saved);
      return taken;
    }

    end() {
      if (this.ended || !this.token) return false;
      this.ended = true;
      const seconds = Math.floor((Date.now() - this.begun) / 1000);
      const last = this.statement("terminated", { duration: `PT${seconds}S` });
      this.request("statements", {}, { method: "POST", body: JSON.stringify([last]), keepalive: true }).catch(() => {});
      if (this.data.returnURL && !document.hidden) setTimeout(() => { location.href = this.data.returnURL; }, 1500);
      return true;
    }

    statement(verb, result) {
      const context = JSON.parse(JSON.stringify(this.data.contextTemplate || {}));
      const moves = ["passed", "failed", "completed"].includes(verb);
      const categories = [{ id: `${CATEGORIES}cmi5` }, ...(moves ? [{ id: `${CATEGORIES}moveon` }] : [])];
      context.registration = launch.get("registration");
      context.contextActivities = { ...context.contextActivities };
      context.contextActivities.category = [...(context.contextActivities.category || []), ...categories];
      if (["passed", "failed"].includes(verb) && this.data.masteryScore !== undefined) {
        context.extensions = { ...context.extensions, [MASTERY]: this.data.masteryScore };
      }
      return {
        id: crypto.randomUUID(), timestamp: new Date().toISOString(), actor: this.actor,
        verb: { id: `${VERBS}${verb}`, display: { en: verb } },
        object: { objectType: "Activity", id: launch.get("activityId") }, context, ...(result ? { result } : {}),
      };
    }

    async send(...statements) {
      if (!statements.length) return true;
      return (await this.request("statements", {}, { method: "POST", body: JSON.stringify(statements) })).ok;
    }

    // One after another, so that an older document never overtakes a newer one.
    keep(saved) {
      const body = JSON.stringify(saved);
      this.sending = this.sending.then(() => this.request("activities/state", this.place(SAVED), { method: "PUT", body }))
        .catch(() => {});
    }

    place(stateId) {
      return { stateId, activityId: launch.get("activityId"), agent: this.who, registration: launch.get("registration") };
    }

    state(stateId) {
      return this.document("activities/state", this.place(stateId));
    }

    async document(path, query) {
      const response = await this.request(path, query, {});
      return response.ok ? response.json() : null;
    }

    request(path, query, options) {
      const headers = {
        "Authorization": `Basic ${this.token}`, "X-Experience-API-Version": "1.0.3", "Content-Type": "application/json",
      };
      return fetch(`${this.endpoint}${path}?${new URLSearchParams(query)}`, { ...options, headers });
    }
  }

  const asked = ["fetch", "endpoint", "actor", "registration", "activityId"];
  window.RolecallAdapter = { open: () => (asked.every((name) => launch.get(name)) ? new Cmi5() : null) };
})();
