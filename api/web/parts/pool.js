// Many requests, a few at a time: a browser has six connections to a host, and one follows the events.

const AT_ONCE = 4;

/** Call `work` with each item, some at once, and return the results in order; the first fault ends it. */
export async function eachOf(items, work, { signal, atOnce = AT_ONCE } = {}) {
  const results = new Array(items.length);
  const left = items.entries();
  const run = async () => {
    for (const [index, item] of left) {
      signal?.throwIfAborted();
      results[index] = await work(item, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run));
  return results;
}
