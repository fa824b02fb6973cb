// Keeps the page, and what it last showed, for when there is no network. What comes from the keep
// has the date of the answer that was kept, so the page can say how old it is.
const keep = "cakupan-1";
const kept = /^\/($|assets\/|v1\/(coverage|series|difference))/;

self.addEventListener("install", (e) => {
  e.waitUntil(
    caches.open(keep)
      .then((c) => c.addAll(["./", "assets/app.js", "assets/style.css", "assets/icon.svg", "assets/story.json", "assets/boundaries.json"]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (e) => {
  const others = (names) => Promise.all(names.filter((n) => n !== keep).map((n) => caches.delete(n)));
  e.waitUntil(caches.keys().then(others).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== location.origin || !kept.test(url.pathname)) return;
  e.respondWith(answer(e));
});

async function answer(e) {
  const request = e.request;
  const page = request.mode === "navigate" ? new Request("./") : request;
  const cache = await caches.open(keep);
  try {
    const response = await fetch(request);
    if (response.ok) e.waitUntil(put(cache, page, response.clone())); // nobody waits for that
    return response;
  } catch (cause) {
    const old = await cache.match(page);
    if (old) return old;
    throw cause;
  }
}

// What was asked longest ago is forgotten first; the page and its parts were kept first, and stay.
const most = 300;
let puts = 0;

async function put(cache, request, response) {
  await cache.put(request, response);
  if (puts++ % 50 !== 0) return;
  const answers = (await cache.keys()).filter((one) => new URL(one.url).pathname.startsWith("/v1/"));
  await Promise.all(answers.slice(0, Math.max(0, answers.length - most)).map((one) => cache.delete(one)));
}
