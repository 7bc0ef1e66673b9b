// Asks the results service, and believes an answer only when its signature is that of the package's key.
"use strict";

(function () {
  const TIMEOUT_MS = 10000;
  const PAUSES_MS = [1000, 3000];
  const LONGEST_PAUSE_S = 10;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  // `text/plain` keeps the request free of a preflight; the tokens travel in the body, where no log has them.
  async function ask(config, path, body) {
    let last = { state: "unreachable" };
    for (let attempt = 0; attempt <= PAUSES_MS.length; attempt += 1) {
      last = await once(`${config.service}${path}`, { package: config.token, ...body });
      if (!last.again || attempt === PAUSES_MS.length) return last;
      await wait(Math.max(PAUSES_MS[attempt], 1000 * Math.min(last.afterS || 0, LONGEST_PAUSE_S)));
    }
    return last;
  }

  async function once(address, body) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(address, {
        method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "text/plain" }, credentials: "omit",
        cache: "no-store", referrerPolicy: "no-referrer", signal: stop.signal,
      });
      const again = response.status === 429 || response.status >= 500;
      const answer = await response.json();
      return { ...answer, again, afterS: Number(response.headers.get("Retry-After")) };
    } catch (failed) {
      // A refused origin, a dead server and a slow one look the same to a page.
      return { state: "unreachable", again: true };
    } finally {
      clearTimeout(timer);
    }
  }

  // The signed result, once it is ours, for this destination and scenario, and about this learner.
  async function verified(config, learner, jws) {
    if (!window.crypto || !window.crypto.subtle) return { state: "insecure" };
    try {
      const [head, body, signature] = jws.split(".");
      const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
      const key = await crypto.subtle.importKey("jwk", config.key, algorithm, false, ["verify"]);
      const signed = new TextEncoder().encode(`${head}.${body}`);
      const holds = await crypto.subtle.verify(algorithm, key, bytes(signature), signed);
      const result = holds ? JSON.parse(new TextDecoder().decode(bytes(body))) : null;
      const about = result && [result.aud === config.destination, result.scenario === config.scenario.id,
        result.sub === learner];
      if (!about || about.includes(false)) return { state: "forged" };
      return { state: "result", result: { ...result, signature: signature.slice(0, 16) } };
    } catch (broken) {
      return { state: "forged" };
    }
  }

  function bytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  window.RolecallService = { ask, verified, wait };
})();
